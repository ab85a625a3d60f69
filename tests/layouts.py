"""A made-up layout of three points: what was written for one layout fails on it."""

from edgefkp.layout import InputSpec, ModelSpec, PointLayout

THREE = PointLayout(
    "three",
    ("eye_left", "eye_right", "chin"),
    ((2 / 3, 0.4), (1 / 3, 0.4), (0.5, 0.9)),
    (("eye_left",), ("eye_right",)),
    lines=(("eye_left", "chin"), ("chin", "eye_right")),
)
SMALL_RGB = ModelSpec(THREE, InputSpec(64, "rgb"))
