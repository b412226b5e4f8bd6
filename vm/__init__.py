"""The floor: offers, image, machines and their drivers. Knows nothing of what is monitored."""
