"""The commands that are killed, and the folders that they work in."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.data.synthetic import draw_all

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "tests/fixtures/tiny.float32.tflite"


@dataclass(frozen=True)
class Target:
    """A command that is killed."""

    name: str
    make: Callable[[Path], None]  # fills the folder with its inputs
    arguments: tuple[str, ...]  # of edgefkp, in that folder
    resume: tuple[str, ...] = ()  # what is added when it is run again
    cells: int = 0  # edgefkp study: training images of a cell, in place of the grid's
    needs: str = ""  # the package that it takes


def _images(folder: Path) -> None:
    import cv2

    (folder / "in").mkdir()
    for number, image in enumerate(draw_all(40)[0]):
        cv2.imwrite(str(folder / f"in/{number:02d}.png"), image)


def _tiny(folder: Path) -> None:
    shutil.copy(TINY, folder / "tiny.tflite")


def _faces(folder: Path) -> None:
    images, keypoints = draw_all(60)
    groups = np.array([f"person {number % 10}" for number in range(60)])
    np.savez(folder / "drawn.npz", images=images, keypoints=keypoints, group=groups)


def _network(folder: Path) -> None:
    _faces(folder)
    (folder / "models").mkdir()
    for suffix in (".keras", ".json"):
        shutil.copy(ROOT / f"models/nano-masked-online{suffix}", folder / "models")


PREDICT = ("predict", "in", "--model", str(TINY), "--finder", "whole-image")
BENCH = ("bench", "tiny.tflite", "--processes", "2", "--seconds", "0.05", "--mode", "invoke", "--name", "r")
DRAWN = ("--data", "drawn.npz")
RUN = ("--models", "nano", "--images", "200", "--quick", "--out", "out")
STUDY = ("--only", "manual-drop", "--weights", "none", "--out", "study", "--work", "work")
TUNE = ("--trials", "2", "--images", "300", "--objective", "rmse", "--objective", "kb", "--out", "out")
TARGETS = (
    Target("predict", _images, PREDICT),
    Target("bench", _tiny, BENCH),
    Target("data convert", _faces, ("data", "convert", "drawn.npz", "--to", "coco", "--out", "out"), ("--replace",)),
    Target("train", _faces, ("train", "nano", *DRAWN, "--images", "600"), ("--resume",), needs="keras"),
    Target("fine-tune", _faces, ("train", "small", "--from", "small", *DRAWN), ("--resume",), needs="keras"),
    Target("export", _network, ("export", "nano-masked-online", *DRAWN), needs="keras"),
    Target("run", _faces, ("run", *DRAWN, *RUN), needs="keras"),
    Target("study", _faces, ("study", "run", *DRAWN, *STUDY), cells=120, needs="keras"),
    Target("tune", _faces, ("tune", *DRAWN, *TUNE), needs="optuna"),
)
NAMES = tuple(target.name for target in TARGETS)
START = "from edgefkp.cli import main; from edgefkp.study import grid; grid.IMAGES = {images}; main()"
