"""Export: models/*.keras -> export/*.tflite with cards."""
