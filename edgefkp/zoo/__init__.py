"""The networks, as plain functions. `registry` lists them in the order of the paper's Table 1.

Every network takes (96, 96, 1) float32 pixels / 255 and puts out 30 numbers in [-1, 1] (`keypoints.denormalise`).
"""
