"""Faces that this project draws itself: a head model with an MIT license, drawn in numpy, with exact points."""
