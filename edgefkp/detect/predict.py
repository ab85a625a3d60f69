"""Keypoints of images, folders and videos: overlays and tables on disk, in constant memory, resumable.

OUT/points.csv has a row for each face of each image (an image without a face has one row with empty columns),
OUT/faces holds the overlays under the images' own names. A video gets an overlay video and a .csv with a row for each
frame. OUT/predict.jsonl holds the settings, and the hash of each file that is finished: another content of the same
name is predicted again, other settings are refused.
"""

import contextlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from edgefkp.detect.detector import KeypointDetector
from edgefkp.detect.folders import media_in, named
from edgefkp.detect.growing import Ledger
from edgefkp.detect.images import Item, PredictSettings, overlay_file
from edgefkp.detect.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, is_image, is_video
from edgefkp.detect.points_table import PointsWriter, points_file, shown
from edgefkp.detect.predicted_coco import FILE as COCO_FILE
from edgefkp.detect.predicted_coco import write_coco
from edgefkp.detect.videos import overlay_video
from edgefkp.detect.workers import in_workers
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import sha256_file

__all__ = ["Item", "PredictSettings", "Predicted", "find_items", "predict"]

SCHEMA = "edgefkp.predict/1"


@dataclass(frozen=True)
class Predicted:
    """What `edgefkp predict --json` prints."""

    schema: str
    out: Path
    images: int = field(metadata={"json": "pictures"})  # predicted now
    videos: int  # predicted now
    earlier: int  # images and videos that an earlier run finished
    faces: int
    without_face: int  # images
    skipped: dict[str, str]  # file -> reason
    left_out: dict[str, int] = field(default_factory=dict)  # kind of file -> how many in the folders are no input
    silent: dict[str, str] = field(default_factory=dict)  # video whose overlay has no sound -> reason
    credits: tuple[str, ...] = ()  # whom to credit for the free set, where it predicted


class Items(NamedTuple):
    items: list[Item]
    left_out: "Counter[str]"  # files in the folders that are no input: kind -> number


def find_items(paths: Iterable[Path], out: Path) -> list[Item]:
    """As `look_for` finds them."""
    return look_for(paths, out).items


def look_for(paths: Iterable[Path], out: Path) -> Items:
    """The images and videos at `paths`; folders are searched with their subfolders, by name, except for `out`.

    Files of one name get as much of their path before it as tells them apart. Raises UsageError for a path that does
    not exist or a file of another kind.
    """
    items: list[Item] = []
    left_out = Counter[str]()
    for path in paths:
        if os.path.isdir(path):
            # What an earlier run wrote is no input of this one.
            found = media_in(path, out)
            items += [Item(inner, inner.relative_to(path).as_posix()) for inner in found.files]
            left_out += found.left_out
        elif not os.path.exists(path):
            if re.match(r"[a-z]+:/", str(path)):  # a path has lost one of the address's slashes
                hint = "a stream is played and recorded by: edgefkp demo --display file --source ADDRESS"
                raise UsageError("an address is no file", hint)
            raise UsageError(f"no file or folder at {path}", "give images, folders or videos")
        elif not os.path.isfile(path) or not (is_image(path) or is_video(path)):
            raise UsageError(f"{path} is neither an image nor a video by its suffix", "convert it to .png or .mp4")
        else:
            items.append(Item(path, path.name))
    items = _told_apart(items)
    for item in items:
        if item.path.resolve() in (overlay_file(item, out).resolve(), overlay_video(item, out).resolve()):
            raise UsageError(f"{item.path} would be overwritten by its overlay", "choose another folder: --out")
    if not items:
        there = f": {named(left_out)}" if left_out else ""
        known = " ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
        raise UsageError(f"there is no image or video in what was given{there}", f"known: {known}")
    return Items(items, left_out)


def _told_apart(items: list[Item]) -> list[Item]:
    """The items, each file once, with names of their own: those that share one get more of the folders before it."""
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(os.path.abspath(item.path), item)
    items = list(first.values())
    while shared := {name for name, count in Counter(shown(item.name) for item in items).items() if count > 1}:
        longer = [_longer(item) if shown(item.name) in shared else item for item in items]
        if longer == items:
            raise UsageError(f"{min(shared)!r} names two files", "predict them into two folders: --out")
        items = longer
    return items


def _longer(item: Item) -> Item:
    """With one more folder in its name."""
    parts = Path(os.path.abspath(item.path)).parts[1:]
    return replace(item, name="/".join(parts[-min(len(parts), len(Path(item.name).parts) + 1) :]))


def predict(
    items: list[Item],
    settings: PredictSettings,
    workers: int = 1,
    done: Callable[[Item], None] = lambda item: None,
    detector: KeypointDetector | None = None,
) -> Predicted:
    """Predict the items that are not finished yet in `settings.out`, in `workers` processes beside this one.

    done: called with each item that is finished or skipped. detector: that of the settings, where it is open already.
    A file that cannot be read, or that ends or holds up its worker, is skipped and listed. Raises EdgefkpError for an
    OUT that cannot be written, that belongs to other settings or to other files, or that another process writes into.
    """
    detector = detector or settings.detector()
    layout = settings.points_of(detector)
    images = [item for item in items if not is_video(item.path)]
    videos = [item for item in items if is_video(item.path)]
    missing_videos: list[Item] = []
    skipped: dict[str, str] = {}
    silent: dict[str, str] = {}
    count = without = predicted = predicted_videos = 0
    written = [points_file(settings.out, settings.table), settings.out / "faces"]
    written += [points_file(settings.out, settings.table, item.name) for item in videos]
    written += [settings.out / COCO_FILE] if settings.table == "coco" else []
    with Ledger(settings.out, settings.identity(detector), written) as ledger:
        changed = {shown(item.name) for item in items if not _holds(item, settings, ledger)}
        keep = (ledger.hashes.keys() - changed).__contains__
        deviation = bool(detector.spec.output.deviation)
        with PointsWriter(settings.out, settings.table, layout, keep, deviation) as table:
            missing = [item for item in images if shown(item.name) not in table.done]
            earlier = len(images) - len(missing)
            with contextlib.closing(in_workers(missing, settings, workers)) as outcomes:
                for item, outcome in outcomes:
                    name = shown(item.name)
                    if outcome.rows is None:
                        skipped[name] = outcome.reason
                    else:
                        table.write(name, outcome.rows)
                        ledger.add(name, outcome.sha256)
                        predicted += 1
                        count += outcome.faces
                        without += not outcome.faces
                    done(item)
        for item in videos:
            if shown(item.name) not in changed and points_file(settings.out, settings.table, item.name).exists():
                earlier += 1
                done(item)
            else:
                missing_videos.append(item)
        with contextlib.closing(in_workers(missing_videos, settings, workers)) as outcomes:
            for item, outcome in outcomes:
                name = shown(item.name)
                if outcome.rows is None:
                    skipped[name] = outcome.reason
                else:
                    silent |= {name: outcome.silence} if outcome.silence else {}
                    ledger.add(name, outcome.sha256)
                    predicted_videos += 1
                    count += outcome.faces
                done(item)
    if settings.table == "coco":
        write_coco(points_file(settings.out, settings.table), images, layout, settings.out)
    return Predicted(SCHEMA, settings.out, predicted, predicted_videos, earlier, count, without, skipped, silent=silent)


def _holds(item: Item, settings: PredictSettings, ledger: Ledger) -> bool:
    """An earlier run predicted this very content, and what it drew is there."""
    earlier = ledger.hashes.get(shown(item.name))
    if earlier is None:
        return False
    overlay = (overlay_video if is_video(item.path) else overlay_file)(item, settings.out)
    try:
        return (not settings.overlays or overlay.exists()) and sha256_file(item.path) == earlier
    except (OSError, EdgefkpError):
        return False
