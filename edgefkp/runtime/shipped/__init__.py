"""The models that come with the package: a network, its .tflite files with their cards, and their reference vectors."""

from pathlib import Path

from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError
from edgefkp.files import visible

FOLDER = Path(__file__).parent
VECTORS = FOLDER / "golden.npz"  # see runtime/reference_vectors
DEFAULT = "small-masked-online.float32"  # what KeypointDetector(), predict and demo use when no model is named


def models(suffix: str = ".tflite") -> list[Path]:
    """Every shipped .tflite or .keras file, the default first."""
    return sorted(FOLDER.glob(f"*{suffix}"), key=lambda path: (path.stem != DEFAULT, path.name))


def hashes() -> set[str]:
    """SHA-256 of the shipped files, by their cards; they were tried when the package was made."""
    return {card.sha256 for path in (*models(), *models(".keras")) if (card := read_card(path))}


def find_model(name: Path | str | None = None) -> Path:
    """The file of a model: None = the default, else a path, or a shipped file's name, with or without .tflite, as
    `edgefkp models` lists it ("shipped/NAME") or alone.

    Raises EdgefkpError if there is no such file.
    """
    if name is None:
        if present := models():
            return present[0]
        raise EdgefkpError(
            "this edgefkp was packed without a model",
            "give one: --model FILE.tflite, or KeypointDetector('FILE.tflite'); edgefkp export makes them",
        )
    if Path(name).is_file():
        return Path(name)
    plain = str(name).removeprefix(f"{FOLDER.name}/")
    for path in (*models(), *models(".keras")):
        if plain in (path.name, path.stem if path.suffix == ".tflite" else path.name):
            return path
    names = ", ".join(path.stem for path in models()) or "none"
    raise EdgefkpError(f"no model file at {name}", f"give a .tflite file, or a model that comes with edgefkp: {names}")


def unnamed(folder: Path, suffix: str) -> tuple[list[Path], str]:
    """What a command works on that no file was named for: those of `folder`, else a lone one in the current folder,
    else the shipped ones; and a line about that choice, which is empty for the first."""
    if found := visible(folder, f"*{suffix}"):
        return found, ""
    if len(found := visible(Path(), f"*{suffix}")) == 1:
        return found, f"taking {found[0]}: there is no {suffix} file in {folder}/"
    found = models(suffix)
    names = ", ".join(path.name for path in found)
    return found, f"taking what comes with edgefkp ({names}): there is no {suffix} file in {folder}/"
