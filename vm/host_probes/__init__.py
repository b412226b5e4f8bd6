"""The registry of host probes: each module has `probe(question: Question) -> Finding`."""
