"""What the web server returns for a path: pages, JSON, files, streams, refusals, and the headers of all of them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from io import RawIOBase
from pathlib import Path
from typing import IO, Any

from edgefkp.files import json_text

# Of every answer: no other site may show our pages in its own, or read or embed the image.
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HTML = "text/html; charset=utf-8"
# By the suffix of a file that a page needs, or that a viewer may see.
KINDS = {
    ".avi": "video/x-msvideo",
    ".css": "text/css; charset=utf-8",
    ".html": HTML,
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".webm": "video/webm",
}
_SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What a path returns."""

    # The whole content; a file, of which a browser may ask for a part; or the parts of a stream. A stream that has
    # `close` is closed when its viewer has gone.
    body: bytes | Path | Iterator[bytes]
    kind: str = "application/octet-stream"
    status: HTTPStatus = HTTPStatus.OK
    download: bool = False  # to be saved under its own name, not shown


# The rest of the path, after the prefix -> the answer; None: nothing there.
Get = Callable[[str], Answer | None]
Post = Callable[[str], bool]
# The rest of the path, the body and its length in bytes -> the answer.
Upload = Callable[[str, IO[bytes] | RawIOBase, int], Answer]


def text(content: str, kind: str = HTML) -> Answer:
    return Answer(content.encode(), kind)


def as_json(value: Any) -> Answer:
    return Answer(json_text(value, indent=None).encode(), "application/json")


def file(path: Path, download: bool = False) -> Answer:
    return Answer(path, KINDS.get(path.suffix.lower(), Answer.kind), download=download)


def refusal(status: HTTPStatus, message: str) -> Answer:
    return Answer(f"{status.value} {message}\n".encode(), "text/plain; charset=utf-8", status)


def policy(page: bytes) -> str:
    """The Content-Security-Policy of a page: its own scripts and ours, and nothing from elsewhere."""
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _SCRIPT.findall(page))
    scripts = " ".join(["'self'", "'wasm-unsafe-eval'", *(f"'sha256-{digest}'" for digest in hashes)])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last) that a Range header asks for; None: the whole file.

    Raises ValueError for a part that the file of that size does not have.
    """
    asked = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header or "")
    if not asked or not any(asked.groups()):
        return None
    first, last = asked.groups()
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1 if last else size)
    if begin >= end:
        raise ValueError
    return begin, end
