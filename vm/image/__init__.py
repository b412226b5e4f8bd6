"""Images: one for each kind of machine, packages baked in, the same bits for every lab."""
