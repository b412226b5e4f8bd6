"""How much the monitoring machine can do: load, measurement, sizing, reports."""
