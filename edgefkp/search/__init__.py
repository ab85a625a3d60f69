"""The search for networks that no other one beats in error, measured time and size."""
