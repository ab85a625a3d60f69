"""The grammar of names: `manual-augment` is a model, `manual-augment.int8.tflite` a file made from it."""

import re
from dataclasses import dataclass
from pathlib import Path

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
