"""Damage for readers: bytes that were flipped, cut, spliced or made up. A reader gives a value or an EdgefkpError."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from edgefkp.errors import EdgefkpError


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """`good` with a few bytes changed, a part cut out, or a part in another place; sometimes other bytes altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    content = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        where = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.integers(0, 40))
        kind = draw(st.sampled_from(("byte", "bytes", "cut", "tail", "copy")))
        if kind == "byte" and content:
            content[where] = draw(st.integers(0, 255))
        elif kind == "bytes":
            content[where : where + length] = draw(st.binary(min_size=length, max_size=length))
        elif kind == "cut":
            del content[where : where + length]
        elif kind == "tail":
            del content[where:]
        else:
            content[where:where] = content[: length + 1]
    return bytes(content)


def reads_or_refuses(read: Callable[[Path], Any], path: Path, content: bytes) -> None:
    """Let whatever `read` raises that is no EdgefkpError pass, and hold that one to a message of one line."""
    path.write_bytes(content)
    refusal = None
    try:
        read(path)
    except EdgefkpError as error:
        refusal = error.message
    assert refusal is None or (refusal and "\n" not in refusal)


_STRANGE = (
    b"1e39", b"-1e300", b"1_0", b"inf", b"nan", b"", b'"', b"\n", b"\r", b"\0", b"\xff", b"9" * 400, b"left",
    b"../../etc/passwd", b"/dev/zero", b"x" * 400, b"1,2", b"-1", b"256", b"1.5", "٣".encode(),
)  # fmt: skip


@st.composite
def with_strange_cells(draw: st.DrawFn, table: bytes) -> bytes:
    """A CSV with some of its cells replaced by what no cell should hold."""
    lines = [line.split(b",") for line in table.splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        line = lines[draw(st.integers(0, len(lines) - 1))]
        line[draw(st.integers(0, len(line) - 1))] = draw(st.sampled_from(_STRANGE))
    return b"\n".join(b",".join(line) for line in lines) + b"\n"


@st.composite
def with_strange_values(draw: st.DrawFn, stored: Any) -> Any:
    """A JSON value with some of what is in it replaced, left out, or put inside itself."""
    for _ in range(draw(st.integers(1, 3))):
        stored = _changed(draw, stored)
    return stored


_VALUES = (
    None, True, 0, -1, 5, 2**63, 10**400, 1e308, -1e308, 0.5, "", "x", "\udcff", "\x1b[31m\n", [], {}, [[]], [None],
    ["x"], {"a": 1}, [1.5] * 4,
)  # fmt: skip


def _changed(draw: st.DrawFn, value: Any) -> Any:
    if isinstance(value, dict | list) and value and draw(st.integers(0, 5)):
        if isinstance(value, list):
            place = draw(st.integers(0, min(2, len(value) - 1)))
            return [*value[:place], _changed(draw, value[place]), *value[place + 1 :]]
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 9)) == 0:
            return {name: item for name, item in value.items() if name != key}
        return {**value, key: _changed(draw, value[key])}
    return draw(st.sampled_from(_VALUES))
