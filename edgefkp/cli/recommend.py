"""edgefkp recommend: the file to use on a measured device."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import folder_option, json_option, log, print_json
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import read_json, visible

if TYPE_CHECKING:
    from edgefkp.bench.result import Result

RESULTS = Path("bench/results")


@click.command("recommend")
@click.argument("result", required=False, type=click.Path(path_type=Path))
@click.option(
    "--budget-ms", type=float, metavar="X", help="Choose the lowest RMSE, give or take 0.02 px, in at most X ms."
)
@click.option("--max-rmse", type=float, metavar="Y", help="Choose the fastest of the files with at most Y px.")
@click.option(
    "--allow-suspect", is_flag=True, help="Choose among SUSPECT measurements, too, and list the doubts about them."
)
@click.option("--target", metavar="NPU", help="Choose by the estimates for this NPU: ethos-u55-128, for example.")
@folder_option("--export-dir", "export", "Folder of the files with estimates.")
@json_option
def command(
    result: Path | None,
    budget_ms: float | None,
    max_rmse: float | None,
    allow_suspect: bool,
    target: str | None,
    export_dir: Path,
    as_json: bool,
) -> None:
    """Choose a file from RESULT, written by edgefkp bench on the device in question (by default the newest one), or a
    network from what edgefkp tune wrote.

    The table shows every measured file, the fastest first; those marked * are not beaten by another in both time and
    RMSE. Only measurements with the verdict VALID are chosen or marked. Exits with 3 if no file is within the limit.

    With --target, the files in export/ that edgefkp export compiled for that NPU, by the compiler's estimates.
    """
    from edgefkp.bench import result as results
    from edgefkp.bench.npu_choices import recommend_npu
    from edgefkp.bench.recommend import recommend
    from edgefkp.bench.recommend_table import recommendation
    from edgefkp.cli.tuned_commands import next_commands
    from edgefkp.search.choices import recommend_network, trial_of
    from edgefkp.search.front import is_tuned, read_tuned

    if target and result:
        raise UsageError("--target chooses by estimates, and RESULT is a measurement", "give one of them")
    measured = tuned = None
    if target:
        found = recommend_npu(target, export_dir, budget_ms, max_rmse)
    elif result and is_tuned(read_json(result)):
        tuned = read_tuned(result)
        found = recommend_network(tuned, budget_ms, max_rmse, allow_suspect)
    else:
        measured = results.read(result) if result else _newest()
        found = recommend(measured, budget_ms, max_rmse, allow_suspect)
    if as_json:
        print_json(found)
    else:
        click.echo(recommendation(found).text())
    if found.chosen and measured:
        _say_if_shipped(found.chosen.file, measured)
    if found.chosen and tuned and result:
        for line in next_commands(tuned, result, trial_of(tuned, found.chosen.file)):
            log(line)


def _say_if_shipped(file: str, measured: "Result") -> None:
    from edgefkp.runtime.shipped import hashes

    if any(row.file == file and row.sha256 in hashes() for row in measured.rows):
        log(f"it comes with edgefkp: edgefkp predict PHOTO --model {file.removesuffix('.tflite')}")


def _newest() -> "Result":
    from edgefkp.bench import result as results

    found: dict[Path, Result] = {}
    for path in visible(RESULTS, "*.json"):
        with contextlib.suppress(EdgefkpError):  # other measurements are kept there, too
            found[path] = results.read(path)
    if found:
        # Not by the file's time: a copy has another one.
        newest = max(found, key=lambda path: found[path].created)
        log(f"taking {newest}, measured {found[newest].created} on {found[newest].device.name}")
        return found[newest]
    raise EdgefkpError(f"there is no result of edgefkp bench in {RESULTS}", "measure first: edgefkp bench")
