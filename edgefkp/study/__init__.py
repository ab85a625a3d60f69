"""The paper's study: its grid of trainings, and the paper's claims judged by its results."""
