"""edgefkp compare: did it get faster?"""

from pathlib import Path

import click

from edgefkp.cli.options import json_option, print_json
from edgefkp.errors import GateError


@click.command(short_help="Compare two measurements: ratio, interval, verdict.")
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option(
    "--gate",
    type=click.FloatRange(0, min_open=True),
    help="Exit with 3 if SECOND is clearly slower than this multiple of FIRST.",
)
@click.option("--force", is_flag=True, help="Compare different machines, runtimes or files, too.")
@json_option
def command(first: Path, second: Path, gate: float | None, force: bool, as_json: bool) -> None:
    """Compare SECOND with FIRST, two results of edgefkp bench.

    For each file: the time of SECOND over that of FIRST with its 95 % interval, and whether SECOND is faster, slower,
    or not clearly either. Unlike machines, runtimes or files are refused.
    """
    from edgefkp.bench import result
    from edgefkp.bench.compare import compare, over
    from edgefkp.bench.table import comparison

    compared = compare(result.read(first), result.read(second), force)
    if as_json:
        print_json(compared)
    else:
        click.echo(comparison(compared).text())
    if gate and (slower := over(compared, gate)):
        worst = max(slower, key=lambda row: row.ratio)
        raise GateError(
            f"{len(slower)} of {len(compared.rows)} took over {gate:g} times as long; {worst.file}: {worst.ratio:.3f}",
            f"look at: edgefkp compare {first} {second}",
        )
