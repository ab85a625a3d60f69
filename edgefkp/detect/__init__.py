"""Faces in an image: finders, the detector and its presence check, the tracker."""
