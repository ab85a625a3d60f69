"""Keypoints live: face boxes, tracking, smoothing, cameras and displays."""
