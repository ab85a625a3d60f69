"""The face finders, one file each."""
