"""Options that state what a network takes and returns, where no card describes it."""

import functools
from typing import Any

import click


def contract_options(command: Any) -> Any:
    """The command is called with `stated`, a `Stated` of what was given, or None."""
    from edgefkp.layout import FORMS, ORDERS, SCALINGS

    @functools.wraps(command)
    def called(
        input_range: str | None,
        colors: str | None,
        output_units: str | None,
        output_offset: float | None,
        **given: Any,
    ) -> Any:
        from dataclasses import replace

        from edgefkp.runtime.contract import Stated, read_scaling

        scaling = read_scaling(input_range) if input_range else Stated()
        stated = replace(scaling, order=colors, form=output_units, offset=output_offset)
        return command(stated=None if stated == Stated() else stated, **given)

    for option in (
        click.option(
            "--output-offset",
            type=float,
            metavar="PX",
            help="Pixels to add to every coordinate: 0.5 for a network trained on (x - 48) / 48 of 96 pixels.",
        ),
        click.option(
            "--output-units",
            type=click.Choice(FORMS),
            help="What the network's points are counted in. [default: by its card or quantization, else -1..1]",
        ),
        click.option("--colors", type=click.Choice(ORDERS), help="Order of the network's channels. [default: rgb]"),
        click.option(
            "--input-range",
            metavar="RANGE",
            help=f"What the network expects pixels to be: {', '.join(SCALINGS)}, or MEAN/DEVIATION in gray levels. "
            "[default: by its card, first layers or quantization, else 0..1]",
        ),
    ):
        called = option(called)
    return called
