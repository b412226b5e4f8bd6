"""Whether a rebuilt monitoring machine is the last good one again: snapshots in layers, compared."""
