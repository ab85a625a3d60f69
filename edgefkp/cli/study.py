"""edgefkp study: the paper's grid, trained and scored on equal terms."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgefkp.cli.options import data_option, if_stopped, json_option, labels_option, log, print_json


@click.group("study")
def command() -> None:
    """The paper's study: every network with every imputation, scored once on held-out persons.

    The cells are independent. Re-run the same command to resume a study from its checkpoints; finished cells are
    not run again.
    """


def _cells(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option(
            "--only",
            multiple=True,
            metavar="PATTERN",
            help="Take only trainings of this name, as 'manual-*'; may be repeated.",
        ),
        click.option(
            "--out",
            type=click.Path(path_type=Path),
            default=Path("models/study"),
            show_default=True,
            help="Folder of the results, a small JSON for each training.",
        ),
        click.option(
            "--work",
            type=click.Path(path_type=Path),
            help="Folder of models, checkpoints and logs. [default: study in the cache folder]",
        ),
    ):
        function = option(function)
    return function


@command.command("run")
@data_option(default=None)
@labels_option
@click.option(
    "--weights",
    default="imagenet",
    show_default=True,
    help="Weights that MobileNetV2 starts from: imagenet (downloaded), a .weights.h5 without top, or none.",
)
@_cells
@click.option(
    "--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Trainings at once, sharing the cores."
)
@click.option("--ray", metavar="ADDRESS", help="Run on this Ray cluster instead; auto finds a local one.")
@click.option(
    "--cores", type=click.IntRange(min=1), default=2, show_default=True, help="Cores for each training on a Ray node."
)
@json_option
def run(
    data: str | None,
    labels: str,
    weights: str,
    only: tuple[str, ...],
    out: Path,
    work: Path | None,
    workers: int,
    ray: str | None,
    cores: int,
    as_json: bool,
) -> None:
    """Train and score the cells that are missing, cheap ones first."""
    from edgefkp.errors import UsageError
    from edgefkp.study.grid import select
    from edgefkp.study.scheduler import run_study

    if data is None:
        raise UsageError("--data is missing", "give a folder with Kaggle's files")
    cells = select(only)
    study = _study(out, work, data, labels, None if weights == "none" else weights)
    with if_stopped("re-run the same command to resume after the last finished epoch"):
        state = run_study(study, cells, cores if ray else workers, ray, log)
    _show(state, as_json)


@command.command("status")
@_cells
@json_option
def status(only: tuple[str, ...], out: Path, work: Path | None, as_json: bool) -> None:
    """Show which cells are done, running and missing, and how long the rest will take.

    A done cell shows its validation RMSE in px; test scores are left to the report.
    """
    from edgefkp.study.grid import select
    from edgefkp.study.store import state_of

    _show(state_of(_study(out, work), select(only)), as_json)


def _study(out: Path, work: Path | None, data: str = "", labels: str = "csv", weights: str | None = None) -> Any:
    from edgefkp.files import cache_dir
    from edgefkp.study.store import Study

    return Study(data, labels, weights, out.resolve(), (work or cache_dir() / "study").resolve())


def _show(state: Any, as_json: bool) -> None:
    if as_json:
        names = {kind: state.names(kind) for kind in ("done", "running", "missing")}
        print_json({"schema": state.schema, **names, "seconds_left": state.left, "cells": state.cells})
        return
    from edgefkp.evaluation.table import Table
    from edgefkp.study.grid import column_names

    columns = column_names()
    rows: dict[str, dict[str, str]] = {}
    left: dict[str, float] = {}
    for cell in state.cells:
        rows.setdefault(cell.row, dict.fromkeys(columns, ""))[cell.column] = _mark(cell)
        left[cell.row] = left.get(cell.row, 0.0) + cell.left
    table = [[row, *marks.values(), f"{left[row] / 3600:.1f}"] for row, marks in rows.items()]
    click.echo(Table.of(["network", *columns, "h left"], table).text())
    done, running, missing = (len(state.names(kind)) for kind in ("done", "running", "missing"))
    click.echo(
        f"\n{done} done, {running} running, {missing} missing; about {state.left / 3600:.1f} h left on all cores"
    )


def _mark(cell: Any) -> str:
    """Validation RMSE in px when done, else how far it is."""
    if cell.state == "done":
        return f"{cell.validation_rmse:.2f}"
    share = f"{100 * cell.share:.0f} %" if cell.share else ""
    return f"runs {share}".strip() if cell.state == "running" else share or "missing"
