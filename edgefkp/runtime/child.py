"""Runs a .tflite file over many pictures in a process of its own.

The file may kill its process, interpreters of different packages cannot live in one process with TensorFlow, and the
process may be another Python: that of an Arm userland, or of another environment.
"""

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgefkp.errors import EdgefkpError
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.safety import child_environment

_EVERY = 25  # pictures between two signs of life


@dataclass(frozen=True, eq=False)
class Answers:
    """keypoints: (N, 15, 2) float32 pixels. outputs: (N, 30) in the file's own type."""

    runtime: str
    version: str
    machine: str
    keypoints: np.ndarray
    outputs: np.ndarray


def answers(
    path: Path | str,
    images: np.ndarray,
    runtime: str | None = None,
    python: str | None = None,
    progress: Callable[[int], None] = lambda count: None,
) -> Answers:
    """Ask the file about (N, 96, 96) uint8 images. python: the interpreter that runs it, this one by default.

    Raises EdgefkpError where the file cannot be run, with its runtime's reason.
    """
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix="edgefkp-child-") as folder:
        asked, answered = Path(folder) / "images.npy", Path(folder) / "answers.npz"
        np.save(asked, images)
        command = [python or sys.executable, "-c", "from edgefkp.runtime.child import main; main()"]
        with (
            open(Path(folder) / "stderr", "w+b") as complaint,
            subprocess.Popen(
                [*command, str(path.absolute()), runtime or "", str(asked), str(answered)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaint,
                env=child_environment(),
                text=True,
            ) as child,
        ):
            told = {}
            for line in child.stdout or ():
                if line.startswith("{"):
                    told = json.loads(line)
                else:
                    progress(int(line))
            child.wait()
            complaint.seek(0)
            last = complaint.read().decode("utf-8", "replace").strip().splitlines()[-1:]
        if child.returncode or not answered.exists():
            reason = told.get("message") or f"{path.name} cannot be run: {''.join(last) or 'its process was killed'}"
            raise EdgefkpError(reason, told.get("hint", "export or copy it again"))
        with np.load(answered) as stored:
            return Answers(told["runtime"], told["version"], told["machine"], stored["keypoints"], stored["outputs"])


def main() -> None:
    """The child: a number on stdout now and then for the pictures done since; the last line is JSON."""
    import platform

    path, runtime, asked, answered = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        model = runtimes.load(path, runtime or None)
        images = np.load(asked)
        outputs = []
        for number, tensor in enumerate(model.tensors(images), 1):
            model.set(tensor)
            model.invoke()
            outputs.append(model.get().reshape(-1))
            if number % _EVERY == 0:
                print(_EVERY, flush=True)
        print(len(images) % _EVERY, flush=True)
        stacked = np.stack(outputs)
        np.savez(answered, keypoints=model.keypoints(stacked), outputs=stacked)
        print(json.dumps({"runtime": model.runtime, "version": model.version, "machine": platform.machine()}))
    except EdgefkpError as error:
        print(json.dumps({"message": error.message, "hint": error.hint}))
        sys.exit(1)
