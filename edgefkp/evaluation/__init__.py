"""How far predicted points are from the true ones."""
