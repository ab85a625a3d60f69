"""Cards: the JSON beside every model file that says what it is, where it came from and what it scored."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgefkp.files import json_text, read_json, sha256_file, write_json

SCHEMA = "edgefkp.card/1"
_MEMBER = "edgefkp_card.json"  # a .keras file is a zip; the card travels inside it as well

Card = dict[str, Any]


def card_path(model: Path | str) -> Path:
    """models/small-masked.keras -> models/small-masked.json; x.int8.tflite -> x.int8.json."""
    return Path(model).with_suffix(".json")


def write_card(model: Path, card: Card) -> Card:
    """Write the card beside `model`, with the file's name, size and SHA-256: returns it as it is read back."""
    card = {"schema": SCHEMA, **card}
    if model.suffix == ".keras":
        with zipfile.ZipFile(model, "a") as archive:
            if _MEMBER not in archive.namelist():
                archive.writestr(_MEMBER, json_text(card))
    card |= {"file": model.name, "bytes": model.stat().st_size, "sha256": sha256_file(model)}
    return read_json(write_json(card_path(model), card))


def read_card(model: Path | str) -> Card | None:
    """The card beside `model`, or inside a .keras that was moved without it; None where there is none.

    Raises EdgefkpError for a card that is not JSON.
    """
    model = Path(model)
    if card_path(model).exists():
        card = read_json(card_path(model))
        return card if isinstance(card, dict) and str(card.get("schema", "")).startswith("edgefkp.card/") else None
    if model.suffix == ".keras" and zipfile.is_zipfile(model):
        with zipfile.ZipFile(model) as archive:
            if _MEMBER in archive.namelist():
                return json.loads(archive.read(_MEMBER))
    return None


def versions(*packages: str) -> dict[str, str]:
    """Versions of edgefkp, Python and those of `packages` that are installed."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from edgefkp._version import __version__

    found = {"edgefkp": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


SCHEMES = ("float32", "float16", "dynamic", "int8", "int8io", "int16x8")
_FILE = re.compile(rf"(?P<model>.+?)\.(?P<scheme>{'|'.join(SCHEMES)})(?P<u8>\.u8)?\.tflite")


def treatment_name(treatment: str, augment: str) -> str:
    """The two axes as one word: the paper's `augment` is `drop` with its offline set (paper, section 3.4)."""
    if (treatment, augment) == ("drop", "paper"):
        return "augment"
    return treatment if augment == "none" else f"{treatment}-{augment}"


def model_name(network: str, treatment: str, augment: str) -> str:
    return f"{network}-{treatment_name(treatment, augment)}"


@dataclass(frozen=True)
class TfliteName:
    """`<model>.<scheme>[.u8].tflite`; scheme "" for a file that does not follow the grammar."""

    model: str
    scheme: str
    u8: bool

    @property
    def filename(self) -> str:
        return f"{self.model}.{self.scheme}{'.u8' if self.u8 else ''}.tflite"


def parse_tflite(path: Path | str) -> TfliteName:
    name = Path(path).name
    if match := _FILE.fullmatch(name):
        return TfliteName(match["model"], match["scheme"], bool(match["u8"]))
    return TfliteName(name.removesuffix(".tflite"), "", False)
