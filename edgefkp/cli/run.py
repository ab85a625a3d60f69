"""edgefkp run: the whole way from faces to a measured file."""

import sys
from pathlib import Path

import click

from edgefkp.cli.options import data_option, json_option, labels_option, note, print_json
from edgefkp.errors import UsageError


@click.command("run")
@data_option()
@labels_option()
@click.option("--models", default="small,manual", show_default=True, help="Networks that edgefkp models lists.")
@click.option("--treatment", default="masked", show_default=True, help="Missing labels: drop, ffill, knn, masked.")
@click.option("--augment", default="online", show_default=True, help="Pictures: none, paper (offline), online.")
@click.option("--epochs", type=int, help="Passes over the training faces, instead of a number of images.")
@click.option("--images", type=int, help="Training images of each network. [default: small 40000, manual 8000]")
@click.option("--batch", type=int, help="[default: 16]")
@click.option("--seed", type=int, help="[default: 0]")
@click.option("--quick", is_flag=True, help="Only see that everything works: few images, short timing.")
@click.option("--out", type=click.Path(path_type=Path), help="[default: runs/NAME OF THE DATA]")
@json_option
def command(
    data: str,
    labels: str,
    models: str,
    treatment: str,
    augment: str,
    epochs: int | None,
    images: int | None,
    batch: int | None,
    seed: int | None,
    quick: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Train, export, evaluate and time networks on DATA; ends with a table and OUT/report.html.

    Re-run the same command to resume: what is finished is not made again.
    """
    networks = [name.strip() for name in models.split(",") if name.strip()]
    if not networks:
        raise UsageError("--models names no network", "for example: --models small,manual")
    if epochs and images:
        raise UsageError("--epochs and --images exclude each other", "give one of them")
    from edgefkp.cli.train import BarProgress
    from edgefkp.report.run_page import write_page
    from edgefkp.report.run_table import table
    from edgefkp.run import Job, plan_experiments, run

    experiments = plan_experiments(
        networks, treatment, augment, quick, epochs=epochs, images=images, batch=batch, seed=seed
    )
    folder = out or Path("runs") / (Path(data).resolve().stem if data != "sample" else "sample")
    try:
        result, shown = run(Job(data, experiments, folder, labels, quick), note, BarProgress, _show_timing)
    except KeyboardInterrupt:
        note("stopped; the same command goes on from here")
        raise
    page = write_page(folder / "report.html", result, shown)
    if as_json:
        print_json(result)
    else:
        click.echo(f"\n{table(result).text()}")
    note(f"\nreport: {page}")


def _show_timing(done: int, total: int, label: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{done}/{total} {label}", end="" if done < total else "\n", file=sys.stderr, flush=True)
