"""Ablations: change the recipe of this project's networks one item at a time, train, and score on validation persons.

    python bench/ablations.py WORK --data lfw-kaggle --lfw-extra lfw_extra.npz --ytfaces ytfaces.npz \\
        --teacher export/best-masked-online.dynamic.tflite [--only NAME ...] [--list]

WORK contains one folder per training. Re-run the same command to resume. Test faces are never used.
Writes bench/results/ablations.json after each training; docs/MODELS.md shows it.
"""

import argparse
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.data.faces import AGREED, Faces
from edgefkp.data.formats import open_dataset
from edgefkp.data.split import split
from edgefkp.evaluation.metrics import rmse
from edgefkp.files import read_json, write_json

RESULT = Path(__file__).resolve().parent / "results/ablations.json"
IMAGES = 150_000

Options = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One ablation: what differs from the row `against`."""

    name: str
    text: str
    network: Options  # of edgefkp.networks.ours.plain
    recipe: Options = field(default_factory=dict)  # fields of a recipe
    # Options of `edgefkp train`; {lfw-extra}, {ytfaces} and {teacher} are replaced by the files given.
    train: tuple[str, ...] = ("--labels", "full")
    images: int = IMAGES
    against: str = "base"


FULL = ("--labels", "full")
EXTRA = (*FULL, "--more", "{lfw-extra}")
VIDEOS = ("--more", "{ytfaces}")
FLATTEN = {"channels": [16, 32, 64, 64, 96, 96], "strides": [2, 2, 2, 1, 2, 1]}
ARGMAX = {"channels": [16, 32, 64, 64, 96, 96], "strides": [2, 2, 2, 1, 1, 1], "head": "argmax", "maps": 32}
PYRAMID = {"channels": [24, 48, 64, 64, 96, 96, 96], "strides": [2, 2, 2, 1, 2, 1, 1], "head": "pyramid", "maps": 64}
NANO_FLATTEN = {"channels": [16, 32, 40, 48, 56, 56], "strides": [2, 2, 2, 1, 2, 1], "maps": 16}
NANO_ARGMAX = {"channels": [16, 32, 48, 48, 64, 64], "strides": [2, 2, 2, 1, 1, 1], "head": "argmax", "maps": 32}
NANO_PYRAMID = {"channels": [16, 32, 48, 48, 64, 48], "strides": [2, 2, 2, 1, 2, 1], "head": "pyramid", "maps": 32}
STRONG = {"degrees": 30, "scale": 0.2, "shift": 10, "dark": 0.2, "occlusion": 0.3, "occlusion_size": 40}
PEAKED = {**STRONG, "dark": 0.15, "occlusion": 0.2, "peaked": True}
# As the shipped networks are trained, with a teacher that is asked about every altered image.
NANO = {"channels": [16, 32, 48, 48, 64, 56], "strides": [2, 2, 2, 1, 1, 1], "head": "argmax", "maps": 32}
SHIPPED = {"corner": 0.03, "start": "random", "online": PEAKED}
SMALL = {**PYRAMID, "maps": 32}
TAUGHT = (*EXTRA, "--teacher", "{teacher}", "--teacher-share", "0.7", "--teacher-online")
STEM4 = {"kernels": [5, 3, 3, 3, 3], "strides": [4, 2, 1, 1, 1]}
BOTH = {"separable": 1, "residual": 1}
MILD = {"degrees": 10, "scale": 0.08, "shift": 4, "contrast": 0.2, "brightness": 20, "gamma": 0.15}


def head(name: str, text: str, network: Options, against: str = "base") -> Change:
    return Change(name, text, network, against=against)


def recipe(name: str, text: str, **fields: Any) -> Change:
    return Change(name, text, ARGMAX, fields, against="argmax")


def taught(name: str, text: str, network: Options, against: str = "taught_nano") -> Change:
    return Change(name, text, network, SHIPPED, TAUGHT, against=against)


def data(name: str, text: str, *train: str) -> Change:
    return Change(name, text, ARGMAX, train=train, against="argmax")


CHANGES = (
    head("base", "flatten and Dense, 303 k parameters", FLATTEN),
    head("argmax", "soft argmax of 32 maps at 12x12, 205 k parameters", ARGMAX),
    head("pyramid", "soft argmax of 64 maps at 6x6 and 12x12, 313 k parameters", PYRAMID),
    head("nano_flatten", "nano: 16 maps at 6x6, flatten and Dense, 105 k parameters", NANO_FLATTEN),
    head("nano_argmax", "nano: soft argmax of 32 maps at 12x12, 109 k parameters", NANO_ARGMAX),
    head("nano_pyramid", "nano: soft argmax of 32 maps at 6x6 and 12x12, 102 k parameters", NANO_PYRAMID),
    head("pyramid_3", "maps at 24x24 as well", {**PYRAMID, "scales": 3}, "pyramid"),
    head("residual", "residual sums", {**ARGMAX, "residual": 1}, "argmax"),
    head("relu", "ReLU in place of ReLU6", {**ARGMAX, "activation": "relu"}, "argmax"),
    head("maps_15", "15 maps, one a point", {**ARGMAX, "maps": 15}, "argmax"),
    head("maps_64", "64 maps", {**ARGMAX, "maps": 64}, "argmax"),
    data("csv_labels", "training.csv's labels with their gaps, in place of the full ones"),
    data("lfw_extra", "2,570 more LFW faces", *EXTRA),
    data("ytfaces", "YouTube Faces at weight 0.25", *FULL, *VIDEOS, "--automatic-weight", "0.25"),
    recipe("wing", "wing loss", loss="wing", corner=0.02),
    recipe("corner", "smooth L1 with its corner at 0.03 (1.4 px) in place of 0.1", corner=0.03),
    recipe("rate", "learning rate 0.004", learning_rate=4e-3),
    recipe("batch", "batches of 32", batch=32),
    recipe("mild", "half the changes of geometry and tone", online=MILD),
    recipe("strong", "rotation 30 degrees, scale 20 %, shift 10 px, darkness, more occlusion", online=STRONG),
    recipe("peaked", "as strong, with rare extremes of geometry, less darkness and occlusion", online=PEAKED),
    recipe("decay", "no weight decay", weight_decay=0.0),
    taught("taught_nano", "nano as it was, best asked about every altered image", NANO),
    taught("nano_8_24", "8 and 24 channels in front", {**NANO, "channels": [8, 24, 48, 48, 56, 56]}),
    taught("nano_stem4", "a first layer of 5x5 and stride 4", {**NANO, **STEM4, "channels": [24, 48, 48, 64, 64]}),
    taught("nano_48", "48 channels from the third layer on", {**NANO, "channels": [16, 32, 48, 48, 48, 48]}),
    taught(
        "separable_12",
        "depthwise and 1x1 convolutions, 4.0 M MACs in place of 16.8 M",
        {"channels": [16, 32, *(64,) * 5], "strides": [2, 2, 2, 1, 1, 1, 1], "head": "argmax", "maps": 32, **BOTH},
    ),
    taught(
        "separable_pyramid",
        "depthwise and 1x1 convolutions and a pyramid, 6.0 M MACs in place of 16.8 M",
        {**PYRAMID, "channels": [16, 48, 96, 96, 128, 128, 128], **BOTH},
    ),
    taught(
        "taught_small",
        "small with 16 channels in front and 32 maps, taught likewise",
        {**SMALL, "channels": [16, 48, 64, 64, 96, 96, 96]},
        "taught_small",
    ),
    taught(
        "small_stem4",
        "a first layer of 5x5 and stride 4",
        {**SMALL, "channels": [32, 64, 80, 96, 96, 96], "kernels": [5, 3, 3, 3, 3, 3], "strides": [4, 2, 1, 2, 1, 1]},
        "taught_small",
    ),
    recipe("ema", "averaged over 100 steps in place of 500", ema=0.99),
)


def train(change: Change, work: Path, given: argparse.Namespace) -> Path:
    """Return the trained .keras of the change; trains only if WORK does not contain it yet."""
    folder = work / change.name
    point = {"name": change.name, "space": "plain", "options": change.network}
    network = str(write_json(folder / "network.json", point))
    recipe = write_json(folder / "recipe.json", {**change.recipe, "images": change.images})
    files = {"{lfw-extra}": given.lfw_extra, "{ytfaces}": given.ytfaces, "{teacher}": given.teacher}
    options = [files.get(option, option) for option in change.train]
    command = [sys.executable, "-m", "edgefkp", "train", network, "--data", given.data, "--recipe", str(recipe)]
    command += [*options, "--precision", given.precision, "--out", str(folder), "--resume"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    return Path(done.stdout.split()[-1])


def answers(model: Path, images: np.ndarray) -> np.ndarray:
    """Predict the keypoints of `images`, cached next to the model."""
    from edgefkp.runtime.predictor import open_predictor

    kept = model.with_suffix(".validation.npy")
    if not kept.exists() or kept.stat().st_mtime < model.stat().st_mtime:
        np.save(kept, open_predictor(model).predict(images))
    return np.load(kept)


def row(change: Change, model: Path, faces: Faces, base: np.ndarray | None) -> dict[str, Any]:
    from edgefkp.evaluation.bootstrap import paired_interval

    card = read_json(model.with_suffix(".json"))
    placed = np.where(np.isin(faces.label_src, range(1, AGREED))[..., None], faces.keypoints, np.nan)
    predicted = answers(model, faces.images)
    last = card["history"][-1]
    return {
        "name": change.name,
        "change": change.text,
        "against": change.against,
        "network": change.network,
        "recipe": change.recipe,
        "train": list(change.train),
        "images": last["images"],
        "parameters": card["parameters"],
        "macs": card["macs"],
        "rmse": rmse(predicted, placed),
        "rmse_all": rmse(predicted, faces.keypoints),
        "interval": None if base is None else paired_interval(base, predicted, placed, faces.groups),
        "train_rmse": last["train_rmse"],
        "seconds": last["seconds"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--lfw-extra")
    parser.add_argument("--ytfaces")
    parser.add_argument("--teacher")
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--only", nargs="*", help="run only these changes and the ones they are compared with")
    parser.add_argument("--list", action="store_true", help="list the changes and exit")
    parser.add_argument("--out", type=Path, default=RESULT)
    given = parser.parse_args()
    known = {change.name: change for change in CHANGES}
    if given.list:
        print(*(f"{change.name:16} {change.text}" for change in CHANGES), sep="\n")
        return
    wanted = [known[name] for name in given.only or known]
    source = open_dataset(given.data, "full")
    faces = split(source).validation
    rows: dict[str, dict[str, Any]] = {}
    if given.out.exists():
        rows = {one["name"]: one for one in read_json(given.out)["rows"]}
    for change in wanted:
        base = None
        if change.against != change.name:
            base = answers(train(known[change.against], given.work, given), faces.images)
        rows[change.name] = row(change, train(change, given.work, given), faces, base)
        print(f"{change.name}: {rows[change.name]['rmse']:.4f} px, all {rows[change.name]['rmse_all']:.4f}", flush=True)
        content = {
            "schema": "edgefkp.ablations/1",
            "data": {"name": source.name, "part": "validation", "faces": len(faces), "label_src": [1, 2]},
            "rows": [rows[name] for name in known if name in rows],
        }
        write_json(given.out, content)


if __name__ == "__main__":
    main()
