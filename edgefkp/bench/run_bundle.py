"""Run a bundle on the board: python3 -m edgefkp.bench.run_bundle FOLDER RESULT.json [--trust]

Needs numpy and a runtime only; the end-to-end clock needs OpenCV. Progress goes to stderr; errors are
two lines there, as everywhere.
"""

from __future__ import annotations

import signal
import sys
from datetime import datetime, timezone
from pathlib import Path

from edgefkp.bench.doctor import PYTHONS
from edgefkp.errors import ENVIRONMENT, EdgefkpError

if sys.version_info[:2] < PYTHONS[0]:  # the modules below would fail with a SyntaxError
    found = ".".join(map(str, sys.version_info[:2]))
    print(f"error: Python {found} is too old; 3.10 to 3.13 are taken\nhint:  docs/BOARD.md", file=sys.stderr)
    sys.exit(ENVIRONMENT)
try:
    from edgefkp.bench import harness, result, unbundle
    from edgefkp.bench.device import Device
    from edgefkp.bench.plan import Schedule
    from edgefkp.bench.store import discard, partial_folder
    from edgefkp.runtime import signals
except ImportError as error:  # numpy is missing, or too old
    print(f"error: {error}\nhint:  python3 -m edgefkp.bench.doctor lists what is missing", file=sys.stderr)
    sys.exit(ENVIRONMENT)


def run(folder: Path, out: Path, trust: bool = False) -> None:
    """Measure the bundle in `folder` and write the result; a run that was cut off resumes."""
    opened = unbundle.open_folder(folder, trust)
    job = opened.cases, opened.images, opened.settings
    partial = partial_folder(folder, *job)
    name = datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    device = Device("board")  # whoever sent the bundle knows its name
    measured = harness.measure(*job, name, device, partial, _announce, _progress, reference=opened.reference)
    result.save(measured, out)
    discard(partial)


def _announce(schedule: Schedule, seconds: float) -> None:
    _log(f"plan: {len(schedule)} processes, about {seconds:.0f} s")


def _progress(done: int, total: int, label: str) -> None:
    _log(f"{done}/{total} {label}")


def _log(text: str) -> None:
    """A line on stderr. If nobody reads it any more (the connection broke), this ends the run."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    signals.unwind_on_signals()
    folder, out, *more = sys.argv[1:]
    try:
        run(Path(folder), Path(out), trust=more == ["--trust"])
    except EdgefkpError as error:
        _log(f"error: {error.message}" + (f"\nhint:  {error.hint}" if error.hint else ""))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(128 + (signals.received() or signal.SIGINT))


if __name__ == "__main__":
    main()
