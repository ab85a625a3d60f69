"""Compare our median time with that of LiteRT's own benchmark tool, in one interleaved run.

    python bench/litert_tool.py FILE.tflite [--rounds 10]

Each round starts a fresh process of each tool, in alternating order, with equal warm-up limits, runs and threads.
LiteRT's tool uses one random input and rounds to 0.01 ms; ours uses 300 images. Writes bench/results/litert_tool.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from edgefkp.bench import harness, machine
from edgefkp.bench.plan import TimingSettings, cases_of
from edgefkp.bench.timed_images import TimedImages, drawn_images
from edgefkp.files import write_json

RUNS, WARM_UP = 300, 50
OUT = Path(__file__).parent / "results" / "litert_tool.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    ours, theirs = [], []
    for number in range(given.rounds):
        steps = [lambda: ours.append(our_median(given.file)), lambda: theirs.append(their_median(given.file))]
        for step in steps if number % 2 else reversed(steps):
            step()
        print(f"round {number + 1}: ours {ours[-1]:.3f} ms, theirs {theirs[-1]:.3f} ms", file=sys.stderr, flush=True)
    ratios = np.array(ours) / np.array(theirs)
    found = {
        "file": given.file.name,
        "machine": machine.title(machine.describe()),
        "runs": RUNS,
        "rounds": given.rounds,
        "threads": 1,
        "ours_ms": ours,
        "theirs_ms": theirs,
        "median_of_ours_over_theirs": float(np.median(ours) / np.median(theirs)),
        "ratio_of_each_round": ratios,
    }
    write_json(given.out, found)
    ratio = found["median_of_ours_over_theirs"]
    print(f"ours {np.median(ours):.4f} ms, LiteRT's tool {np.median(theirs):.4f} ms, ratio {ratio:.3f}")


def our_median(file: Path) -> float:
    """Return the median in milliseconds of exactly RUNS inferences in one fresh process."""
    drawn = drawn_images()
    images, points = (np.concatenate([part] * (RUNS // len(drawn.images))) for part in (drawn.images, drawn.keypoints))
    settings = TimingSettings(processes=1, seconds=1e-6, warm_seconds=(0.05, 0.3), pause=0)
    shown = TimedImages(drawn.name, drawn.license, images, points)
    row = harness.measure(cases_of([file], ("litert",), modes=("invoke",)), shown, settings, "litert_tool").rows[0]
    assert row.ms.count == RUNS
    return row.ms.p50


def their_median(file: Path) -> float:
    """Return the median in milliseconds that LiteRT's benchmark tool reports."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        words = [
            "--num_runs",
            str(RUNS),
            "--warmup_runs",
            str(WARM_UP),
            "--num_threads",
            "1",
            "--result_json",
            out.name,
        ]
        command = [sys.executable, "-m", "ai_edge_litert.tools.benchmark_litert_model", f"--model={file}", *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return float(json.load(open(out.name))["latency"]["median_ms"])


if __name__ == "__main__":
    main()
