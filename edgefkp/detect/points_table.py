"""The table of points that edgefkp predict writes row by row, and continues after an interruption."""

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from edgefkp.data.pose import Pose, shows_pose
from edgefkp.detect.detector import Face
from edgefkp.detect.growing import GrowingFile
from edgefkp.errors import EdgefkpError, writing
from edgefkp.files import replacing
from edgefkp.layout import PointLayout

NO_FACE = {"face": 0, "faces": 0}  # the one row of an image without a face
_UNWRITTEN = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's control characters, half characters and line breaks


def shown(name: str) -> str:
    """A file's name as one line of text that no spreadsheet takes for a formula.

    What is no character, as in a name that is not UTF-8, is written as its number: caf\\udce9.jpg.
    """
    text = "".join(
        letter.encode("unicode_escape").decode() if unicodedata.category(letter) in _UNWRITTEN else letter
        for letter in name
    )
    return f"./{text}" if text.startswith(("=", "+", "-", "@")) else text


def face_fields(layout: PointLayout, deviation: bool = False) -> tuple[str, ...]:
    """Names of the columns that describe a face: `first_fields`, then turn, tilt and nod if its points show a pose.

    deviation: of a model with this output; its standard deviations come last.
    """
    pose = Pose._fields if shows_pose(layout) else ()
    return (*first_fields(layout), *pose, *(sigma_fields(layout) if deviation else ()))


def sigma_fields(layout: PointLayout) -> tuple[str, ...]:
    return tuple(f"{point}_sigma" for point in layout.points)


def first_fields(layout: PointLayout) -> tuple[str, ...]:
    """Names of the columns of tables that were begun before there was a pose: they are continued as they are."""
    return ("face", "faces", "score", "box_x", "box_y", "box_side", *layout.columns)


def rows_of(faces: Sequence[Face]) -> list[dict[str, Any]]:
    """A row for each face, by `face_fields`."""
    return [
        {
            "face": number,
            "faces": len(faces),
            "score": round(face.score, 4),
            **{f"box_{axis}": round(value, 2) for axis, value in zip(("x", "y", "side"), face.box[:3], strict=True)},
            **{
                column: round(float(value), 3)
                for column, value in zip(face.layout.columns, face.keypoints.reshape(-1), strict=True)
            },
            **({} if face.pose is None else {name: round(angle, 1) for name, angle in face.pose._asdict().items()}),
            **_sigmas(face),
        }
        for number, face in enumerate(faces, 1)
    ]


def _sigmas(face: Face) -> dict[str, float]:
    """The deviations of a face by their columns; empty for a model without them."""
    values = () if face.sigma is None else face.sigma
    names = sigma_fields(face.layout)[: len(values)]
    return {name: round(float(value), 3) for name, value in zip(names, values, strict=True)}


class _Rows(NamedTuple):
    """The rows of a finished image in the file."""

    name: str
    start: int  # bytes
    end: int


class PointsWriter:
    """Adds each image's rows to points.csv, or to points.jsonl with one face a line.

    keep: the images whose rows of an earlier run still hold; the rows of others, and those of an image that was not
    finished, are dropped. deviation: the rows have those of the points.
    Raises EdgefkpError for a folder that cannot be written and for a table of something else.
    """

    def __init__(
        self,
        out: Path,
        table: str,
        layout: PointLayout,
        keep: Callable[[str], bool] = lambda name: True,
        deviation: bool = False,
    ) -> None:
        self._path = points_file(out, table)
        self._csv = table == "csv"
        self._fields = ("file", *face_fields(layout, deviation))
        self._first_fields = ("file", *first_fields(layout))
        self._keep = keep
        self.done: set[str] = set()  # names of the images whose rows are there
        self._file: GrowingFile

    def __enter__(self) -> "PointsWriter":
        end = self._drop_rows() if self._path.exists() else 0
        self._file = GrowingFile(self._path, end)
        if self._csv and not end:
            self._file.append(self._header)
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        lines = io.StringIO()
        for row in rows or [NO_FACE]:
            if self._csv:
                csv.DictWriter(lines, self._fields, extrasaction="ignore").writerow({"file": name, **row})
            else:
                lines.write(json.dumps({"file": name, **row}, ensure_ascii=False) + "\n")
        self._file.append(lines.getvalue())
        self.done.add(name)

    @property
    def _header(self) -> str:
        return _header(self._fields)

    def _drop_rows(self) -> int:
        """Leave in the file what is kept; the number of its bytes."""
        with writing(self._path), open(self._path, "rb") as stream:
            parts, end = self._parts(stream), 0
            for part in parts:
                if part.start > end:
                    break
                end = part.end
            if not any(part.start > end for part in parts):
                return end
            with replacing(self._path) as temporary, open(temporary, "wb") as other:
                for part in parts:
                    stream.seek(part.start)
                    other.write(stream.read(part.end - part.start))
                return other.tell()

    def _parts(self, stream: IO[bytes]) -> list[_Rows]:
        """Where the header and the rows to keep stand; fills `done`."""
        parts = []
        if self._csv:
            header = stream.readline()
            if header == _header(self._first_fields).encode():
                self._fields = self._first_fields
            if header and header != self._header.encode()[: len(header)]:
                raise self._foreign(1)
            if header.endswith(b"\n"):
                parts.append(_Rows("", 0, len(header)))
        for rows in self._images(stream):
            if rows.name not in self.done and self._keep(rows.name):
                self.done.add(rows.name)
                parts.append(rows)
        return parts

    def _images(self, stream: IO[bytes]) -> Iterator[_Rows]:
        start = stream.tell()
        for number, line in enumerate(iter(stream.readline, b""), 1 + self._csv):
            row = self._parse(line)
            if row is None and (line.endswith(b"\n") or not self._is_begun(line)):
                raise self._foreign(number)
            if row is None or not line.endswith(b"\n"):
                return  # cut off
            name, face, faces = row
            if face <= 1:
                start = stream.tell() - len(line)
            if face == faces:
                yield _Rows(name, start, stream.tell())

    def _is_begun(self, line: bytes) -> bool:
        """It may be the start of one of our rows."""
        begin = b'{"file": "'
        return self._csv or line.startswith(begin) or begin.startswith(line)

    def _parse(self, line: bytes) -> tuple[str, int, int] | None:
        """File, face and number of faces; None for what is not a row."""
        try:
            if self._csv:
                file, face, faces = next(csv.reader([line.decode()]))[:3]
                return file, int(face), int(faces)
            row = json.loads(line)
            return str(row["file"]), int(row["face"]), int(row["faces"])
        except (ValueError, TypeError, KeyError, RecursionError, StopIteration, csv.Error):
            return None

    def _foreign(self, line: int) -> EdgefkpError:
        return EdgefkpError(
            f"{self._path} is not a table that edgefkp predict wrote for this model's points (line {line})",
            "choose another folder: --out",
        )


def _header(fields: Sequence[str]) -> str:
    return ",".join(fields) + "\r\n"


def points_file(out: Path, table: str, name: str = "points") -> Path:
    return out / f"{name}.{'csv' if table == 'csv' else 'jsonl'}"
