"""edgefkp train: a network on labeled faces."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace as replaced
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.options import (
    data_option,
    if_stopped,
    imputation_options,
    json_option,
    labels_option,
    log,
    print_json,
    reading_options,
    replace_option,
    spec_of,
    spec_options,
)
from edgefkp.data.progress import progress_bar
from edgefkp.training.recipe import LOSSES, PRECISIONS, Recipe

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading
    from edgefkp.layout import PointLayout
    from edgefkp.training.train import Progress

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("train")
@click.argument("network")
@data_option()
@reading_options
@labels_option
@spec_options
@imputation_options
@click.option(
    "--recipe", "recipe_file", help="Recipe: a JSON file, or the name of a shipped one. Options given here override it."
)
@click.option("--epochs", type=int, help="Passes over the training faces. [default: 40]")
@click.option("--images", type=int, help="Training images in all; overrides --epochs.")
@click.option("--batch", type=int, help="Images per step. [default: 64]")
@click.option("--learning-rate", type=float, help="Peak of the schedule. [default: 0.002]")
@click.option("--loss", help=f"Loss: {', '.join(LOSSES)}. [default: {Recipe.loss}]")
@click.option("--patience", type=int, help="Stop after this many epochs without a better validation RMSE; 0 = never.")
@click.option("--precision", help=f"Precision: {', '.join(PRECISIONS)}; auto takes the fastest. [default: auto]")
@click.option("--seed", type=int, help="Seed of the training. [default: 0]")
@click.option("--weights", help="Start of MobileNetV2 and NASNetMobile: imagenet, none, or a .weights.h5 without top.")
@click.option(
    "--more",
    multiple=True,
    metavar="DATA",
    help="More faces, for training only, their points as they are; may be repeated.",
)
@click.option(
    "--automatic-weight",
    type=float,
    default=1.0,
    show_default=True,
    help="Weight of automatically labeled faces in the loss.",
)
@click.option("--teacher", multiple=True, type=FILE, help="A model file to learn from; may be repeated.")
@click.option(
    "--teacher-share", type=float, default=0.5, show_default=True, help="Share of the teachers in each target."
)
@click.option("--teacher-copies", type=int, default=0, help="Augmented copies of each face that the teachers label.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("models"), show_default=True, help="Folder for the model."
)
@click.option("--resume", is_flag=True, help="Resume from the last checkpoint of the same run.")
@replace_option("a model of another training that has the same name")
@json_option
def command(
    network: str,
    data: str,
    reading: "Reading",
    labels: str,
    layout: "PointLayout | None",
    size: int,
    colors: str,
    imputation: str,
    augment: str,
    recipe_file: str | None,
    weights: str | None,
    more: tuple[str, ...],
    automatic_weight: float,
    teacher: tuple[Path, ...],
    teacher_share: float,
    teacher_copies: int,
    out: Path,
    resume: bool,
    replace: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Train NETWORK and write OUT/<model>.keras and its card.

    NETWORK is a name that `edgefkp models` lists, or `tuned` for the network that was tuned for the imputation.
    """
    from edgefkp.data.audit import audit, audit_line
    from edgefkp.data.faces import with_extra_training_faces
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.labels.options import AS_THEY_ARE
    from edgefkp.training.recipe import read_recipe
    from edgefkp.training.train import Experiment, train

    recipe = (read_recipe(recipe_file) if recipe_file else Recipe()).changed(**changes)
    experiment = Experiment(
        network,
        imputation,
        augment,
        recipe,
        None if weights == "none" else weights,
        teachers=teacher,
        teacher_share=teacher_share,
        teacher_copies=teacher_copies,
        automatic_weight=automatic_weight,
    )
    own = open_dataset(data, labels, *spec_of(layout, size, colors), reading)
    more_faces = [
        open_dataset(other, "csv", own.layout, own.input, replaced(reading, labels=AS_THEY_ARE)) for other in more
    ]
    source = with_extra_training_faces(own, more_faces)
    log(audit_line(audit(source, pairs=False)))
    hint = "re-run the same command with --resume to continue after the last finished epoch"
    with if_stopped(hint), training_bar(experiment.model_name(source.spec)) as progress:
        path, card = train(experiment, source, out, resume, progress, replace)
    if as_json:
        print_json(card)
        return
    metrics = card.metrics
    log(
        f"validation RMSE {metrics['validation_rmse']:.3f} px"
        f" (mean shape {metrics['validation_rmse_mean_shape']:.2f}) in epoch {card.training['best_epoch']}"
    )
    if metrics["validation_rmse"] >= metrics["validation_rmse_mean_shape"]:
        cause, cure = "not trained enough", "increase --epochs"
        if blamed := source.judgement.blamed:
            cause, cure = f"the labels are doubtful ({blamed})", "look at them before you train longer"
        log(f"{cause}: it does not beat the mean shape; {cure}")
    click.echo(path)


@contextmanager
def training_bar(title: str) -> Iterator["Progress"]:
    """A progress bar over images on stderr, with the validation RMSE in pixels."""
    from edgefkp.training.train import Progress

    with progress_bar(title) as bar:

        def start(images: int) -> None:
            bar.length = max(1, images)

        def epoch(row: dict[str, Any]) -> None:
            bar.update(0, f"epoch {row['epoch']}, loss {row['loss']:.4f}, validation {row['validation_rmse']:.3f} px")

        yield Progress(start, lambda images: bar.update(images, bar.current_item), epoch, log)
