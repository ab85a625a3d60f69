"""The sound of a video, carried over to its overlay by the program ffmpeg."""

import contextlib
import shutil
import subprocess
from pathlib import Path

from edgefkp.detect.encoders import ffmpeg

INSTALL = "sudo apt install ffmpeg"
# Suffix -> what the sound becomes where it cannot be copied as it is.
_CODECS = {".mp4": "aac", ".webm": "libopus", ".avi": "libmp3lame", ".mkv": "flac"}
_SHORTEST = 0.02  # seconds between the starts of image and sound that are noticed
_PATIENCE = 3600.0  # seconds; a long sound may have to be coded anew


def has_sound(source: Path) -> bool | None:
    """None: without ffmpeg nobody knows."""
    if not (program := ffmpeg()):
        return None
    return _runs(program, "-i", _name(source), "-map", "0:a:0", "-c", "copy", "-t", "0.1", "-f", "null", "-")


def reason_for_silence(source: Path) -> str:
    """Why an overlay of `source` has no sound; "" for a video that has none."""
    found = has_sound(source)
    if found is None:
        return f"ffmpeg, which would keep its sound, is not installed: {INSTALL}"
    return "its sound could not be carried over" if found else ""


def add_sound(video: Path, source: Path, out: Path) -> bool:
    """Write `out`: the images of `video` with the sound of `source`, which begins where its images do."""
    if not (program := ffmpeg()):
        return False
    late = _image_start(source)
    seek = ("-ss", f"{late:.3f}") if late > _SHORTEST else ()
    for codec in ("copy", _CODECS[out.suffix.lower()]):
        given = ("-y", "-i", _name(video), *seek, "-i", _name(source), "-map", "0:v:0", "-map", "1:a:0")
        if _runs(program, *given, "-c:v", "copy", "-c:a", codec, "-movflags", "+faststart", _name(out)):
            return True
    return False


def _image_start(source: Path) -> float:
    """Seconds by which the images begin after the sound."""
    program = shutil.which("ffprobe")
    if program is None:
        return 0.0
    starts = []
    for stream in ("v:0", "a:0"):
        words = ("-v", "error", "-select_streams", stream, "-show_entries", "stream=start_time", "-of", "csv=p=0")
        with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
            done = subprocess.run((program, *words, _name(source)), capture_output=True, text=True, timeout=60)
            starts.append(float(done.stdout.strip().split("\n")[0].strip(",")))
    return max(0.0, starts[0] - starts[1]) if len(starts) == 2 else 0.0


def _runs(program: str, *words: str) -> bool:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        given = (program, "-v", "error", *words)
        return not subprocess.run(given, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE).returncode
    return False


def _name(path: Path) -> str:
    return f"file:{path.absolute()}"  # else "a:b" is a protocol
