"""The kinds of file, a file for each family."""
