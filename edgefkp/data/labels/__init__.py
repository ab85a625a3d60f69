"""How labels are read, and whether they can be meant."""
