"""Tells people by mail of what Icinga notices, within limits that no monitored machine can exceed.

Icinga starts one small program for each notification, which hands it to a socket; everything else happens here, once. What a limit
holds back is never lost: it comes in a digest that names its host.
"""
