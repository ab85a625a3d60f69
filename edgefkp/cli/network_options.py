"""Options of commands that load networks: layers of one's own, and sizes that a network leaves open."""

from typing import Any

import click

from edgefkp.errors import UsageError


def _import(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> None:
    if given:
        from edgefkp.runtime.own_layers import use

        use(given)


import_option = click.option(
    "--import",
    "imports",
    multiple=True,
    metavar="MODULE",
    expose_value=False,
    callback=_import,
    help="Python module or file that registers layers of your own with Keras. It is run. May be repeated.",
)


class Shapes(click.ParamType):
    """[NAME=]1,H,W,C -> (name, shape)."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        label, _, sizes = str(value).rpartition("=")
        try:
            shape = tuple(int(size) for size in sizes.replace("x", ",").split(","))
        except ValueError:
            shape = ()
        if not shape or min(shape) < 1:
            self.fail(f"'{value}' is no shape; for example: 1,96,96,1, or NAME=1,96,96,1", param, ctx)
        return label, shape


shape_option = click.option(
    "--shape",
    "shapes",
    multiple=True,
    type=Shapes(),
    metavar="[NAME=]1,H,W,C",
    help="Shape of an input that leaves sizes open, the batch first. May be repeated.",
)


def shapes_of(given: tuple[tuple[str, tuple[int, ...]], ...]) -> dict[str, tuple[int, ...]]:
    """By the input's name, "" for the only one. Raises UsageError for a name that is given twice."""
    found = dict(given)
    if len(found) != len(given):
        raise UsageError("--shape names an input twice", "give one shape for each input: --shape NAME=1,96,96,1")
    return found
