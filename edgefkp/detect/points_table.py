"""The table of points that edgefkp predict writes row by row, and takes up again where it was broken off."""

import csv
import io
import json
from pathlib import Path
from typing import IO, Any

from edgefkp.detect.detector import Face
from edgefkp.errors import EdgefkpError
from edgefkp.layout import COLUMNS

FIELDS = ("file", "face", "faces", "score", "box_x", "box_y", "box_side", *COLUMNS)
NO_FACE = {"face": 0, "faces": 0}  # the one row of a picture without a face


def rows_of(faces: list[Face]) -> list[dict[str, Any]]:
    return [
        {
            "face": number,
            "faces": len(faces),
            "score": round(face.score, 4),
            **{f"box_{axis}": round(value, 2) for axis, value in zip(("x", "y", "side"), face.box, strict=True)},
            **{
                column: round(float(value), 3)
                for column, value in zip(COLUMNS, face.keypoints.reshape(-1), strict=True)
            },
        }
        for number, face in enumerate(faces, 1)
    ]


class Table:
    """points.csv, or points.jsonl with one face a line, to which each picture's rows are added at once.

    done: names of the pictures that an earlier run finished. Rows that it began and did not end are dropped.
    """

    def __init__(self, out: Path, table: str) -> None:
        self._path = out / ("points.csv" if table == "csv" else "points.jsonl")
        self._csv = table == "csv"
        self.done: set[str] = set()
        self._stream: IO[str]

    def __enter__(self) -> "Table":
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            keep = self._read_earlier() if self._path.exists() else 0
            self._stream = open(self._path, "r+" if keep else "w", newline="", encoding="utf-8")
        except OSError as error:
            raise EdgefkpError(
                f"cannot write {self._path}: {error.strerror}", "choose a folder that you can write to: --out"
            ) from error
        self._stream.seek(keep)
        self._stream.truncate()
        if self._csv and not keep:
            csv.writer(self._stream).writerow(FIELDS)
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        lines = io.StringIO()
        for row in rows or [NO_FACE]:
            if self._csv:
                csv.DictWriter(lines, FIELDS).writerow({"file": name, **row})
            else:
                lines.write(json.dumps({"file": name, **row}, ensure_ascii=False) + "\n")
        self._stream.write(lines.getvalue())
        self._stream.flush()

    def _read_earlier(self) -> int:
        """Fill `done` and return how many bytes of the file are whole pictures."""
        keep = 0
        with open(self._path, "rb") as stream:
            if self._csv:
                header = stream.readline()
                if header.decode(errors="replace").strip() != ",".join(FIELDS):
                    raise EdgefkpError(
                        f"{self._path} is not a table that edgefkp predict wrote", "choose another folder: --out"
                    )
                keep = len(header)
            for line in iter(stream.readline, b""):
                row = self._parse(line)
                if row is None:
                    break
                if row["face"] == row["faces"]:  # the last of its picture
                    self.done.add(row["file"])
                    keep = stream.tell()
        return keep

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        """None for a line that was cut off."""
        if not line.endswith(b"\n"):
            return None
        if not self._csv:
            return dict(json.loads(line))
        try:
            file, face, faces = next(csv.reader([line.decode()]))[:3]
            return {"file": file, "face": int(face), "faces": int(faces)}
        except ValueError:  # a name with a line break in it
            return None
