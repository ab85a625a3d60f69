"""Results, recipes and bundles: JSON that the package wrote, and somebody may have touched."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import FOREIGN, KINDS, Kind, Sample, Wrong
from bench.faults.calls import ROOT, command, drawn, require_points, samples_of, tiny_model
from bench.faults.mutate import alter_archive, alter_bytes, alter_json, alter_zip, pick
from edgefkp.files import json_text, read_json, sha256_file, write_json
from edgefkp.layout import KAGGLE15

LONG = 20  # a list of a result that is longer is cut for the samples


def make_results(folder: Path) -> list[Sample]:
    """Two rows of a committed benchmark, a run, and a cell of the study."""
    stored = read_json(ROOT / "bench/results/zoo.json")
    stored["rows"] = [{**row, "processes": row["processes"][:2]} for row in stored["rows"][:2]]
    stored["board"] = {name: value for name, value in stored["board"].items() if len(str(value)) < 2000}
    write_json(folder / "bench.json", stored)
    write_json(folder / "other.json", stored)
    write_json(folder / "run.json", read_json(ROOT / "docs/results/run-sample.json"))
    cell = read_json(ROOT / "models/study/manual-augment.json")
    write_json(folder / "cell.json", {**cell, "history": cell["history"][:LONG]})
    return samples_of(folder, "bench.json", "bench.json", "bench.json", "run.json", "cell.json")


def show(path: Path) -> list[Any]:
    from edgefkp.report.result import read_run
    from edgefkp.report.run_table import table
    from edgefkp.study.cell import read_result

    if path.stem == "run":
        return [len(table(read_run(path)).text())]
    if path.stem == "cell":
        return [read_result(path).key]
    for form in ("table", "html"):
        command("bench", "show", path, "--as", form)
    command("compare", path, path.with_name("other.json"), "--force")
    command("recommend", path)
    return []


def make_recipes(folder: Path) -> list[Sample]:
    from edgefkp.training.recipe import Recipe

    write_json(folder / "whole.json", Recipe())
    write_json(folder / "best.json", read_json(ROOT / "edgefkp/training/recipes/best.json"))
    return samples_of(folder, "whole.json", "whole.json", "best.json")


def train_by(path: Path) -> list[Any]:
    """Read, and used as training uses it before TensorFlow starts: altered faces for a batch."""
    from edgefkp.data.augment import online_batch
    from edgefkp.training.recipe import read_recipe

    recipe = read_recipe(path)
    numbers = [*vars(recipe).values(), *vars(recipe.online).values()]
    if any(isinstance(number, float) and not np.isfinite(number) for number in numbers):
        raise Wrong("a number of the recipe is not finite")
    if not (recipe.learning_rate > 0 and 0 <= recipe.ema <= 1 and 0 <= recipe.warmup <= 1 and recipe.patience >= 0):
        raise Wrong("a number of the recipe is out of its range")
    online_batch(*drawn(2), np.random.default_rng(0), recipe.online, KAGGLE15)
    return []


def make_layouts(folder: Path) -> list[Sample]:
    from dataclasses import asdict

    from edgefkp.layout import LAYOUTS

    own = {"own": KAGGLE15.part(*KAGGLE15.points[:5]), "whole": LAYOUTS["ibug68"]}
    for name, layout in own.items():
        write_json(folder / f"{name}.json", {**asdict(layout), "name": name})
    return samples_of(folder, "own.json", "own.json", "whole.json")


def use_layout(path: Path) -> list[Any]:
    """Read, and used as training and prediction use it: a mirrored batch, boxes, another layout's points, a card."""
    from edgefkp.data.augment import online_batch
    from edgefkp.geometry import Box, box_of_keypoints, reframed
    from edgefkp.layout import ModelSpec
    from edgefkp.layouts.maps import find_conversion
    from edgefkp.layouts.own import read_layout
    from edgefkp.training.recipe import Recipe

    layout = read_layout(path)
    points = np.repeat(layout.mean_points()[None], 2, 0)
    images = np.zeros((2, 96, 96), np.uint8)
    online_batch(images, points, np.random.default_rng(0), Recipe().online, layout)
    boxes = [reframed(Box(50, 50, 100), layout, KAGGLE15)]
    boxes += [box_of_keypoints(points[0], layout)] if layout.count > 1 else []
    if not np.isfinite(boxes).all():
        raise Wrong("a box is not finite")
    if convert := find_conversion(layout, KAGGLE15):
        require_points(convert(points))
    layout.nme_distance(points)
    return [len(json_text(ModelSpec(layout)))]


def make_bundle(folder: Path) -> list[Sample]:
    from edgefkp.bench import bundle, timed_images
    from edgefkp.bench.plan import TimingSettings, cases_of

    path = tiny_model(folder / "made")
    settings = TimingSettings(processes=1, seconds=0.01, warm_seconds=(0.0, 0.01), pause=0)
    (folder / "in").mkdir()
    bundle.make_zip(folder / "in/b.zip", cases_of([path], modes=["invoke"]), timed_images.drawn_images(4), settings)
    write_json(folder / "in/known.json", [sha256_file(path)])
    return samples_of(folder / "in", "b.zip")


def measure(path: Path) -> list[Any]:
    """Whatever the bundle asks for: nothing foreign may be measured, and nothing may be left."""
    shown = command("bench", "--bundle", path, "--out", path.parent / "results", "--name", "r", "--json")
    foreign = {row["sha256"] for row in json.loads(shown)["rows"]} - set(read_json(path.with_name("known.json")))
    if foreign:
        raise Wrong("a file was measured that is not the one of the bundle")
    return []


def hostile_job(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """What somebody who wants to run something, read something or never end would write."""
    job = json.loads(content)
    foreign = os.environ.get(FOREIGN, "/nowhere")
    wishes: tuple[tuple[str, Any], ...] = (
        *(("python", foreign), ("python", "/bin/sh"), ("delegate", foreign), ("file", "/dev/zero")),
        *(("sha256", "/dev/zero"), ("file", "../../known.json"), ("processes", 10**9), ("pause", 1e9)),
        *(("seconds", 1e9), ("pin", [10**6]), ("delegate", f"{foreign}.so"), ("runtime", f"{foreign}.so")),
    )
    name, value = pick(random, wishes)
    if name == "sha256":
        job[name] = {**job[name], value: "0" * 64}
    else:
        (job["cells"][0] if name in job["cells"][0] else job["settings"])[name] = value
    return json.dumps(job).encode(), f"{name} = {value!r}"


def alter_bundle(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """Mostly the job; else the arrays, the model or the zip itself."""
    inside, only = (
        (alter_json, "job.json"),
        (hostile_job, "job.json"),
        (alter_archive, ".npz"),
        (alter_bytes, ".tflite"),
    )[int(random.integers(4))]
    return alter_zip(inside, only)(content, random)


KINDS.add(
    Kind(
        "result", "results of bench, run and study: bench show, compare, recommend", make_results, alter_json, show, 150
    )
)
KINDS.add(Kind("layout", "a point layout: read and used", make_layouts, alter_json, use_layout, 60))
KINDS.add(Kind("recipe", "a recipe of a training: read and checked", make_recipes, alter_json, train_by, 80))
KINDS.add(
    Kind(
        "bundle", "a bundle: bench --bundle", make_bundle, alter_bundle, measure, 60, guarded=True, seconds=30, batch=20
    )
)
