"""Files that a viewer drops on the page of edgefkp demo."""

import json
import shutil
from io import BytesIO
from pathlib import Path
from typing import Any

from bench.faults import KINDS, Kind, Sample, Wrong
from bench.faults.calls import TINY
from bench.faults.kinds.media import alter_size, make_images, make_videos
from bench.faults.mutate import alter_bytes, one_of
from edgefkp.demo.session import Work
from edgefkp.demo.uploads import Uploads
from edgefkp.errors import EdgefkpError


def make_uploads(folder: Path) -> list[Sample]:
    return [*make_images(folder), *make_videos(folder)]


def upload(path: Path) -> dict[str, Any]:
    """As the server does. A refusal is a status with a sentence, and leaves nothing."""
    own = Uploads(lambda: Work(str(TINY), "whole-image", None, 1, 1, False))
    content = path.read_bytes()
    try:
        answer = own.take(path.name, BytesIO(content), len(content))
        if not isinstance(answer.body, bytes):
            raise Wrong("the answer is no text")
        if answer.status == 200:
            found: dict[str, Any] = json.loads(answer.body)
            return {name: found.get(name) for name in ("kind", "faces", "size", "frames", "with_face")}
        words = answer.body.decode()
        if answer.status >= 500 or "Traceback" in words or words.count("\n") != 1:
            raise Wrong(f"{answer.status}: {words[:200]}")
        if own._folder and (left := list(own._folder.iterdir())):
            shutil.rmtree(left[0])
            raise Wrong("the folder of a refused file was left")
        raise EdgefkpError(words.strip())
    finally:
        own.close()


KINDS.add(
    Kind(
        "upload",
        "images and videos: what the page of edgefkp demo does with a dropped file",
        make_uploads,
        one_of(alter_bytes, alter_bytes, alter_size),
        upload,
        40,
        seconds=150,
        batch=10,
    )
)
