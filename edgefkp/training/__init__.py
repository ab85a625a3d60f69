"""Training: labelled faces -> models/<model>.keras and its card."""
