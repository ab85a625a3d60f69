"""edgefkp tune: search for networks that no other one beats in error, measured time and size."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.next_command import with_the_same_options
from edgefkp.cli.options import (
    data_option,
    device_option,
    if_stopped,
    imputation_options,
    json_option,
    labels_option,
    log,
    print_json,
    quant_option,
    reading_options,
    remote_python_option,
    spec_of,
    spec_options,
)
from edgefkp.cli.parameters import NameChoice
from edgefkp.data.progress import progress_bar
from edgefkp.export.schemes import FLOAT
from edgefkp.search.space import SPACES

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading
    from edgefkp.layout import PointLayout
    from edgefkp.search.candidate import Watcher
    from edgefkp.search.front import Tuned

OBJECTIVES = ("rmse", "ms", "kb")


@click.command("tune")
@data_option()
@reading_options
@labels_option
@click.option(
    "--space",
    type=NameChoice("space", lambda: SPACES),
    default="wide",
    show_default=True,
    help="Search space; authors: the paper's; wide: plain networks of any width and depth.",
)
@click.option("--name", help="Name of the network that is found. [default: found_SPACE]")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help=f"Candidates in all. [default: {', '.join(f'{one.name} {one.trials}' for one in SPACES.values())}]",
)
@click.option(
    "--images", type=click.IntRange(min=1), default=20_000, show_default=True, help="Training images of each candidate."
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    type=click.Choice(OBJECTIVES),
    default=OBJECTIVES,
    show_default=True,
    help="What the front is about, rmse in any case: error, time of an image, size of the .tflite; may be repeated.",
)
@spec_options
@imputation_options
@device_option()
@remote_python_option
@click.option("--install", is_flag=True, help="Install a runtime into a temporary venv on the board.")
@click.option(
    "--budget-ms", type=float, help="Largest time for one image in milliseconds; slower ones are not trained."
)
@quant_option(default=FLOAT, purpose="Scheme of the .tflite that is timed.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Candidates at once, sharing the cores."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the search.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("models/tuned"),
    show_default=True,
    help="Folder for the candidates and the networks that are found.",
)
@json_option
def command(
    data: str,
    reading: "Reading",
    labels: str,
    space: str,
    name: str | None,
    trials: int | None,
    images: int,
    objectives: tuple[str, ...],
    layout: "PointLayout | None",
    size: int,
    colors: str,
    imputation: str,
    augment: str,
    device: str,
    remote_python: str,
    install: bool,
    budget_ms: float | None,
    quant: str,
    workers: int,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Search a space for the networks that no other one beats in validation RMSE, measured time and size.

    Writes all candidates to OUT/NAME.json, which edgefkp train takes (the lowest RMSE) and edgefkp recommend (a limit),
    and OUT/NAME/report.html. A training that cannot reach the front ends early. While a candidate is timed on this
    machine, none is trained here.

    Re-run the same command to resume; a larger --trials extends the search. --workers runs several candidates at once,
    and so does the same command in a second terminal, or on a second machine that shares OUT with --device ssh://...
    """
    from edgefkp.bench.devices import open_device
    from edgefkp.cli.export import command as export
    from edgefkp.cli.train import command as train
    from edgefkp.search import tune as search
    from edgefkp.search.front import Tuning
    from edgefkp.search.workers import work_apart

    count = trials or SPACES[space].trials
    about = (imputation, augment, budget_ms, quant, seed, ("rmse", *objectives), device)
    tuning = Tuning(name or f"found_{space}", space, count, images, *about)
    job = search.SearchJob(tuning, out, data, labels, *spec_of(layout, size, colors), reading, remote_python, install)
    open_device(device)  # what is no device is said before anything is read
    source = job.dataset()
    given = {"train": options_for(train), "export": options_for(export)}
    with if_stopped("re-run the same command to resume"), progress_bar("tune", count) as bar:
        watcher = _watcher(bar)
        candidates = search.prepared(tuning, source, out)
        if workers > 1:
            work_apart(job, workers, watcher)
        else:
            search.work(candidates, source, watcher, job.measure(watcher))
        running = candidates.running()
        tuned = search.finished(candidates, source, out, given)
    _show(tuned, out, as_json)
    if running:
        log(f"another process is still at {running} candidates; it writes the result again")


def options_for(command: click.Command) -> list[str]:
    """Those of this command line that a training or an export of what is found needs, too."""
    return shlex.split(with_the_same_options([], command, without=("images", "quant", "out", "seed", "as_json")))


def _watcher(bar: Any) -> "Watcher":
    from edgefkp.search.candidate import Watcher

    return Watcher(log, lambda text: bar.update(0, text), lambda done: bar.update(max(0, done - bar.pos), ""))


def _show(tuned: "Tuned", out: Path, as_json: bool) -> None:
    from edgefkp.cli.tuned_commands import next_commands
    from edgefkp.errors import EnvironmentProblem
    from edgefkp.report.search_page import write_page
    from edgefkp.report.search_table import table

    if as_json:
        print_json(tuned)
    else:
        click.echo(table(tuned).text())
    try:
        log(f"\nreport: {write_page(out / tuned.name / 'report.html', tuned)}")
    except EnvironmentProblem as problem:
        log(f"\nno report: {problem.message}; {problem.hint}")
    for line in next_commands(tuned, out / f"{tuned.name}.json"):
        log(line)
    if tuned.tuning.timed and len(tuned.front) > 1:
        log(f"another of the front: edgefkp recommend {out / tuned.name}.json --budget-ms X")
