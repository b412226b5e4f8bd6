"""The reference workload: what one core does, in units that can be compared from machine to machine.

A vCPU is not a unit: the same work on one hoster's takes twice the time of another's. So a need for CPU is given as a multiple of a fixed
workload that is shipped here (workload.py), which has the shape of a monitoring machine's own: it starts plugins, takes results as JSON
over TLS, makes pages, writes and reads state history.
"""
