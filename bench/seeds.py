"""Score trainings of the same recipe with different seeds.

    python -m bench.seeds FILE.keras ... --data lfw-kaggle

Each file is a model trained by `edgefkp train` with a different --seed. Scores cover validation and test persons, over
points placed by hand or derived from such points. Writes bench/results/seeds.json; docs/MODELS.md shows it.
"""

import argparse
from pathlib import Path

from bench import run
from edgefkp.card import read_card
from edgefkp.data.faces import DERIVED, PLACED
from edgefkp.data.formats import open_dataset
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import evaluate
from edgefkp.files import write_json

RESULT = Path(__file__).resolve().parent / "results/seeds.json"
SOURCES = (PLACED, DERIVED)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--data", required=True)
    given = parser.parse_args()
    source = open_dataset(given.data, "full")
    rows = []
    for path in given.files:
        card = read_card(path)
        if not card or not card.training:
            raise EdgefkpError(f"{path} has no training card", "pass .keras files written by edgefkp train")
        row = {"network": card.network, "seed": card.training["recipe"]["seed"], "sha256": card.sha256}
        for part in ("validation", "test"):
            score = evaluate(path, source, part, SOURCES)[0].score
            row |= {part: {"rmse": score.rmse, "interval": list(score.interval)}}
        rows.append(row)
        print(row)
    content = {"schema": "edgefkp.seeds/1", "data": {"name": source.name, "label_src": SOURCES}, "rows": rows}
    write_json(RESULT, content)


if __name__ == "__main__":
    run(main)
