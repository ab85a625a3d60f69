"""The table of points that edgefkp predict writes row by row, and continues after an interruption."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from edgefkp.detect.detector import Face
from edgefkp.errors import EdgefkpError
from edgefkp.layout import PointLayout

NO_FACE = {"face": 0, "faces": 0}  # the one row of an image without a face


def face_fields(layout: PointLayout) -> tuple[str, ...]:
    """Names of the columns that describe a face."""
    return ("face", "faces", "score", "box_x", "box_y", "box_side", *layout.columns)


def rows_of(faces: Sequence[Face]) -> list[dict[str, Any]]:
    """A row for each face, by `face_fields`."""
    return [
        {
            "face": number,
            "faces": len(faces),
            "score": round(face.score, 4),
            **{f"box_{axis}": round(value, 2) for axis, value in zip(("x", "y", "side"), face.box, strict=True)},
            **{
                column: round(float(value), 3)
                for column, value in zip(face.layout.columns, face.keypoints.reshape(-1), strict=True)
            },
        }
        for number, face in enumerate(faces, 1)
    ]


class PointsWriter:
    """Adds each image's rows to points.csv, or to points.jsonl with one face a line.

    Rows of an image that an earlier run began and did not finish are dropped.
    Raises EdgefkpError for a folder that cannot be written and for a table of something else.
    """

    def __init__(self, out: Path, table: str, layout: PointLayout) -> None:
        self._path = out / ("points.csv" if table == "csv" else "points.jsonl")
        self._csv = table == "csv"
        self._fields = ("file", *face_fields(layout))
        self.done: set[str] = set()  # names of the images that an earlier run finished
        self._stream: IO[str]

    def __enter__(self) -> "PointsWriter":
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
            csv.writer(self._stream).writerow(self._fields)
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        lines = io.StringIO()
        for row in rows or [NO_FACE]:
            if self._csv:
                csv.DictWriter(lines, self._fields).writerow({"file": name, **row})
            else:
                lines.write(json.dumps({"file": name, **row}, ensure_ascii=False) + "\n")
        self._stream.write(lines.getvalue())
        self._stream.flush()

    def _read_earlier(self) -> int:
        """Fill `done` and return how many bytes of the file belong to finished images."""
        keep = 0
        with open(self._path, "rb") as stream:
            if self._csv:
                header = stream.readline()
                if header.decode(errors="replace").strip() != ",".join(self._fields):
                    raise EdgefkpError(
                        f"{self._path} is not a table that edgefkp predict wrote for this model's points",
                        "choose another folder: --out",
                    )
                keep = len(header)
            for line in iter(stream.readline, b""):
                row = self._parse(line)
                if row is None:
                    break
                if row["face"] == row["faces"]:  # the last of its image
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
