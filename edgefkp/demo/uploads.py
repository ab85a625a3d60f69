"""Photos and videos that viewers drop on the page: kept in a scratch folder, predicted by a child process."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import threading
from collections.abc import Callable
from http import HTTPStatus
from io import RawIOBase
from pathlib import Path
from typing import IO

from edgefkp.demo.answers import Answer, as_json, file, refusal
from edgefkp.demo.session import Work
from edgefkp.demo.uploaded import ENVIRONMENT, predict_upload
from edgefkp.errors import EdgefkpError, printable
from edgefkp.runtime import isolate
from edgefkp.runtime.scratch import scratch_folder

KEPT = 6  # results, the newest ones
CHILD_SECONDS = 120.0  # for a whole file; a video is ended earlier, see uploaded.WORK_SECONDS
CHILD_BYTES = 6 << 30  # address space, of which interpreters and OpenCV reserve much more than they use


class Uploads:
    """Takes one file at a time. work: what predicts it, asked for each. Until `close`."""

    def __init__(self, work: Callable[[], Work]) -> None:
        self._work = work
        self._busy = threading.Lock()
        self._results: list[Path] = []
        self._block = contextlib.ExitStack()
        self._folder: Path | None = None
        self._child: isolate.Child | None = None

    def take(self, name: str, body: IO[bytes] | RawIOBase, length: int) -> Answer:
        """Predict an uploaded file of that name; answers with JSON, of which `result` and `download` are paths."""
        from edgefkp.detect.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES

        path = Path(name)
        if path.suffix.lower() not in IMAGE_SUFFIXES | VIDEO_SUFFIXES:
            message = f"{printable(path.name)[:80]} is neither an image nor a video by its suffix"
            return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
        if not self._busy.acquire(blocking=False):
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, "another file is being predicted: try again in a moment")
        try:
            return self._predict(path, body, length)
        except EdgefkpError as error:
            message = "; ".join(filter(None, (error.message, error.hint)))
            return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, f"{printable(path.name)[:80]}: {message}")
        except TimeoutError:
            return refusal(HTTPStatus.REQUEST_TIMEOUT, "the upload was too slow")
        except OSError as error:  # a full disk, or a viewer who went away
            return refusal(HTTPStatus.INSUFFICIENT_STORAGE, f"the upload cannot be kept: {error.strerror or error}")
        finally:
            self._busy.release()

    def result(self, rest: str) -> Answer | None:
        """A result, by the path that `take` named."""
        number, _, how = rest.partition("/")
        found = next((path for path in self._results if path.parent.name == number), None)
        return file(found, download=how == "download") if found else None

    def close(self) -> None:
        if self._child:
            self._child.kill()
        self._block.close()

    def _predict(self, path: Path, body: IO[bytes] | RawIOBase, length: int) -> Answer:
        from edgefkp.detect.encoders import browser_suffix
        from edgefkp.detect.media import is_video

        if self._folder is None:
            self._folder = self._block.enter_context(scratch_folder())
        number = secrets.token_hex(8)
        folder = self._folder / number
        folder.mkdir()
        kept = False
        try:
            given = folder / f"given{path.suffix.lower()}"
            with open(given, "wb") as stream:
                shutil.copyfileobj(body, stream)
            if given.stat().st_size != length:
                raise EdgefkpError("the upload broke off")
            kind = "video" if is_video(given) else "image"  # an animated GIF is a video
            stem = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in path.stem)[:60] or "file"
            out = folder / f"{stem}-points{'.jpg' if kind == 'image' else browser_suffix()}"
            found = self._in_a_child(given, out, kind == "image")
            given.unlink()
            kept = True
        finally:
            if not kept:
                shutil.rmtree(folder, ignore_errors=True)
        self._results.append(out)
        while len(self._results) > KEPT:
            shutil.rmtree(self._results.pop(0).parent, ignore_errors=True)
        where = f"/uploaded/{number}"
        return as_json({"kind": kind, "result": where, "download": f"{where}/download", "file": out.name, **found})

    def _in_a_child(self, given: Path, out: Path, is_image: bool) -> dict[str, object]:
        """A file that ends the process which reads it ends no demo."""
        arguments = (str(given), str(out), is_image, [*self._work()])
        child = isolate.Child(
            predict_upload, *arguments, environment=ENVIRONMENT, seconds=CHILD_SECONDS, memory=CHILD_BYTES
        )
        with child:
            self._child = child
            try:
                return dict(child.result())
            except isolate.ChildDied as error:
                reason = "it takes too long" if error.timed_out else "it cannot be read"
                raise EdgefkpError(reason, "convert it with another program first") from error
            except EdgefkpError as error:
                message = error.message.replace(f"{given} ", "").replace(str(given), "it")
                raise EdgefkpError(message, error.hint) from None
            finally:
                self._child = None
