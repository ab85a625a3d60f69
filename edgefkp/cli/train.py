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
    license_option,
    log,
    print_json,
    reading_options,
    replace_option,
    spec_of,
    spec_options,
)
from edgefkp.cli.parameters import NameChoice
from edgefkp.data.progress import progress_bar
from edgefkp.errors import UsageError
from edgefkp.training.recipe import LOSSES, PRECISIONS, Recipe

if TYPE_CHECKING:
    from edgefkp.card import Card
    from edgefkp.data.photos import Reading
    from edgefkp.layout import PointLayout
    from edgefkp.training.train import Progress

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _schedules() -> tuple[str, ...]:
    from edgefkp.training.schedule import SCHEDULES

    return tuple(SCHEDULES)


@click.command("train")
@click.argument("network")
@data_option()
@reading_options
@labels_option
@spec_options
@imputation_options
@click.option(
    "--from",
    "start",
    metavar="NAME|FILE",
    help="Start from a trained network: the name of one that comes with edgefkp, or a .keras file.",
)
@click.option(
    "--schedule",
    type=NameChoice("schedule", _schedules),
    help="With --from, what learns: head, all, or auto for what scores best on other persons. [default: auto]",
)
@click.option(
    "--deviation",
    is_flag=True,
    help="With --from, give that network a standard deviation for each point; its points stay as they are.",
)
@license_option
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
@click.option("--variant", default="", metavar="WORD", help="A word for the model's name: free, for small.free-...")
@click.option("--teacher-copies", type=int, default=0, help="Augmented copies of each face that the teachers label.")
@click.option(
    "--teacher-online",
    is_flag=True,
    help="Let the teachers label every altered image as it is drawn; with --teacher-copies, so many of each face are "
    "kept with the answers and shown again.",
)
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
    start: str | None,
    schedule: str | None,
    deviation: bool,
    license: str | None,
    recipe_file: str | None,
    weights: str | None,
    more: tuple[str, ...],
    automatic_weight: float,
    teacher: tuple[Path, ...],
    teacher_share: float,
    teacher_copies: int,
    variant: str,
    teacher_online: bool,
    out: Path,
    resume: bool,
    replace: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Train NETWORK and write OUT/<model>.keras and its card.

    NETWORK is a name that `edgefkp models` lists, or `tuned` for the network that was tuned for the imputation. With
    --from it continues from a trained network of that kind, also one for other points or another size; of few faces it
    learns little, and what does not help on other persons is not kept.
    """
    from edgefkp.data.audit import audit, audit_line
    from edgefkp.data.faces import with_extra_training_faces, with_license
    from edgefkp.data.formats import open_dataset
    from edgefkp.data.labels.options import AS_THEY_ARE
    from edgefkp.training.deviate import RECIPE, deviate
    from edgefkp.training.experiment import Experiment
    from edgefkp.training.recipe import read_recipe
    from edgefkp.training.schedule import AUTO
    from edgefkp.training.train import train

    if schedule and not start:
        raise UsageError(
            f"--schedule {schedule} is for a training that starts from a trained network", "add --from small"
        )
    if deviation:
        other = {"--schedule": schedule, "--weights": weights, "--more": more, "--teacher": teacher, "--resume": resume}
        refused = [name for name, value in other.items() if value]
        if start is None or refused:
            raise UsageError(
                "--deviation gives a trained network one more output"
                + (f", and does not go with {refused[0]}" if refused else ""),
                f"for example: edgefkp train {network} --from {network} --deviation --data {data}",
            )
        recipe_file = recipe_file or RECIPE
    recipe_file = recipe_file or ("finetune" if start else None)
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
        teacher_online=teacher_online,
        automatic_weight=automatic_weight,
        start=start,
        schedule=schedule or AUTO,
        variant=variant,
    )
    own = with_license(open_dataset(data, labels, *spec_of(layout, size, colors), reading), license)
    more_faces = [
        open_dataset(other, "csv", own.layout, own.input, replaced(reading, labels=AS_THEY_ARE)) for other in more
    ]
    source = with_extra_training_faces(own, more_faces)
    log(audit_line(audit(source, pairs=False)))
    if deviation:
        assert start is not None
        with training_bar(f"{network}: deviations") as progress:
            path, card = deviate(network, start, source, recipe, out, progress, replace)
        _print(path, card, [deviation_summary(card)], as_json)
        return
    hint = "re-run the same command with --resume to continue after the last finished epoch"
    with if_stopped(hint), training_bar(experiment.model_name(source.spec)) as progress:
        path, card = train(experiment, source, out, resume, progress, replace)
    _print(path, card, summary(card, source.judgment.blamed), as_json)


def _print(path: Path, card: "Card", lines: list[str], as_json: bool) -> None:
    if as_json:
        print_json(card)
        return
    for line in lines:
        log(line)
    click.echo(path)


def deviation_summary(card: "Card") -> str:
    """A line about the deviations of a network."""
    from edgefkp.networks.deviation import DEVIATION

    facts = card.training[DEVIATION]
    shares = ", ".join(
        f"{100 * found:.1f} % within {number} (nominal {100 * wanted:.1f})"
        for number, (found, wanted) in enumerate(zip(facts["within"], facts["nominal"], strict=True), 1)
    )
    areas = {"errors above 4 px": facts["far_auroc"], "painted-over points": facts["painted_auroc"]}
    known = ", ".join(f"{area:.3f} for {what}" for what, area in areas.items() if area is not None)
    return f"{facts['likelihood']} deviations on validation persons: {shares}" + (f"; AUROC {known}" if known else "")


def summary(card: "Card", blamed: str = "") -> list[str]:
    """Lines about a finished training; blamed: what is doubtful in its labels."""
    from edgefkp.training.schedule import UNTOUCHED

    error, mean_shape = card.metrics["validation_rmse"], card.metrics["validation_rmse_mean_shape"]
    tuning = card.training.get("finetuning")
    if not tuning:
        lines = [f"validation RMSE {error:.3f} px (mean shape {mean_shape:.2f}) in epoch {card.training['best_epoch']}"]
    else:
        assert card.start is not None
        others = ", ".join(f"{name} {value:.3f}" for name, value in tuning["rmse"].items())
        lines = [
            f"kept of {card.start.file}: {tuning['kept']}",
            f"RMSE by {tuning['chosen_by']}, px: {others}, mean shape {mean_shape:.2f}; schedule: {tuning['schedule']}",
            f"terms: {card.data.license if card.data else 'not known'}",
        ]
        if tuning["schedule"] == UNTOUCHED or error >= tuning["rmse"].get(UNTOUCHED, float("inf")):
            lines.append(f"not better than {card.start.file} untouched: use that one, or add faces of more persons")
    if error >= mean_shape:
        cause, cure = "not trained enough", "increase --epochs"
        if blamed:
            cause, cure = f"the labels are doubtful ({blamed})", "look at them before you train longer"
        lines.append(f"{cause}: it does not beat the mean shape; {cure}")
    return lines


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
