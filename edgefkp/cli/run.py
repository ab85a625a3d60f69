"""edgefkp run: the whole way from faces to a measured file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.options import (
    data_option,
    if_stopped,
    imputation_options,
    json_option,
    labels_option,
    license_option,
    log,
    print_json,
    reading_options,
    replace_option,
    spec_of,
    spec_options,
)
from edgefkp.errors import UsageError

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading
    from edgefkp.layout import PointLayout

MODELS = "small,manual"
NO_START = "none"


@click.command("run")
@data_option()
@reading_options
@labels_option
@click.option(
    "--models",
    help="Networks to train from scratch, separated by commas; edgefkp models lists them. [default: small,manual; none "
    "on few faces of your own]",
)
@click.option(
    "--from",
    "start",
    metavar="NAME|FILE|none",
    help="Fine-tune this trained network, too. [default: on faces of your own the one that comes with edgefkp]",
)
@license_option
@spec_options
@imputation_options
@click.option("--epochs", type=int, help="Passes over the training faces, instead of a number of images.")
@click.option("--images", type=int, help="Training images of each network. [default: small 40000, manual 8000]")
@click.option("--batch", type=int, help="Images per step. [default: 16]")
@click.option("--seed", type=int, help="Seed of the trainings. [default: 0]")
@click.option("--quick", is_flag=True, help="Only check that everything works: few images, short timing.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for everything. [default: runs/NAME OF THE DATA]")
@replace_option("models of other trainings and files of other calibrations in the folder")
@json_option
def command(
    data: str,
    reading: "Reading",
    labels: str,
    models: str | None,
    start: str | None,
    license: str | None,
    layout: "PointLayout | None",
    size: int,
    colors: str,
    imputation: str,
    augment: str,
    epochs: int | None,
    images: int | None,
    batch: int | None,
    seed: int | None,
    quick: bool,
    out: Path | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Train, export, evaluate and time networks on DATA; ends with a table and OUT/report.html.

    Of faces of your own the network that comes with edgefkp learns, too, and is compared with what it was before.

    Re-run the same command to resume: what is finished is not made again.
    """
    networks = [name.strip() for name in (models or MODELS).split(",") if name.strip()]
    if not networks:
        raise UsageError("--models names no network", "for example: --models small,manual")
    if epochs and images:
        raise UsageError("--epochs and --images exclude each other", "give one of them")
    from edgefkp.cli.bench import TimingBar
    from edgefkp.cli.train import training_bar
    from edgefkp.report.run_page import write_page
    from edgefkp.report.run_table import comparison_table, table
    from edgefkp.run import Job, run
    from edgefkp.training.plans import default_start, plan_experiments, plan_finetuning

    asked = (imputation, augment, quick)
    changes: dict[str, Any] = {"epochs": epochs, "images": images, "batch": batch, "seed": seed}
    experiments = plan_experiments(networks, *asked, **changes)
    tuning = None if start == NO_START else plan_finetuning(start or default_start(), *asked, **changes)
    folder = out or Path("runs") / (Path(data).resolve().stem if data != "sample" else "sample")
    about: dict[str, Any] = {
        "license": license,
        "tuning": tuning,
        "tunes_any": start is not None,
        "named": models is not None,
    }
    job = Job(data, experiments, folder, labels, quick, *spec_of(layout, size, colors), replace, reading, **about)
    with if_stopped("re-run the same command to resume"), TimingBar() as timed:
        result, shown = run(job, log, training_bar, timed)
    page = write_page(folder / "report.html", result, shown)
    if as_json:
        print_json(result)
    else:
        if result.own:
            click.echo(f"\n{comparison_table(result.own).text()}")
        click.echo(f"\n{table(result).text()}")
    log(f"\nreport: {page}")
