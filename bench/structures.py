"""Measure sizes and times of many plain network structures, untrained, relative to MobileNetV2 float32 in one run.

    python -m bench.structures WORK [NAME ...] --export
    chrt -f 10 python -m bench.structures WORK [NAME ...] [--pin 1] [--processes 5]

Each structure is exported as float32, dynamic and int8 and timed by the harness of `edgefkp bench` with 1 thread on
every runtime in --runtimes, in rounds of shuffled order. Times are ratios to MobileNetV2 float32 on the same runtime.
WORK keeps the files; --export only creates them. Rows of structures that are not named remain unchanged.
Writes bench/results/structures-MAKER.json, a file for each maker of processors.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench import run
from edgefkp.bench import harness, machine, timed_images
from edgefkp.bench.plan import TimingSettings, cases_of
from edgefkp.export.schemes import FLOAT, INTEGER, SCHEMES
from edgefkp.export.schemes.dynamic import DYNAMIC
from edgefkp.files import json_text, read_json, write_bytes, write_json

RESULTS = Path(__file__).resolve().parent / "results"
REFERENCE = "mobilenetv2.float32.tflite"
MEASURED = (FLOAT, DYNAMIC.name, INTEGER)
RUNTIMES = ("litert", "tflite-runtime")
CALIBRATION = 32  # synthetic faces; their content does not affect the time

FIRST = {"channels": (16, 32, 64, 64, 96, 96), "strides": (2, 2, 2, 1, 2, 1)}
TWELVE = (2, 2, 2, 1, 1, 1)  # ends at 12x12
NANO = {"channels": (16, 32, 48, 48, 64, 56), "strides": TWELVE, "head": "argmax", "maps": 32}

# Name -> options of networks.ours.plain: one change at a time to the first `small`, then candidates for each budget.
STRUCTURES: dict[str, dict[str, Any]] = {
    "first": FIRST,
    "relu": {**FIRST, "activation": "relu"},
    "hard_swish": {**FIRST, "activation": "hard_swish"},
    "separable": {**FIRST, "separable": 1},
    "kernel5_stem": {**FIRST, "kernels": (5, 3, 3, 3, 3, 3)},
    "stride4_stem": {"channels": (32, 32, 64, 64, 96, 96), "strides": (4, 1, 2, 1, 2, 1), "kernels": (7, *(3,) * 5)},
    "residual": {**FIRST, "residual": 1},
    "average": {**FIRST, "head": "average"},
    "argmax_6": {**FIRST, "head": "argmax", "maps": 32},
    "argmax_12": {**FIRST, "strides": TWELVE, "head": "argmax", "maps": 32},
    "nano_12": NANO,
    "nano_12_stem8": {**NANO, "channels": (8, 32, 48, 48, 64, 56)},
    "nano_12_15maps": {**NANO, "maps": 15},
    "nano_12_64maps": {**NANO, "maps": 64},
    "nano_12_deep": {
        "channels": (16, 32, 40, 40, 40, 40, 40, 48), "strides": (2, 2, 2, 1, 1, 1, 1, 1), "residual": 1,
        "head": "argmax", "maps": 32,
    },
    # Of later networks, by the time on AMD: nano_48 and small_16 are nano and small.
    "nano_48": {**NANO, "channels": (16, 32, 48, 48, 48, 56)},
    "nano_8_24": {**NANO, "channels": (8, 24, 48, 48, 56, 56)},
    "nano_stem4": {
        **NANO, "channels": (24, 48, 48, 64, 64), "kernels": (5, 3, 3, 3, 3), "strides": (4, 2, 1, 1, 1),
    },
    "nano_6": {
        "channels": (16, 32, 40, 48, 64, 64), "strides": (2, 2, 2, 1, 2, 1), "head": "argmax", "maps": 32,
    },
    "nano_6_flatten": {"channels": (16, 32, 40, 48, 56, 56), "strides": (2, 2, 2, 1, 2, 1), "maps": 16},
    "nano_pyramid": {
        "channels": (16, 32, 48, 48, 64, 48), "strides": (2, 2, 2, 1, 2, 1), "head": "pyramid", "maps": 32,
    },
    "small_pyramid": {
        "channels": (24, 48, 64, 64, 96, 96, 96), "strides": (2, 2, 2, 1, 2, 1, 1), "head": "pyramid", "maps": 64,
    },
    "small_16": {
        "channels": (16, 48, 64, 64, 96, 96, 96), "strides": (2, 2, 2, 1, 2, 1, 1), "head": "pyramid", "maps": 64,
    },
    "small_stem4": {
        "channels": (32, 64, 80, 96, 96, 96), "kernels": (5, 3, 3, 3, 3, 3), "strides": (4, 2, 1, 2, 1, 1),
        "head": "pyramid", "maps": 32,
    },
    "small_pyramid_3": {
        "channels": (24, 48, 64, 64, 96, 96, 96), "strides": (2, 2, 2, 1, 2, 1, 1), "head": "pyramid", "maps": 64,
        "scales": 3,
    },
    "small_pyramid_32": {
        "channels": (24, 48, 64, 64, 96, 96, 96), "strides": (2, 2, 2, 1, 2, 1, 1), "head": "pyramid", "maps": 32,
    },
    "small_6": {
        "channels": (24, 48, 64, 64, 96, 96, 96), "strides": (2, 2, 2, 1, 2, 1, 1), "head": "argmax", "maps": 64,
    },
    "small_12": {
        "channels": (16, 32, 64, 64, 80, 80, 96), "strides": (2, 2, 2, 1, 1, 1, 1), "head": "argmax", "maps": 64,
    },
    "best_12": {
        "channels": (32, 64, 128, 128, 128, 128, 256, 256, 256), "strides": (2, 2, 2, 1, 1, 1, 2, 1, 1),
        "residual": 1, "head": "argmax", "maps": 64,
    },
    "best_pyramid": {
        "channels": (32, 64, 64, 128, 128, 128, 256, 256, 256), "strides": (2, 2, 1, 2, 1, 1, 2, 1, 1),
        "residual": 1, "head": "pyramid", "maps": 64,
    },
    "best_24": {
        "channels": (24, 48, 128, 128, 128, 256, 256, 256), "strides": (2, 2, 2, 1, 1, 2, 1, 1),
        "residual": 1, "head": "pyramid", "maps": 64,
    },
    "best_pyramid_3": {
        "channels": (32, 64, 64, 128, 128, 128, 256, 256, 256), "strides": (2, 2, 1, 2, 1, 1, 2, 1, 1),
        "residual": 1, "head": "pyramid", "maps": 64, "scales": 3,
    },
}  # fmt: skip


def exported(name: str, folder: Path, images: np.ndarray) -> dict[str, Any]:
    """Return parameters, multiplications and bytes of the structure; write its files if the folder lacks them."""
    described = {"name": name, "options": STRUCTURES.get(name)}
    known = folder / f"{name}.json"
    if known.exists() and (kept := read_json(known)).get("options") == json.loads(json_text(described["options"])):
        return kept
    import keras

    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.layout import ModelSpec
    from edgefkp.networks.complexity import macs, parameters
    from edgefkp.networks.ours import plain
    from edgefkp.networks.registry import NETWORKS, build

    keras.utils.set_random_seed(0)
    reference = name == "mobilenetv2"
    model = build(NETWORKS[name]) if reference else plain(ModelSpec(), **STRUCTURES[name])
    random = np.random.default_rng(0)
    # As if trained: biases that are all 0 would share one buffer in the file.
    model.set_weights([w + 0.01 * random.random(w.shape, np.float32) for w in model.get_weights()])
    samples = images[:CALIBRATION, ..., None].astype(np.float32) / 255
    schemes = (FLOAT,) if reference else MEASURED
    sizes = {}
    for scheme in schemes:
        # One scale for dense layers, so that tflite-runtime 2.14 loads dynamic files too (see export/targets).
        settings = ConversionSettings(scheme, per_tensor_dense=SCHEMES[scheme].per_tensor_dense)
        content = convert(model, settings, [samples])
        write_bytes(folder / f"{name}.{scheme}.tflite", content)
        sizes[scheme] = len(content)
    described |= {"parameters": parameters(model), "macs": macs(model), "bytes": sizes}
    keras.backend.clear_session()
    return read_json(write_json(known, described))


def ratios(ms: dict[tuple[str, str], float], name: str, runtime: str) -> dict[str, float]:
    """Map each scheme to its time relative to the reference; files that the runtime could not load are left out."""
    files = {scheme: f"{name}.{scheme}.tflite" for scheme in MEASURED}
    reference = ms.get((REFERENCE, runtime))
    found = {scheme: ms.get((file, runtime)) for scheme, file in files.items()}
    return {scheme: time / reference for scheme, time in found.items() if time and reference}


def maker_of(described: dict[str, Any]) -> str:
    """amd, intel, arm: the first word of the processor's name."""
    name = str(described.get("processor") or described.get("architecture", "unknown"))
    return re.split(r"\W", name.lower())[0]


def said(number: int, total: int, label: str) -> None:
    print(f"{number}/{total} {label}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(STRUCTURES))
    parser.add_argument("--export", action="store_true")
    parser.add_argument("--runtimes", nargs="*", default=RUNTIMES)
    parser.add_argument("--pin", type=int, nargs="*", default=[])
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    faces = timed_images.drawn_images()
    names = ["mobilenetv2", *(given.names or STRUCTURES)]
    rows = {name: exported(name, given.work, faces.images) for name in names}
    if given.export:
        return
    files = [given.work / f"{name}.{scheme}.tflite" for name in names for scheme in rows[name]["bytes"]]
    cells = cases_of(files, given.runtimes, modes=("invoke",))
    settings = TimingSettings(given.processes, given.seconds, (0.1, 0.5), 0.0, tuple(given.pin))
    result = harness.measure(cells, faces, settings, "structures", progress=said)
    ms = {(row.file, row.runtime): row.ms.p50 for row in result.rows}
    for name, row in rows.items():
        row["ratio"] = {runtime: ratios(ms, name, runtime) for runtime in given.runtimes}
    reference = rows.pop("mobilenetv2")
    described = machine.describe()
    out = given.out or RESULTS / f"structures-{maker_of(described)}.json"
    if out.exists():
        kept = {row["name"]: row for row in read_json(out)["rows"]}
        rows = {**kept, **rows}
    content = {
        "schema": "edgefkp.structures/1",
        "machine": machine.title(described),
        "versions": {row.runtime: row.version for row in result.rows},
        "reference": {**reference, "ms": {runtime: ms.get((REFERENCE, runtime)) for runtime in given.runtimes}},
        "failed": [failure.cell for failure in result.failed],
        "rows": [rows[name] for name in STRUCTURES if name in rows],
    }
    write_json(out, content)
    for row in content["rows"]:
        times = "  ".join(f"{s} {r:.3f}" for s, r in row["ratio"]["litert"].items())
        print(f"{row['name']:16} {row['macs'] / 1e6:6.1f} M  {row['bytes']['dynamic'] / 1000:6.0f} KB  {times}")


if __name__ == "__main__":
    run(main)
