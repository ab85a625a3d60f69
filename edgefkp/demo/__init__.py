"""The live demo: frames in, a window, a page or a video out."""
