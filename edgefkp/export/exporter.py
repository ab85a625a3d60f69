"""Export: every .keras in, verified .tflite files with cards out."""

from collections.abc import Sequence
from pathlib import Path

from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError
from edgefkp.export.job import ExportJob
from edgefkp.export.model_card import write_model_card
from edgefkp.export.options import ExportOptions, ExportProgress


def find_networks(names: Sequence[str], folder: Path) -> list[Path]:
    """The .keras files called `names` (paths, or models in `folder`); without names all of `folder`.

    Raises EdgefkpError for a name that is not there, or an empty folder.
    """
    if not names:
        found = sorted(folder.glob("*.keras"))
        if not found:
            raise EdgefkpError(f"there is no .keras file in {folder}", "train one first: edgefkp train small")
        return found
    return [_find(name, folder) for name in names]


def _find(name: str, folder: Path) -> Path:
    for path in (Path(name), folder / f"{name}.keras"):
        if path.is_file() and path.suffix == ".keras":
            return path
    known = ", ".join(path.stem for path in sorted(folder.glob("*.keras"))) or "nothing"
    raise EdgefkpError(f"no network '{name}': neither a .keras file nor a model in {folder}", f"there is: {known}")


def export_network(
    path: Path,
    out: Path,
    schemes: Sequence[str],
    source: Dataset,
    options: ExportOptions | None = None,
    progress: ExportProgress | None = None,
) -> list[Path]:
    """Convert one .keras file by each scheme into `out`, verify each file, compare it with the network, write cards.

    source: its training persons calibrate the integer schemes, its labeled test faces measure parity.
    Files made before from the same bytes in the same way are left as they are.
    Raises EdgefkpError for a file that is not what its name claims or cannot run on the target.
    """
    progress = progress or ExportProgress()
    job = ExportJob(path, source, options or ExportOptions(), progress)
    written = []
    for scheme in schemes:
        try:
            written.append(job.export(scheme, out))
        except EdgefkpError as error:
            if progress.on_refused is None:
                raise
            progress.on_refused(error)
    if written:
        write_model_card(path.stem, out)
    return written
