"""Measure what a network's own deviations are worth and what they cost, against the same network without them.

    python -m bench.deviation models/small-masked-online.keras --data lfw-kaggle --labels full --work FOLDER
        [--split validation] [--time] [--out bench/results/deviation.json]

Both networks are exported by three schemes, from the same samples. Points are compared face by face; shares, areas and
RMSE are those of `edgefkp evaluate`. Painted-over points are those that lie under the squares of `evaluate
--robustness`. With --time all files are timed in turns in one run, and a file's ratio is its time to that of its twin.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click
import numpy as np

from bench import run
from edgefkp.card import Card, card_path, read_card, write_with_card
from edgefkp.cli.options import data_option, labels_option, log, print_json, reading_options
from edgefkp.data.faces import Dataset
from edgefkp.data.formats import open_dataset
from edgefkp.data.photos import Reading
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.deviations import DeviationScore, auroc
from edgefkp.evaluation.evaluate import evaluated
from edgefkp.evaluation.robustness import CONDITIONS, altered
from edgefkp.export.exporter import export_network
from edgefkp.export.options import ExportOptions
from edgefkp.files import write_json
from edgefkp.runtime.predictor import open_predictor

SCHEMA = "edgefkp.deviation/1"
SCHEMES = ("float32", "dynamic", "int8")
PAINTED = "occlusion"  # conditions of evaluate --robustness
RESULT = Path("bench/results/deviation.json")


@dataclass(frozen=True)
class Row:
    """A file with deviations beside its twin without; lengths in pixels of the network's image."""

    file: str
    rmse: float  # of the points
    rmse_without: float
    moved: float  # the largest distance between the points of both
    deviation: DeviationScore
    painted_auroc: float | None
    painted_points: int
    bytes: int
    bytes_without: int
    macs: int
    macs_without: int
    time_ratio: float | None = None  # time of an inference to that of the twin, medians of one run


@dataclass(frozen=True)
class Deviations:
    schema: str
    data: str
    part: str
    faces: int
    machine: str  # "" where nothing was timed
    rows: list[Row]


def twin(path: Path, folder: Path) -> tuple[Path, Card]:
    """The same network without deviations, in `folder`, and the card of the one with them."""
    import keras

    from edgefkp.networks.complexity import macs, parameters
    from edgefkp.networks.deviation import has_deviation, points_only

    card, model = read_card(path), keras.models.load_model(path, compile=False)
    if card is None or not has_deviation(model):
        raise EdgefkpError(f"{path} does not give deviations", "edgefkp train NETWORK --from FILE --deviation")
    plain = points_only(model)
    card_without = replace(
        card, output=card.output.points_only, macs=macs(plain), parameters=parameters(plain), sha256="", file=""
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_with_card(folder / path.name, card_without, plain.save)
    return folder / path.name, card


def painted(path: Path, source: Dataset, part: str) -> tuple[float | None, int]:
    """AUROC of the deviations for points that a square covers, and how many of them there are."""
    one = evaluated(path, source, part)
    model, images = open_predictor(path), one.faces.images
    sizes, covered = [], []
    for condition in (condition for condition in CONDITIONS if condition.name == PAINTED):
        changed, _ = altered(images, condition)
        _, deviations = model.predict_with_deviation(changed)
        assert deviations is not None
        known = ~np.isnan(one.faces.keypoints).any(-1)
        sizes.append(deviations[known])
        covered.append(_covered(images, changed, one.faces.keypoints)[known])
    hidden = np.concatenate(covered)
    return auroc(np.concatenate(sizes), hidden), int(hidden.sum())


def _covered(images: np.ndarray, changed: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, K) bool: most of the nine pixels about a point were changed."""
    differs = (images != changed).reshape(*images.shape[:3], -1).any(-1)
    padded = np.pad(differs, ((0, 0), (1, 1), (1, 1)))
    side = images.shape[1]
    x, y = np.moveaxis(np.clip(np.rint(np.nan_to_num(points)), 0, side - 1).astype(int), -1, 0)
    rows = np.arange(len(images))[:, None]
    return sum(padded[rows, y + dy, x + dx].astype(int) for dy in range(3) for dx in range(3)) >= 5


def timed(pairs: list[tuple[Path, Path]]) -> tuple[dict[str, float], str]:
    """Ratio of each file with deviations by its path, and the machine."""
    from edgefkp.bench import harness, machine, timed_images
    from edgefkp.bench.plan import TimingSettings, cases_of

    files = [path for pair in pairs for path in pair]
    cells = cases_of(files, ["litert"], modes=("invoke",))
    settings = TimingSettings(5, 0.4, (0.1, 0.5), 0.0, ())
    result = harness.measure(cells, timed_images.drawn_images(), settings, "deviation", progress=lambda *said: None)
    medians = {row.file: row.ms.p50 for row in result.rows}
    return {path.name: medians[path.name] / medians[other.name] for path, other in pairs}, machine.title(
        machine.describe()
    )


def measure(models: list[Path], source: Dataset, part: str, work: Path, time: bool) -> Deviations:
    rows, pairs, faces = [], [], 0
    for path in models:
        plain, card = twin(path, work / "points")
        without = export_network(plain, work / "points", SCHEMES, source, ExportOptions(parity=False))
        written = export_network(path, work / "deviations", SCHEMES, source, ExportOptions(parity=False))
        for file, other in zip(written, without, strict=True):
            log(f"{file.name}: {part} faces")
            one, before = evaluated(file, source, part), evaluated(other, source, part)
            faces = len(one.faces)
            assert one.evaluation.deviation is not None
            bare = read_card(plain)
            assert bare is not None
            row = Row(
                file.name,
                one.evaluation.score.rmse,
                before.evaluation.score.rmse,
                float(np.linalg.norm(one.predicted - before.predicted, axis=-1).max()),
                one.evaluation.deviation,
                *painted(file, source, part),
                file.stat().st_size,
                other.stat().st_size,
                card.macs,
                bare.macs,
            )
            rows.append(row)
            # Files of a run are told apart by their names.
            renamed = other.with_name(other.name.replace(".", ".points.", 1))
            renamed.write_bytes(other.read_bytes())
            card_path(renamed).unlink(missing_ok=True)
            pairs.append((file, renamed))
    ratios, machine = timed(pairs) if time else ({}, "")
    rows = [replace(row, time_ratio=ratios.get(row.file)) for row in rows]
    return Deviations(SCHEMA, source.name, part, faces, machine, rows)


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@data_option()
@reading_options
@labels_option
@click.option("--split", "part", type=click.Choice(("validation", "test")), default="validation", show_default=True)
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Folder for the exported files.")
@click.option("--time", is_flag=True, help="Time the files, too.")
@click.option("--out", type=click.Path(path_type=Path), default=RESULT, show_default=True)
def main(
    models: tuple[Path, ...], data: str, reading: Reading, labels: str, part: str, work: Path, time: bool, out: Path
) -> None:
    """Measure MODELS, .keras files with deviations."""
    found = measure(list(models), open_dataset(data, labels, reading=reading), part, work, time)
    write_json(out, found)
    print_json(asdict(found))


if __name__ == "__main__":
    run(main)
