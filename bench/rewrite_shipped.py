"""Gives the shipped files the metadata that new exports carry, and every stored result their new hashes.

    python -m bench.rewrite_shipped      rewrites edgefkp/runtime/shipped/*.tflite and their copies in export/

Points stay the same to the last bit, which is checked before anything is written. The SHA-256 and size of each file are
replaced in its card, in the reference vectors and in the committed results. Files with the metadata are left alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import run, words_of
from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError
from edgefkp.export.metadata import with_metadata
from edgefkp.export.model_card import write_model_card
from edgefkp.files import read_json, sha256_file, write_bytes, write_json
from edgefkp.runtime.metadata import metadata_of, read_metadata
from edgefkp.runtime.reference_vectors import VECTORS, ReferenceVectors, read_reference_vectors
from edgefkp.runtime.safety import run_in_child

ROOT = Path(__file__).resolve().parents[1]
EXPORT = ROOT / "export"
# Folders of committed JSON.
STORED = ("edgefkp/runtime/shipped", "export", "models", "docs/results", "bench/results")


@dataclass(frozen=True)
class Rewritten:
    path: Path
    content: bytes
    old: str  # SHA-256
    new: str
    old_bytes: int

    @property
    def bytes(self) -> int:
        return len(self.content)


def rewrite(path: Path, images: np.ndarray, scratch: Path) -> Rewritten:
    """`path` with metadata. Raises EdgefkpError for a file without a card, or whose points on `images` would change."""
    card = read_card(path)
    if card is None:
        raise EdgefkpError(f"{path} has no card to take its metadata from", "export it again")
    known = metadata_of(card)
    again = write_bytes(scratch / path.name, with_metadata(path.read_bytes(), known))
    before, after = run_in_child(path, images).outputs, run_in_child(again, images).outputs
    if before.tobytes() != after.tobytes() or read_metadata(again) != known:
        raise EdgefkpError(f"{path} is another file with its metadata")
    return Rewritten(path, again.read_bytes(), sha256_file(path), sha256_file(again), path.stat().st_size)


def replaced(value: Any, files: list[Rewritten]) -> Any:
    """A JSON value in which the files have their new hashes, and rows about them their new sizes."""
    for file in files:
        if value == file.old:
            return file.new
    if isinstance(value, list):
        return [replaced(item, files) for item in value]
    if not isinstance(value, dict):
        return value
    for file in files:
        same = value["sha256"] == file.old if "sha256" in value else value.get("name") == file.path.stem
        if same and value.get("bytes") == file.old_bytes:
            value = {**value, "bytes": file.bytes}
    return {name: replaced(item, files) for name, item in value.items()}


def stored() -> Iterator[Path]:
    for folder in STORED:
        yield from sorted((ROOT / folder).rglob("*.json"))


def main() -> None:
    words_of(__doc__)
    import tempfile

    vectors = read_reference_vectors()
    with tempfile.TemporaryDirectory() as scratch:
        files = [
            rewrite(path, vectors.images, Path(scratch))
            for path in sorted(VECTORS.parent.glob("*.tflite"))
            if read_metadata(path) is None
        ]
    copies = {EXPORT / file.path.name: file for file in files}
    if different := [path for path, file in copies.items() if sha256_file(path) != file.old]:
        raise EdgefkpError(f"{different[0]} is not a copy of the shipped file", "copy it there first")
    new = {file.old: file.new for file in files}
    for file in files:
        write_bytes(file.path, file.content)
        write_bytes(EXPORT / file.path.name, file.content)
        print(f"{file.path.name}: {file.old_bytes} -> {file.bytes} bytes, {file.old[:12]} -> {file.new[:12]}")
    for path in stored():
        before = read_json(path)
        if (after := replaced(before, files)) != before:
            print(write_json(path, after).relative_to(ROOT))
    if files:
        ReferenceVectors(
            vectors.images,
            {new.get(digest, digest): points for digest, points in vectors.keypoints.items()},
            {new.get(digest, digest): limit for digest, limit in vectors.limits.items()},
        ).save(VECTORS)
    for model in {card.model for path in copies if (card := read_card(path))}:
        write_model_card(model, EXPORT)


if __name__ == "__main__":
    run(main)
