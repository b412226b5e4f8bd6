"""How large the machine must be: a search with proof at both edges, a model, headroom, disk and price. Nothing here needs a lab."""
