"""The schemes in which a file stores numbers, and the grammar of .tflite names."""

import re
from dataclasses import dataclass
from pathlib import Path

SCHEMES = ("float32", "float16", "dynamic", "int8", "int8io", "int16x8")
_FILE = re.compile(rf"(?P<model>.+?)\.(?P<scheme>{'|'.join(SCHEMES)})(?P<u8>\.u8)?\.tflite")


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
