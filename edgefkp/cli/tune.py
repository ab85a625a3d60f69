"""edgefkp tune: search for a network, under a budget of measured time if one is given."""

from pathlib import Path
from typing import Any

import click

from edgefkp.cli.options import data_option, json_option, labels_option, note, print_json
from edgefkp.export.schemes import FLOAT, SCHEMES


@click.command("tune")
@data_option()
@labels_option()
@click.option(
    "--space",
    default="wide",
    show_default=True,
    help="authors: the paper's search space; wide: plain networks of any width and depth.",
)
@click.option("--name", help="Of the network that is found. [default: found_SPACE]")
@click.option("--trials", type=click.IntRange(min=1), help="Candidates in all. [default: authors 5, wide 20]")
@click.option("--images", type=click.IntRange(min=1), default=20_000, show_default=True, help="For each candidate.")
@click.option("--treatment", default="masked", show_default=True, help="Missing labels: drop, ffill, knn, masked.")
@click.option("--augment", default="online", show_default=True, help="Pictures: none, paper (offline), online.")
@click.option("--budget-ms", type=float, help="Most milliseconds for an image, measured on this machine.")
@click.option(
    "--scheme",
    type=click.Choice(SCHEMES.names()),
    default=FLOAT,
    show_default=True,
    help="The .tflite that the budget is for.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("models/tuned"), show_default=True)
@json_option
def command(
    data: str,
    labels: str,
    space: str,
    name: str | None,
    trials: int | None,
    images: int,
    treatment: str,
    augment: str,
    budget_ms: float | None,
    scheme: str,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Search a space of networks by validation RMSE and write the best as OUT/NAME.json.

    `edgefkp train OUT/NAME.json` then trains it in full. Broken off and typed again, the search goes on; more --trials
    continue it. On several machines: keras-tuner's own KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and
    KERASTUNER_ORACLE_PORT, with OUT on a disk that they share.
    """
    from edgefkp.data.formats import open_dataset
    from edgefkp.search.space import SPACES
    from edgefkp.search.tune import Tuning, tune

    count = trials or SPACES[space].trials
    tuning = Tuning(name or f"found_{space}", space, count, images, treatment, augment, budget_ms, scheme, seed)
    try:
        tuned = tune(tuning, open_dataset(data, labels), out, note)
    except KeyboardInterrupt:
        note("stopped; the same command goes on where it was")
        raise
    if as_json:
        print_json(tuned)
        return
    _show(tuned)
    file = out / f"{tuned.name}.json"
    note(f"to train it in full: edgefkp train {file} --learning-rate {tuned.learning_rate:.2g}")


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
