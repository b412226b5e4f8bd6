"""How a machine becomes the monitoring server, and how the simulated fleet comes alive."""
