"""Measure .tflite files on the machine they will run on. Nothing here imports OpenCV or TensorFlow."""
