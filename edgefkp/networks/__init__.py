"""The networks: architectures by name."""
