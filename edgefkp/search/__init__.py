"""The search for a network within a time."""
