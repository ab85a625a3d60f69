"""The options that turn the numbers of a table of points into pixels, as every command with --data has them."""

from typing import Any

import click

from edgefkp.data.labels.options import AS_THEY_ARE, EXIF, UNITS, LabelOptions

_CHOICES = (
    click.option(
        "--missing",
        type=float,
        multiple=True,
        metavar="NUMBER",
        help="A number that stands for a missing point where x and y are that number, such as -1; may be repeated.",
    ),
    click.option(
        "--unit",
        default=AS_THEY_ARE.unit,
        metavar=f"[{'|'.join(UNITS)}|WxH]",
        help="Unit of the points; WxH: pixels of a copy of that size. [default: pixels of the image]",
    ),
    click.option(
        "--scale",
        type=float,
        default=AS_THEY_ARE.scale,
        metavar="FACTOR",
        help="Multiply the points: 0.25 for points placed on a copy 4 times as large.",
    ),
    click.option(
        "--mirror-names", is_flag=True, help="Swap left and right points: the labels have them as the viewer sees them."
    ),
    click.option("--swap-xy", is_flag=True, help="Swap x and y of the labels."),
    click.option("--flip-y", is_flag=True, help="Count y from the lower edge of the image."),
    click.option(
        "--exif",
        type=click.Choice(EXIF),
        default=AS_THEY_ARE.exif,
        show_default=True,
        help="Image that the points were placed on, if EXIF turns it: as it is shown, or as it is stored.",
    ),
    click.option(
        "--trust-labels",
        "trusted",
        is_flag=True,
        help="Use labels that look wrong as they are, with a warning in place of an error.",
    ),
)
_NAMES = ("missing", "unit", "scale", "mirror_names", "swap_xy", "flip_y", "exif", "trusted")


def label_options(command: Any) -> Any:
    """All of them; `taken` puts what was given together."""
    for option in reversed(_CHOICES):
        command = option(command)
    return command


def taken(given: dict[str, Any]) -> LabelOptions:
    """`LabelOptions` of what the options gave, which is taken out of `given`. Raises UsageError."""
    return LabelOptions(**{name: given.pop(name) for name in _NAMES})
