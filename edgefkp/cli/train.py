"""edgefkp train: a network on labeled faces."""

from pathlib import Path
from typing import Any

import click

from edgefkp.cli.options import data_option, json_option, labels_option, note, print_json

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("train")
@click.argument("network")
@data_option()
@labels_option()
@click.option("--treatment", default="masked", show_default=True, help="Missing labels: drop, ffill, knn, masked.")
@click.option("--augment", default="online", show_default=True, help="Pictures: none, paper (offline), online.")
@click.option("--recipe", "recipe_file", help="JSON file, or nano, small, best; options here go before it.")
@click.option("--epochs", type=int, help="Passes over the training faces. [default: 40]")
@click.option("--images", type=int, help="Training images in all, instead of epochs.")
@click.option("--batch", type=int, help="[default: 64]")
@click.option("--learning-rate", type=float, help="Peak of the schedule. [default: 0.002]")
@click.option("--loss", help="smooth_l1, mse, wing. [default: smooth_l1]")
@click.option("--patience", type=int, help="Stop after so many epochs without a better validation RMSE; 0 = never.")
@click.option("--precision", help="auto (the faster one in a short trial), float32, mixed_bfloat16. [default: auto]")
@click.option("--seed", type=int, help="[default: 0]")
@click.option("--weights", help="For mobilenetv2 and nasnetmobile: imagenet, none, or a .weights.h5 without top.")
@click.option("--more", multiple=True, metavar="DATA", help="More faces, for training only; may be repeated.")
@click.option("--automatic-weight", type=float, default=1.0, show_default=True, help="Of automatically labeled faces.")
@click.option("--teacher", multiple=True, type=FILE, help="A model file to learn from; may be repeated.")
@click.option("--teacher-share", type=float, default=0.5, show_default=True, help="Of the teachers in each target.")
@click.option("--teacher-copies", type=int, default=0, help="Ask the teachers about so many altered copies of a face.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint of the same run.")
@json_option
def command(
    network: str,
    data: str,
    labels: str,
    treatment: str,
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
    as_json: bool,
    **changes: Any,
) -> None:
    """Train NETWORK and write OUT/<model>.keras and its card.

    NETWORK is a name that `edgefkp models` lists, or `tuned` for the tuned network of the treatment.
    """
    from edgefkp.data.faces import with_extra_training_faces
    from edgefkp.data.formats import open_dataset
    from edgefkp.training.recipe import Recipe, read_recipe
    from edgefkp.training.train import Experiment, train

    recipe = (read_recipe(recipe_file) if recipe_file else Recipe()).changed(**changes)
    experiment = Experiment(
        network,
        treatment,
        augment,
        recipe,
        None if weights == "none" else weights,
        teachers=teacher,
        teacher_share=teacher_share,
        teacher_copies=teacher_copies,
        automatic_weight=automatic_weight,
    )
    source = with_extra_training_faces(open_dataset(data, labels), [open_dataset(other) for other in more])
    try:
        with BarProgress(experiment.model_name(source.layout)) as progress:
            path, card = train(experiment, source, out, resume, progress)
    except KeyboardInterrupt:
        note("stopped; the same command with --resume goes on after the last finished epoch")
        raise
    if as_json:
        print_json(card)
        return
    metrics = card.metrics
    note(
        f"validation RMSE {metrics['validation_rmse']:.3f} px"
        f" (mean shape {metrics['validation_rmse_mean_shape']:.2f}) in epoch {card.training['best_epoch']}"
    )
    if metrics["validation_rmse"] >= metrics["validation_rmse_mean_shape"]:
        note("not trained enough: it does not beat the mean shape; give it more --epochs")
    click.echo(path)


class BarProgress:
    """A progress bar over images on stderr, with the validation RMSE in pixels, as a context."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._bar: Any = None

    def __enter__(self) -> Any:
        from edgefkp.training.train import Progress

        return Progress(self._start, self._batch, self._epoch)

    def _start(self, images: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(
            total=images, desc=self._title, unit="img", unit_scale=True, mininterval=0.5, dynamic_ncols=True
        )

    def _batch(self, images: int) -> None:
        self._bar.update(images)

    def _epoch(self, row: dict[str, Any]) -> None:
        self._bar.set_postfix(epoch=row["epoch"], loss=f"{row['loss']:.4f}", val_px=f"{row['validation_rmse']:.3f}")

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
