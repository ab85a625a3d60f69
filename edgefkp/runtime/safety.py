"""Is a .tflite file safe to load? Tried first in a child process, which a malformed file may kill.

Overwritten bytes make an interpreter end in a segmentation fault or hang, and no exception can be caught in the same
process. A file that passed once is remembered by its hash for this runtime and version. Bytes altered after the export
may also load and give other numbers without a word: the hash in the card beside the file shows those.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from edgefkp.card import require_card_hash
from edgefkp.errors import EdgefkpError
from edgefkp.files import cache_dir, read_json, sha256_file, write_text
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime.graph import require_tflite

# Seconds for import, load and one inference in the child. The largest network of the paper needs 1 s on a slow board.
LIMIT = {"litert": 30, "tflite-runtime": 30, "tensorflow": 120}


def check(path: Path | str, runtime: str | None = None) -> None:
    """Return where `path` loads and runs one inference in a child process, or did so before.

    Raises EdgefkpError where the file is damaged, was altered since its export, or does not run.
    """
    path = Path(path)
    require_tflite(path)
    digest = sha256_file(path)
    require_card_hash(path, digest)
    info = runtimes.choose(runtime)
    passed = cache_dir() / "probed" / f"{digest}-{info.name}-{info.version}"
    if digest in _shipped() or passed.exists():
        return
    _try_in_child(path, info.name)
    with contextlib.suppress(EdgefkpError):  # an unwritable cache only means that the file is tried again
        write_text(passed, "")


def _shipped() -> set[str]:
    """Hashes of the files that come with the package; they were tried when it was made."""
    cards = (Path(__file__).parent / "shipped").glob("*.json")
    return {read_json(card).get("sha256", "") for card in cards}


def child_environment() -> dict[str, str]:
    """The environment in which a child of this interpreter finds this very package, installed or not."""
    places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in places if place)}


def _try_in_child(path: Path, runtime: str) -> None:
    try:
        child = subprocess.run(
            [sys.executable, "-c", "from edgefkp.runtime.safety import main; main()", str(path), runtime],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT[runtime],
            env=child_environment(),
        )
    except subprocess.TimeoutExpired:
        raise EdgefkpError(
            f"{path} is damaged: {runtime} hangs on it (no inference within {LIMIT[runtime]} s)",
            "export or copy it again",
        ) from None
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise EdgefkpError(f"{path} is damaged: it kills {runtime} ({name})", "export or copy it again")
    if child.returncode:
        raise _error_of_child(path, child.stdout, child.stderr)


def _error_of_child(path: Path, out: str, complaint: str) -> EdgefkpError:
    try:
        told = json.loads(out.splitlines()[-1])
        return EdgefkpError(told["message"], told["hint"])
    except (ValueError, IndexError, KeyError, TypeError):
        last = (complaint.strip() or "no message").splitlines()[-1]
        return EdgefkpError(f"{path} cannot be run: {last}", "export or copy it again")


def main() -> None:
    """The child: one inference on zeros. Its last line on stdout is the error as JSON."""
    path, runtime = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the crash of a damaged file leaves no core file behind
    try:
        model = runtimes.load(path, runtime)
        for which, detail in enumerate(model.inputs):
            model.set(np.zeros(detail["shape"], detail["dtype"]), which)
        model.invoke()
        outputs = [model.get(which) for which in range(len(model.outputs))]
        if not all(np.isfinite(output).all() for output in outputs if output.dtype.kind == "f"):
            raise EdgefkpError(f"{path} puts out values that are not numbers", "export or copy it again")
    except EdgefkpError as error:
        print(json.dumps({"message": error.message, "hint": error.hint}))
        sys.exit(1)
    except (RuntimeError, ValueError, SystemError) as error:
        cause = (str(error) or type(error).__name__).splitlines()[0]
        message = f"{path} is damaged: {runtime} cannot run it ({cause})"
        print(json.dumps({"message": message, "hint": "export or copy it again"}))
        sys.exit(1)
