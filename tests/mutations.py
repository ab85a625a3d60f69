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
