"""Measure every network, untrained: the sizes of its files, and the time of Keras' predict on 100 images.

    python bench/zoo.py FOLDER [NETWORK ...] [--rounds 3]
    edgefkp bench FOLDER --mode invoke --name zoo

Neither size nor time depends on the weights, as long as none is 0. Each network is built at its own resolution
(NASNetMobile at 224) and written to FOLDER as float32 and int8 .tflite, which the second command times. The Keras time
is measured as in the paper: seconds of model.predict for 100 images in batches of 32, in a fresh process each round.
Writes bench/results/zoo-keras.json. Re-run the same command to resume; existing files are not created again.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.export.schemes import DEFAULT_SCHEMES

RESULT = Path(__file__).resolve().parent / "results/zoo-keras.json"
SCHEMA = "edgefkp.zoo/1"
IMAGES, BATCH, PASSES = 100, 32, 5
CALIBRATION = 16  # synthetic faces; the values of the ranges do not affect the time


def pictures() -> np.ndarray:
    """Return the (100, 96, 96, 1) float32 input of a network."""
    from edgefkp.bench.timed_images import drawn_pictures

    return drawn_pictures().images[..., None].astype(np.float32) / 255


def file_name(network: str, scheme: str) -> str:
    return f"{network}-untrained.{scheme}.tflite"


def make(network: str, folder: Path) -> dict[str, Any]:
    """Write the .tflite files of an untrained network and return its sizes."""
    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.export.folding import folded
    from edgefkp.files import captured_fds
    from edgefkp.networks.complexity import macs, parameters
    from edgefkp.networks.registry import NETWORKS, build

    model = build(NETWORKS[network])
    _as_if_trained(model)
    sizes: dict[str, Any] = {"parameters": parameters(model), "macs": macs(model)}
    with tempfile.TemporaryDirectory() as scratch, captured_fds():  # Keras warns about the legacy format
        for kind in ("keras", "h5"):
            file = Path(scratch) / f"model.{kind}"
            model.save(file, include_optimizer=False)
            sizes[f"{kind}_bytes"] = file.stat().st_size
    whole = folded(model)
    for scheme in DEFAULT_SCHEMES:
        content = convert(whole, ConversionSettings(scheme), [pictures()[:CALIBRATION]])
        (folder / file_name(network, scheme)).write_bytes(content)
        sizes[f"{scheme}_bytes"] = len(content)
    return sizes


def _as_if_trained(model: Any) -> None:
    """Change weights of 0 and 1: a BatchNorm or bias without effect would be left out of the files."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        values = weight.numpy()
        if "float" in str(values.dtype) and np.all(values == values.flat[0]):
            weight.assign(values + rng.uniform(0.02, 0.1, values.shape).astype(values.dtype))


def predict(network: str) -> list[float]:
    """Return the seconds of each of PASSES calls of predict, after one warm-up call."""
    from edgefkp.networks.registry import NETWORKS, build

    model, faces = build(NETWORKS[network]), pictures()
    seconds = []
    for _ in range(PASSES + 1):
        start = time.perf_counter()
        model.predict(faces, batch_size=BATCH, verbose=0)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def child(*arguments: str) -> Any:
    done = subprocess.run([sys.executable, __file__, "--child", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def timed(networks: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    from edgefkp.bench.stats import bootstrap_medians

    by_round: dict[str, list[list[float]]] = {name: [] for name in networks}
    for number in range(1, rounds + 1):
        for name in networks:
            by_round[name].append(child("predict", name))
            print(f"{number}/{rounds} {name}: {statistics.median(by_round[name][-1]):.3f} s", file=sys.stderr)
    found = {}
    for name, values in by_round.items():
        arrays = [np.array(seconds) for seconds in values]
        drawn = bootstrap_medians(arrays)
        found[name] = {
            "seconds_per_100": float(np.median(np.concatenate(arrays))),
            "interval": np.percentile(drawn, [2.5, 97.5]).tolist(),
            "all_seconds": values,
        }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("networks", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()

    from edgefkp.bench.machine import describe, load_average
    from edgefkp.card import versions
    from edgefkp.files import read_json, write_json
    from edgefkp.networks.registry import NETWORKS

    names = arguments.networks or [name for name in NETWORKS if not name.endswith("_frozen")]
    rows = read_json(arguments.out)["networks"] if arguments.out.exists() else {}
    load = load_average()

    def write() -> None:
        result = {
            "schema": SCHEMA,
            "images": IMAGES,
            "batch": BATCH,
            "machine": describe(),
            "load": load,
            "versions": versions("tensorflow", "keras", "numpy"),
            "networks": rows,
        }
        write_json(arguments.out, result)

    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        made = all((arguments.folder / file_name(name, scheme)).exists() for scheme in DEFAULT_SCHEMES)
        if not (made and name in rows):
            rows[name] = child("make", name, str(arguments.folder))
            print(f"{name}: {rows[name]}", file=sys.stderr)
            write()
    for name, times in timed(names, arguments.rounds).items():
        rows[name] |= times
    write()
    print(f"wrote {arguments.out}", file=sys.stderr)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        kind, network, *rest = sys.argv[2:]
        print(json.dumps(make(network, Path(rest[0])) if kind == "make" else predict(network)))
    else:
        main()
