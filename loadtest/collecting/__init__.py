"""What collecting exported resources costs the monitor, three ways side by side; `bench` is the whole measurement."""
