"""What quantization without TensorFlow costs: ours beside the defaults of LiteRT's quantizer, on the same files.

    python -m bench.quantizers [nano small best] --data lfw-kaggle

Needs the extra quantize. A float file that is not in export/ is taken from build/export/, where `bench.renew` has
every scheme. Both calibrate on the same training faces; ours is what `edgefkp export FILE.tflite --target litert-2`
writes. Errors alone are measured, so a busy machine does not matter. Writes bench/results/quantizers.json, where the
rows of other networks stay; docs/MODELS_IN.md shows it.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import run
from edgefkp.card import versions
from edgefkp.data.faces import Dataset
from edgefkp.data.formats import open_dataset
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import part_of
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.export import calibration
from edgefkp.export.exporter import export_network
from edgefkp.export.options import ExportOptions
from edgefkp.export.parity import Parity, Reference, labeled, network_spec, parity, parity_of, reference_of
from edgefkp.export.schemes import FLOAT
from edgefkp.export.targets import TARGETS
from edgefkp.files import read_json, write_json
from edgefkp.runtime.graph import read_graph
from edgefkp.runtime.scratch import scratch_folder

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "bench" / "results" / "quantizers.json"
NETWORKS = ("nano", "small", "best")
# Our scheme -> the recipe of the same kind that the quantizer comes with.
RECIPES = {"int8": "static_wi8_ai8", "dynamic": "dynamic_wi8_afp32", "int16x8": "static_wi8_ai16"}
TARGET = "litert-2"  # dense layers get a scale for each output, as the recipes have it


def by_defaults(path: Path, recipe: str, samples: Any, out: Path) -> None:
    """The file that LiteRT's quantizer makes with a recipe of its own."""
    from litert_quantizer import quantizer
    from litert_quantizer import recipe as recipes

    made = quantizer.Quantizer(str(path), getattr(recipes, recipe)())
    name = read_graph(path).inputs[0].name.partition(":")[0].removeprefix("serving_default_")
    faces = {"serving_default": [{name: face[None]} for face in samples]}
    ranges = made.calibrate(faces) if made.need_calibration else None
    made.quantize(ranges).export_model(str(out), overwrite=True)


def rows_of(name: str, source: Dataset, folder: Path, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """A row for each scheme and maker."""
    network = ROOT / "models" / f"{name}-masked-online.keras"
    found = [ROOT / place / f"{network.stem}.{FLOAT}.tflite" for place in ("export", "build/export")]
    if (path := next((path for path in found if path.exists()), None)) is None:
        raise EdgefkpError(f"{found[0].name} is missing", "python -m bench.renew --only export makes it")
    spec = network_spec(network)
    samples = calibration.of_faces(source, spec.input, layout=spec.layout).samples[0]
    faces = fitted_faces(spec, labeled(part_of(source, "test")), name).seen
    reference: Reference = reference_of(path, faces.images)
    rows = []

    def add(scheme: str, maker: str, made: Path, found: Parity) -> None:
        scores = {"rmse_before": found.rmse_before, "rmse": found.rmse_after, "shift_p95": found.shift.p95}
        rows.append({"model": network.stem, "scheme": scheme, "by": maker, "bytes": made.stat().st_size, **scores})
        say(f"{name} {scheme:8} {maker:8} {found.rmse_before:.4f} -> {found.rmse_after:.4f} px")

    options = ExportOptions(target=TARGETS[TARGET], runtime="litert")
    for scheme, recipe in RECIPES.items():
        (ours,) = export_network(path, folder / "ours", [scheme], source, options)
        card = parity_card(ours)
        add(scheme, "ours", ours, card)
        theirs = folder / f"{name}.{recipe}.tflite"
        by_defaults(path, recipe, samples, theirs)
        data = {"name": source.name, "part": "test"}
        add(scheme, "defaults", theirs, parity(theirs, scheme, faces, data, reference, "litert", spec=spec))
    return rows


def parity_card(path: Path) -> Parity:
    from edgefkp.card import read_card

    card = read_card(path)
    found = parity_of(card) if card else None
    assert found is not None
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    source = open_dataset(given.data)
    faces = int(part_of(source, "test").labeled.sum())
    data = {"name": source.name, "faces": faces, "calibration": calibration.COUNT}
    tools = versions("litert-quantizer", "ai-edge-litert")
    rows: list[dict[str, Any]] = read_json(given.out)["rows"] if given.out.exists() else []
    with scratch_folder() as folder:
        for name in given.networks or NETWORKS:
            made = rows_of(name, source, folder, lambda text: print(text, file=sys.stderr, flush=True))
            rows = [row for row in rows if row["model"] != made[0]["model"]] + made
            write_json(given.out, {"schema": "edgefkp.quantizers/1", "data": data, "versions": tools, "rows": rows})


if __name__ == "__main__":
    run(main)
