"""What runs a model file: interpreters, checks, child processes."""
