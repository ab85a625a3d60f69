"""Training: labeled faces -> models/<model>.keras and its card."""
