"""A scratch folder goes with its block, or with the next one where its process was killed."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from edgefkp.runtime.scratch import scratch_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_it_goes_with_its_block(temporary):
    def block() -> None:
        with scratch_folder() as folder:
            (folder / "left").mkdir()
            assert folder.parent == temporary
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        block()
    assert list(temporary.iterdir()) == []


def test_that_of_a_killed_process_goes_with_the_next_and_that_of_a_living_one_stays(temporary):
    program = """
import os, signal
from pathlib import Path
from edgefkp.runtime.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "left").touch()
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    killed = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL
    assert Path(killed.stdout.strip(), "left").exists()
    (temporary / "edgefkp-scratch-link").symlink_to(ROOT)
    with scratch_folder() as first, scratch_folder() as second:
        assert {first, second} == {path for path in temporary.iterdir() if not path.is_symlink()}
    assert (ROOT / "edgefkp").is_dir()


def test_processes_that_begin_at_once_do_not_sweep_up_each_others(temporary):
    program = """
from edgefkp.runtime.scratch import scratch_folder
for number in range(150):
    with scratch_folder() as folder:
        (folder / "mine").write_text("x")
"""
    environment = {**os.environ, "TMPDIR": str(temporary)}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[1] for process in processes] == [""] * 4
    assert list(temporary.iterdir()) == []
