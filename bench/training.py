"""Compare training speed with plain `model.fit` and augmentation in Python, in images per second, in one run.

    python bench/training.py [small manual ...] [--rounds 3] [--seconds 8]

Both variants train the same network on the same faces with the same augmentation (edgefkp's `online`), loss, optimizer
and batch size; `fit` reads batches from a keras.utils.PyDataset, as in the Keras documentation. The variants take
turns, each in its own child process. Writes bench/results/training.json.
"""

import argparse
import contextlib
import importlib.metadata
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

RESULT = Path(__file__).resolve().parent / "results/training.json"
FACES = 2048


def made_faces() -> tuple[np.ndarray, np.ndarray]:
    """Return random images and plausible keypoints; the content does not affect the time."""
    from edgefkp.layout import ModelSpec

    spec, rng = ModelSpec(), np.random.default_rng(0)
    images = rng.integers(0, 256, (FACES, *spec.input.image_shape), np.uint8)
    noise = rng.normal(0, 3, (FACES, spec.layout.count, 2))
    return images, (spec.layout.mean_points(spec.input.side) + noise).astype(np.float32)


def plain_fit(network: str, batch: int, seconds: float) -> float:
    """Return the images per second of model.fit with a PyDataset."""
    import keras

    from edgefkp.data.augment import AugmentConfig, online_batch
    from edgefkp.layout import ModelSpec
    from edgefkp.networks.registry import NETWORKS, build
    from edgefkp.training.loss import labeled_weight, masked_sum

    spec = ModelSpec()
    images, targets = made_faces()

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return FACES // batch

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            rows = slice(index * batch, (index + 1) * batch)
            rng = np.random.default_rng(index)
            altered, moved = online_batch(images[rows], targets[rows], rng, AugmentConfig(), spec.layout)
            return spec.input.to_network(altered), spec.encode(moved)

    class Clock(keras.callbacks.Callback):
        """Start the clock after the third batch, when the graph is traced; stop the run after `seconds`."""

        batches, start = 0, 0.0

        def on_train_batch_end(self, index: int, logs: Any = None) -> None:
            self.batches += 1
            if self.batches == 3:
                self.start = time.perf_counter()
            elif self.batches > 5 and time.perf_counter() - self.start > seconds:
                self.speed = (self.batches - 3) * batch / (time.perf_counter() - self.start)
                self.model.stop_training = True
                raise StopIteration

    ones = np.ones(batch, np.float32)
    model = build(NETWORKS[network])
    model.compile(
        keras.optimizers.AdamW(2e-3, weight_decay=1e-3),
        lambda y, p: masked_sum("smooth_l1", 0.1, p, y, ones) / labeled_weight(y, ones),
    )
    clock = Clock()
    with contextlib.suppress(StopIteration):
        model.fit(Batches(), epochs=10_000, verbose=0, callbacks=[clock])
    return clock.speed


def edgefkp_fit(network: str, batch: int, seconds: float) -> float:
    """Return the images per second of edgefkp's own loop with the step plan that it chooses on this machine."""
    from edgefkp.data.imputation import TrainingSet
    from edgefkp.layout import ModelSpec
    from edgefkp.networks.registry import NETWORKS, build
    from edgefkp.training.autotune import choose_plan
    from edgefkp.training.batches import epoch_batches
    from edgefkp.training.learner import Learner
    from edgefkp.training.recipe import Recipe

    spec = ModelSpec()
    plan = choose_plan(network, {}, batch, spec)
    plan.apply()
    recipe = Recipe(batch=batch)
    learner = Learner(lambda: build(NETWORKS[network]), recipe, 100_000, plan, spec)
    faces = TrainingSet(*made_faces())
    start, steps = 0.0, 0
    for epoch in range(10_000):
        for made in epoch_batches(faces, recipe, epoch, recipe.online, FACES // batch, spec):
            learner.step(*made)
            steps += 1
            if steps == 3:
                start = time.perf_counter()
            elif steps > 5 and time.perf_counter() - start > seconds:
                return (steps - 3) * batch / (time.perf_counter() - start)
    raise AssertionError("unreachable")


VARIANTS = {"plain_fit": plain_fit, "edgefkp": edgefkp_fit}


def child(variant: str, network: str, batch: int, seconds: float) -> float:
    command = [sys.executable, __file__, network, "--child", variant, "--batch", str(batch), "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout.split()[-1])


def measure(networks: list[str], rounds: int, batch: int, seconds: float, out: Path) -> dict[str, Any]:
    """Run each variant of each network once per round, in turn, and write the results to `out` after every round.

    Keeps other networks in `out` that were measured on this machine with these versions.
    """
    from edgefkp.files import read_json, write_json

    before = read_json(out) if out.exists() else {}
    speeds: dict[str, dict[str, list[float]]] = {name: {variant: [] for variant in VARIANTS} for name in networks}
    for number in range(1, rounds + 1):
        for network, by_variant in speeds.items():
            for variant in VARIANTS:
                by_variant[variant].append(child(variant, network, batch, seconds))
                print(f"{number}/{rounds} {network} {variant}: {by_variant[variant][-1]:.0f} img/s", file=sys.stderr)
        result = summary(speeds, batch)
        if all(before.get(name) == result[name] for name in ("schema", "batch", "machine", "versions")):
            result["networks"] = {**before["networks"], **result["networks"]}
        write_json(out, result)
    return result


def summary(speeds: dict[str, dict[str, list[float]]], batch: int) -> dict[str, Any]:
    from edgefkp.bench.machine import describe

    rows = {}
    for network, by_variant in speeds.items():
        medians = {variant: statistics.median(values) for variant, values in by_variant.items()}
        rows[network] = {
            "images_per_second": medians,
            "ratio": medians["edgefkp"] / medians["plain_fit"],
            "all_images_per_second": by_variant,
        }
    return {
        "schema": "edgefkp.bench.training/1",
        "batch": batch,
        "machine": describe(),
        "versions": {name: importlib.metadata.version(name) for name in ("edgefkp", "tensorflow", "keras", "numpy")},
        "networks": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["small", "manual", "tuned_ffill", "mobilenetv2"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--child", choices=list(VARIANTS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(VARIANTS[arguments.child](arguments.networks[0], arguments.batch, arguments.seconds))
        return
    from tabulate import tabulate

    result = measure(arguments.networks, arguments.rounds, arguments.batch, arguments.seconds, arguments.out)
    rows = [
        (name, *(round(speed) for speed in row["images_per_second"].values()), f"{row['ratio']:.2f}")
        for name, row in result["networks"].items()
    ]
    print(tabulate(rows, ["network", "plain fit, img/s", "edgefkp, img/s", "ratio"]))
    print(f"wrote {arguments.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
