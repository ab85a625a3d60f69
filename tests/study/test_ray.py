"""Cells on a real Ray cluster of two nodes, one of which is killed while it works."""

import os
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from edgefkp.study.grid import select
from tests.study.fake_crew import NAMES, ROOT, running, scored, starts, until


def alone(*command: str) -> list[str]:
    """The command in a network namespace of its own, where Ray binds loopback only; as it is where that is barred."""
    if shutil.which("unshare") and not subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        return ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *command]
    return list(command)


@pytest.mark.ray
def test_the_cell_of_a_killed_node_runs_again(study):
    pytest.importorskip("ray")
    folders = (str(study.out), str(study.work))
    process = subprocess.Popen(
        alone(sys.executable, "-m", "tests.study.fake_cluster", study.data, *folders, ",".join(NAMES)),
        cwd=ROOT,
        env={**os.environ, "FAKE_SECONDS": "5", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdin is not None
    until(lambda: len(starts(study)) == 2, 120)  # the trainings, not only the claims
    begun = running(study)
    process.stdin.write("kill\n")
    process.stdin.flush()
    output, _ = process.communicate(timeout=180)
    assert process.returncode == 0, output
    assert f"[{len(select(NAMES))}/{len(NAMES)}]" in output
    twice = starts(study) - Counter(NAMES)
    assert len(twice) == 1  # the killed node's cell, and no other
    assert set(twice) <= set(begun)
    assert scored(study) == NAMES
