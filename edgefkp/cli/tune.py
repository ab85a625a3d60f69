"""edgefkp tune: search for a network, under a budget of measured time if one is given."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.next_command import with_the_same_options
from edgefkp.cli.options import (
    data_option,
    if_stopped,
    imputation_options,
    json_option,
    labels_option,
    log,
    print_json,
    quant_option,
    reading_options,
    spec_of,
    spec_options,
)
from edgefkp.cli.parameters import NameChoice
from edgefkp.export.schemes import FLOAT
from edgefkp.search.space import SPACES

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading
    from edgefkp.layout import PointLayout


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
@click.option("--trials", type=click.IntRange(min=1), help="Candidates in all. [default: authors 5, wide 20]")
@click.option(
    "--images", type=click.IntRange(min=1), default=20_000, show_default=True, help="Training images of each candidate."
)
@spec_options
@imputation_options
@click.option("--budget-ms", type=float, help="Largest time for one image in milliseconds, measured on this machine.")
@quant_option(default=FLOAT, purpose="Scheme of the .tflite that --budget-ms is for.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the search.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("models/tuned"),
    show_default=True,
    help="Folder for the trials and the network that is found.",
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
    layout: "PointLayout | None",
    size: int,
    colors: str,
    imputation: str,
    augment: str,
    budget_ms: float | None,
    quant: str,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Search a space of networks by validation RMSE and write the best as OUT/NAME.json.

    `edgefkp train OUT/NAME.json` then trains it in full. Re-run the same command to resume; more --trials
    extend the search. On several machines: keras-tuner's own KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and
    KERASTUNER_ORACLE_PORT, with OUT on a disk that they share.
    """
    from edgefkp.cli.train import command as train
    from edgefkp.data.formats import open_dataset
    from edgefkp.search.tune import Tuning, tune

    count = trials or SPACES[space].trials
    tuning = Tuning(name or f"found_{space}", space, count, images, imputation, augment, budget_ms, quant, seed)
    with if_stopped("re-run the same command to resume"):
        tuned = tune(tuning, open_dataset(data, labels, *spec_of(layout, size, colors), reading), out, log)
    if as_json:
        print_json(tuned)
        return
    _show(tuned)
    file = out / f"{tuned.name}.json"
    words = ["edgefkp", "train", str(file), "--learning-rate", f"{tuned.learning_rate:.2g}"]
    log(f"to train it in full: {with_the_same_options(words, train, without=('images', 'out', 'seed'))}")


def _show(tuned: Any) -> None:
    from tabulate import tabulate

    rows = [
        [
            trial.trial,
            ", ".join(f"{key} {'-'.join(map(str, values))}" for key, values in trial.options.items()),
            f"{trial.learning_rate:.1e}",
            f"{trial.parameters / 1e3:,.0f}",
            f"{trial.macs / 1e6:,.1f}",
            "" if trial.ms is None else f"{trial.ms:.3f}",
            "not trained" if trial.validation_rmse is None else f"{trial.validation_rmse:.3f}",
        ]
        for trial in tuned.trials
    ]
    header = ["trial", "network", "rate", "k params", "M MACs", "ms", "RMSE px"]
    align = ["left", "left", *["right"] * 5]
    click.echo(tabulate(rows, header, disable_numparse=True, colalign=align, maxcolwidths=[None, 40, *[None] * 5]))
    click.echo(f"\nRMSE on validation persons; the mean shape has {tuned.mean_shape_rmse:.2f} px.")
