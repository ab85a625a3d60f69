"""The paper's study: its grid of trainings, and what the results say of the paper's claims."""
