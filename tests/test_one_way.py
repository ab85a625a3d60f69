"""One answer to each question: what reads foreign files, lists folders and starts programs stands in few files."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edgefkp"
# What is called -> where it may be. Anything else has a reader of its own, with faults of its own.
ALLOWED = {
    r"json\.loads?\(": {
        "files.py",  # the reader
        "runtime/child.py",  # what this package's own process sends
        "detect/points_table.py",  # lines that may be cut off
        "detect/growing.py",
        "bench/monitor.py",
        "bench/summary.py",  # within arrays that were read by the reader
        "bench/timed_images.py",
        "data/formats/npz.py",
        "detect/predicted_coco.py",  # the table of the same run
        "bench/devices/ssh.py",  # a board's answer, checked there
    },
    r"np\.load\(": {
        "runtime/child.py",
        "detect/presence.py",  # files of the package
        "demo/browser.py",
        "demo/browser_finder.py",
        "bench/timed_images.py",
        "bench/worker.py",  # made by the harness a moment ago
    },
    r"ZipFile\(": {"files.py", "card.py", "data/arrays.py", "bench/bundle.py", "bench/unbundle.py"},
    r"cv2\.(imread|imdecode)\(": {"data/images.py", "evaluation/robustness.py", "detect/detector.py"},
    r"VideoCapture\(": {
        "detect/media.py",
        "demo/cameras.py",
        "demo/streams.py",
        "data/images.py",  # the first frame of a GIF, for an OpenCV that reads none as an image
    },
    r"cv2\.(VideoWriter|imwrite)\(": {"detect/encoders.py"},
    r"Popen\(|subprocess\.run\(|os\.(system|exec\w*|fork)\(": {
        "runtime/isolate.py",
        "runtime/supervisor.py",
        "bench/devices/ssh.py",
        "bench/monitor.py",
        "detect/encoders.py",  # ffmpeg
        "detect/sound.py",
        "export/npu.py",  # Vela
    },
    r"\.r?glob\(|\.iterdir\(|os\.(listdir|scandir|walk)\(": {
        "files.py",  # visible: the lister of files
        "runtime/scratch.py",
        "runtime/passed.py",  # files of the package
        "runtime/shipped/__init__.py",
        "training/recipe.py",
        "bench/payload.py",
        "demo/browser.py",
        "detect/growing.py",  # is there anything?
        "data/written/__init__.py",
        "data/formats/pts.py",
        "data/formats/zipped.py",  # a folder that it has made
        "data/photo_folder.py",  # follows links to folders, with an end
        "bench/store.py",
        "bench/bundle.py",  # a folder that it has made
        "bench/devices/ssh.py",
        "demo/cameras.py",  # of /dev
        "demo/v4l.py",  # of /sys and /proc
        "demo/screen.py",  # OpenCV's own plugins
        "detect/finders/yunet.py",  # of an installed package
        "detect/folders.py",  # follows links to folders once, and counts what it leaves out
        "export/npu.py",  # a folder that it has made
        "bench/monitor.py",
        "bench/doctor.py",  # libraries of an installed package
        "detect/free.py",  # files of the package
        "cli/cache.py",  # what takes room, hidden or not
    },
    r"TemporaryDirectory\(|mkdtemp\(": {"runtime/scratch.py", "bench/store.py", "data/formats/zipped.py"},
    r"shell=True|pickle\.|(?<!\.)\beval\(|mktemp\(": {"export/sources/torch.py"},  # refuses what would be unpickled
}


@pytest.mark.parametrize("called", ALLOWED)
def test_what_has_one_way_is_done_in_no_other(called: str) -> None:
    files = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    found = {name for name, text in files.items() if re.search(called, text)}
    assert found == ALLOWED[called]
