"""edgefkp recommend: the file to use on a measured device."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import json_option, print_json
from edgefkp.errors import EdgefkpError
from edgefkp.files import visible

if TYPE_CHECKING:
    from edgefkp.bench.result import Result

RESULTS = Path("bench/results")


@click.command("recommend")
@click.argument("result", required=False, type=click.Path(path_type=Path))
@click.option("--budget-ms", type=float, metavar="X", help="The lowest RMSE, give or take 0.02 px, in at most X ms.")
@click.option("--max-rmse", type=float, metavar="Y", help="The fastest of the files with at most Y px.")
@json_option
def command(result: Path | None, budget_ms: float | None, max_rmse: float | None, as_json: bool) -> None:
    """Choose a file from RESULT, written by edgefkp bench on the device in question (by default the newest one).

    The table shows every measured file, the fastest first; those marked * are not beaten by another in both time and
    RMSE. Exits with 3 if no file is within the limit.
    """
    from edgefkp.bench import result as results
    from edgefkp.bench.recommend import recommend
    from edgefkp.bench.table import recommendation

    found = recommend(results.read(result) if result else _newest(), budget_ms, max_rmse)
    if as_json:
        print_json(found)
    else:
        click.echo(recommendation(found).text())


def _newest() -> "Result":
    from edgefkp.bench import result as results

    for path in sorted(visible(RESULTS, "*.json"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            return results.read(path)
        except EdgefkpError:
            continue  # other measurements are kept there, too
    raise EdgefkpError(f"there is no result of edgefkp bench in {RESULTS}", "measure first: edgefkp bench")
