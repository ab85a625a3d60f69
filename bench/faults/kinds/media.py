"""Images and videos, and the table that predict resumes from."""

from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import KINDS, Kind, Sample
from bench.faults.calls import TINY, command, drawn, samples_of
from bench.faults.mutate import alter_bytes, alter_json, alter_table, one_of, pick

SUFFIXES = (".png", ".jpg", ".bmp", ".ppm", ".pgm", ".webp", ".tif", ".jp2")
DEEP = ("deep.png", "fractions.tif")
VIDEOS = (".mp4", ".avi", ".mkv", ".webm", ".y4m")
FRAMES = 6


def make_images(folder: Path) -> list[Sample]:
    import cv2

    image = cv2.cvtColor(drawn(1)[0][0], cv2.COLOR_GRAY2BGR)
    for suffix in SUFFIXES:
        cv2.imwrite(str(folder / f"face{suffix}"), image[..., 0] if suffix == ".pgm" else image)
    cv2.imwrite(str(folder / DEEP[0]), image.astype(np.uint16) * 16)
    cv2.imwrite(str(folder / DEEP[1]), image.astype(np.float32) / 255, [cv2.IMWRITE_TIFF_COMPRESSION, 1])
    return samples_of(folder, *(f"face{suffix}" for suffix in SUFFIXES), *DEEP)


def make_videos(folder: Path) -> list[Sample]:
    import cv2

    from edgefkp.detect.recorder import CODECS, VideoRecorder

    images = [cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) for image in drawn(FRAMES)[0]]
    for suffix in CODECS:
        recorder = VideoRecorder(folder / f"faces{suffix}", 10.0)
        for image in images:
            recorder.write(image)
        recorder.close()
    planes = [b"FRAME\n" + image.tobytes() + b"\x80" * (48 * 48 * 2) for image in drawn(FRAMES)[0]]
    (folder / "faces.y4m").write_bytes(b"YUV4MPEG2 W96 H96 F10:1 Ip A1:1 C420jpeg\n" + b"".join(planes))
    return samples_of(folder, *(f"faces{suffix}" for suffix in VIDEOS))


def alter_size(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """Another width or height where the formats keep theirs: more pixels than there are, or none."""
    data = bytearray(content)
    number = int(pick(random, (0, 1, 2**31 - 1, 2**30, 65_535, 40_000)))
    if content.startswith(b"\x89PNG"):
        import zlib

        place = pick(random, (16, 20))
        data[place : place + 4] = number.to_bytes(4, "big")
        data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")  # or it would be refused for that alone
    elif content.startswith(b"BM"):
        place = pick(random, (18, 22))
        data[place : place + 4] = number.to_bytes(4, "little")
    elif content[:1] in (b"P", b"Y"):
        data = bytearray(content.replace(b"96", str(number).encode(), 1))
    elif b"\xff\xc0" in content:
        place = content.index(b"\xff\xc0") + int(pick(random, (5, 7)))
        data[place : place + 2] = (number & 0xFFFF).to_bytes(2, "big")
    else:
        return alter_bytes(content, random)
    return bytes(data), f"a side of {number}"


def predict(path: Path) -> list[Any]:
    """Overlays, too. A second time, as somebody would who resumes."""
    given = ("predict", path, "--model", TINY, "--finder", "whole-image", "--out", path.parent / "out")
    command(*given)
    left = [one for one in path.parent.rglob(".*")]
    if left:
        raise RuntimeError(f"{left[0].name} was left lying about")
    command(*given)
    return []


def make_table(folder: Path) -> list[Sample]:
    """What an earlier predict left: its table or its list of finished files is altered, then predict resumes."""
    (folder / "in").mkdir()
    make_images(folder / "in")
    for form in ("csv", "json"):
        command("predict", folder / "in", "--model", TINY, "--finder", "whole-image", "--no-overlays", "--format", form,
                "--out", folder / form)  # fmt: skip
    return samples_of(folder, *(f"{path.parent.name}/{path.name}" for path in sorted(folder.glob("*/p*.*"))))


def resume(path: Path) -> list[Any]:
    given = ("predict", path.parents[1] / "in", "--model", TINY, "--finder", "whole-image", "--no-overlays")
    command(*given, "--format", path.parent.name, "--out", path.parent)
    return []


def alter_points(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    if not content.startswith(b"{"):
        return alter_table(content, random)
    lines = content.splitlines(keepends=True)
    number = int(random.integers(len(lines)))
    altered, what = alter_json(lines[number], random)
    return b"".join([*lines[:number], altered, b"\n", *lines[number + 1 :]]), f"line {number}: {what}"


KINDS.add(
    Kind(
        "image",
        "png, jpg, bmp, ppm, pgm, webp, tif, jp2, of 8 and more bits: predict",
        make_images,
        one_of(alter_bytes, alter_bytes, alter_size),
        predict,
        280,
    )
)
KINDS.add(
    Kind(
        "video",
        "mp4, avi, mkv, webm, y4m: predict",
        make_videos,
        one_of(alter_bytes, alter_bytes, alter_size),
        predict,
        130,
    )
)
KINDS.add(
    Kind(
        "table of points",
        "points.csv, points.jsonl, predict.jsonl: predict resumes",
        make_table,
        alter_points,
        resume,
        50,
    )
)
