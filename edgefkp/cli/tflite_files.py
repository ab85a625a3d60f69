"""Which .tflite files a command works on."""

from pathlib import Path

from edgefkp.cli.options import log
from edgefkp.errors import EdgefkpError
from edgefkp.files import visible


def tflite_files(paths: tuple[Path, ...], folder: Path = Path("export")) -> list[Path]:
    """The files named, a shipped one by its name alone, and those in the folders named, each once.

    Without `paths` those of `folder`, or what `shipped.unnamed` finds, and a line on stderr about that.
    Raises EdgefkpError if no file is found.
    """
    from edgefkp.runtime import shipped

    found: list[Path] = []
    if not paths:
        found, choice = shipped.unnamed(folder, ".tflite")
        if choice:
            log(choice)
    for path in paths:
        found += visible(path, "*.tflite") if path.is_dir() else [path if path.exists() else shipped.find_model(path)]
    if not found:
        where = ", ".join(str(path) for path in paths)
        hint = "make one with edgefkp export, or pass files: FILE.tflite"
        raise EdgefkpError(f"there is no .tflite file in {where}", hint)
    return list(dict.fromkeys(found))
