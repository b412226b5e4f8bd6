"""What is monitored: the Puppet control repository and the simulated fleet as data."""
