"""Compare how fast edgefkp and pandas load Kaggle's training.csv: time and peak memory, in one run.

    python bench/loading.py [training.zip] [--rounds 3]

The variants take turns, each in its own child process, for several rounds. The time covers loading but not imports;
the memory is the child's peak. Writes bench/results/loading.json. The default path is the LFW stand-in ($EDGEFKP_LFW,
else ../shared/data/lfw-kaggle).
"""

import argparse
import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench/results/loading.json"
Loaded = tuple[np.ndarray, np.ndarray]


def pandas_split() -> Callable[[Path], Loaded]:
    """Load as nearly every notebook does: read_csv, then one split per row."""
    import pandas

    def load(path: Path) -> Loaded:
        table = pandas.read_csv(path)
        images = np.array([np.array(text.split(" "), dtype=np.uint8) for text in table["Image"]])
        return images.reshape(-1, 96, 96), table.drop(columns="Image").to_numpy(np.float32).reshape(-1, 15, 2)

    return load


def pandas_fromstring() -> Callable[[Path], Loaded]:
    """Load as some notebooks do, which is faster: numpy parses the text of each row."""
    import pandas

    def load(path: Path) -> Loaded:
        table = pandas.read_csv(path)
        images = np.array([np.fromstring(text, dtype=np.uint8, sep=" ") for text in table["Image"]])
        return images.reshape(-1, 96, 96), table.drop(columns="Image").to_numpy(np.float32).reshape(-1, 15, 2)

    return load


def edgefkp_parse() -> Callable[[Path], Loaded]:
    """Load with edgefkp, without its cache."""
    from edgefkp.data.kaggle_csv import read_training

    def load(path: Path) -> Loaded:
        arrays = read_training(path)
        return arrays["images"], arrays["keypoints"]

    return load


def edgefkp_cached() -> Callable[[Path], Loaded]:
    """Load with edgefkp from its cache; the time includes hashing the file."""
    from edgefkp.data.cache import cached
    from edgefkp.data.kaggle_csv import read_training

    def load(path: Path) -> Loaded:
        arrays = cached(path, "benchmark", read_training)
        return arrays["images"], arrays["keypoints"]

    return load


VARIANTS = (pandas_split, pandas_fromstring, edgefkp_parse, edgefkp_cached)


def child(name: str, path: Path) -> None:
    load = globals()[name]()
    before = time.perf_counter()
    images, keypoints = load(path)
    seconds = time.perf_counter() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts KiB
    from edgefkp.files import sha256_arrays

    print(
        json.dumps(
            {"seconds": seconds, "peak_mib": peak, "faces": len(images), "hash": sha256_arrays(images, keypoints)}
        )
    )


def run_child(name: str, path: Path, cache: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", __file__, str(path), "--child", name]
    done = subprocess.run(command, env={**os.environ, "EDGEFKP_CACHE": cache}, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def measure(path: Path, rounds: int) -> dict[str, Any]:
    from edgefkp.bench.machine import describe

    runs: dict[str, list[dict[str, Any]]] = {variant.__name__: [] for variant in VARIANTS}
    with tempfile.TemporaryDirectory() as cache:
        run_child("edgefkp_cached", path, cache)  # fills our cache and the page cache
        for number in range(1, rounds + 1):
            for name, results in runs.items():
                results.append(run_child(name, path, cache))
                last = results[-1]
                print(f"{number}/{rounds} {name}: {last['seconds']:.2f} s, {last['peak_mib']:.0f} MiB", file=sys.stderr)
    hashes = {result["hash"] for results in runs.values() for result in results}
    if len(hashes) > 1:
        raise SystemExit("the variants loaded different pixels or points")
    rows = {
        name: {
            "seconds": statistics.median(result["seconds"] for result in results),
            "peak_mib": statistics.median(result["peak_mib"] for result in results),
            "all_seconds": [result["seconds"] for result in results],
            "all_peak_mib": [result["peak_mib"] for result in results],
        }
        for name, results in runs.items()
    }
    for row in rows.values():
        row["time_ratio"] = row["seconds"] / rows["pandas_split"]["seconds"]
        row["memory_ratio"] = row["peak_mib"] / rows["pandas_split"]["peak_mib"]
    return {
        "schema": "edgefkp.bench.loading",
        "version": 1,
        "file": path.name,
        "file_bytes": path.stat().st_size,
        "faces": runs["pandas_split"][0]["faces"],
        "rounds": rounds,
        "machine": describe(),
        "versions": {name: importlib.metadata.version(name) for name in ("edgefkp", "numpy", "pandas")},
        "variants": rows,
    }


def table(result: dict[str, Any]) -> str:
    from tabulate import tabulate

    rows = [
        [
            name,
            f"{row['seconds']:.2f}",
            f"{row['time_ratio']:.2f}",
            f"{row['peak_mib']:.0f}",
            f"{row['memory_ratio']:.2f}",
        ]
        for name, row in result["variants"].items()
    ]
    return tabulate(rows, ["variant", "seconds", "ratio", "peak MiB", "ratio"], disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    folder = Path(os.environ.get("EDGEFKP_LFW") or ROOT.parent / "shared/data/lfw-kaggle")
    parser.add_argument("path", type=Path, nargs="?", default=folder / "training.zip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--child", choices=[variant.__name__ for variant in VARIANTS], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.path)
        return
    if not arguments.path.exists():
        raise SystemExit(f"no file at {arguments.path}: pass Kaggle's training.zip or training.csv")
    from edgefkp.files import write_json

    result = measure(arguments.path, arguments.rounds)
    write_json(arguments.out, result)
    print(table(result))
    print(f"wrote {arguments.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
