"""Cards: the JSON beside every model file, with what it is, where it came from and what it scored."""

import contextlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError
from edgefkp.files import LARGEST, json_text, opened_zip, parse_json, read_json, replacing, sha256_file, write_json
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec, OutputSpec, PointLayout
from edgefkp.records import json_name, read_record

SCHEMA = "edgefkp.card/1"
NETWORK, TFLITE = "network", "tflite"  # kinds of a card
# Metadata of a field with the terms of data: files of the first version spell them another way.
TERMS = {"json": "licence", "read": lambda text: text.replace("licence", "license")}
_MADE_AGAIN = "delete it, or train or export the file again"
_LARGEST = 8 << 30  # bytes of an unpacked .keras
_MEMBER = "edgefkp_card.json"  # a .keras file is a zip; the card travels inside it as well


@dataclass(frozen=True)
class CardData:
    """What a model was trained on."""

    name: str
    hash: str  # of the training faces' pixels and points
    split: str  # hash of who is in which part
    faces: dict[str, int]  # train, treated (after imputation and augmentation), validation
    persons: dict[str, int]
    license: str = field(metadata=TERMS)
    # How its points were read: what differs from the defaults of edgefkp.data.labels.options.
    labels: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Without `labels` where the points were taken as they are."""
        stored = {json_name(one): getattr(self, one.name) for one in fields(self)}
        return stored if self.labels else {name: value for name, value in stored.items() if name != "labels"}


@dataclass(frozen=True)
class CardStart:
    """The trained network that a training started from."""

    file: str
    sha256: str
    data: str | None  # name of what it was trained on; None if its card does not name it
    license: str = field(metadata=TERMS)  # the terms of that: the new model inherits them


@dataclass(frozen=True)
class Card:
    """The card of a .keras (kind "network") or of a .tflite file. Fields that do not apply keep their defaults, and
    are not written."""

    kind: str
    model: str  # <network>-<imputation>[-<augmentation>], as in the file's name
    key: str = ""  # hash of everything that decides the file
    layout: PointLayout = KAGGLE15
    input: InputSpec = InputSpec()  # noqa: RUF009
    output: OutputSpec = OutputSpec()  # noqa: RUF009
    network: str = ""  # the architecture's name; "" for a network of the user's own
    imputation: str = field(default="", metadata={"json": "treatment"})
    augment: str = ""
    weights: str | None = None  # name of the pretrained weights that training started from
    start: CardStart | None = None  # the trained network that a fine-tuning started from
    parameters: int = 0
    macs: int = 0  # multiply-accumulates for one image
    data: CardData | None = None
    training: dict[str, Any] = field(default_factory=dict)  # recipe, plan, best epoch, teachers
    metrics: dict[str, float] = field(default_factory=dict)  # RMSE in pixels
    history: list[dict[str, Any]] = field(default_factory=list)  # a row for each epoch
    # Of a .tflite:
    # "input", "output" -> what shows its range or units, where the network had no card: "--input-range", a layer.
    contract: dict[str, str] = field(default_factory=dict)
    scheme: str = ""
    u8: bool = False  # takes pixels as bytes
    target: str | None = None  # what it was exported for
    runs_on: list[str] | None = None  # runtimes that have all its operators
    ran_on: list[str] = field(default_factory=list)  # installed runtimes that ran it at export
    keep_float: list[str] = field(default_factory=list)  # layers that stay float on purpose
    per_tensor_dense: bool = False
    alternative: dict[str, Any] | None = None  # edgefkp.export.target_cost: the file that another target would get
    parent: str | None = None  # the .keras that it was made from
    parent_sha256: str | None = None
    parent_bytes: int | None = None
    imported: dict[str, str] | None = None  # of another's network: from, source, license
    calibration: dict[str, Any] | None = None
    bias_correction: dict[str, Any] | None = None
    inspection: dict[str, Any] | None = None  # edgefkp.inspection, without what the card itself holds
    parity: dict[str, Any] | None = None  # edgefkp.parity
    golden: dict[str, Any] | None = None  # a larger limit for the reference vectors, and its cause
    micro: dict[str, Any] | None = None  # what the file needs on a microcontroller
    npu: dict[str, Any] | None = None  # by target: edgefkp.export.npu, the compiler's estimate
    versions: dict[str, str] = field(default_factory=dict)
    # Of the file itself, filled in by `write_with_card`:
    file: str = ""
    bytes: int = 0
    sha256: str = ""
    schema: str = SCHEMA

    @property
    def spec(self) -> ModelSpec:
        return ModelSpec(self.layout, self.input, self.output)

    @property
    def data_name(self) -> str | None:
        return self.data.name if self.data else None

    def to_json(self) -> dict[str, Any]:
        """Without the fields that have their defaults; what every card has comes first."""
        always = ("schema", "kind", "model", "layout", "input", "output")
        blank = Card(self.kind, self.model)
        names = dict.fromkeys((*always, *(one.name for one in fields(self))))
        keys = {one.name: json_name(one) for one in fields(self)}
        return {
            keys[name]: getattr(self, name)
            for name in names
            if name in always or getattr(self, name) != getattr(blank, name)
        }


def card_path(model: Path | str) -> Path:
    """models/small-masked.keras -> models/small-masked.json; x.int8.tflite -> x.int8.json."""
    return Path(model).with_suffix(".json")


def write_with_card(model: Path, card: Card, write: Callable[[Path], Any]) -> Card:
    """Let `write` make the file under a temporary name, then put card and file in their places, the card first.

    So no file is ever seen without its card. The finished file waits under a name of its own (`_waiting`) until its
    card is in place: a process that is killed between the two leaves what the next reader of the card finishes.
    Returns the card with the file's name, size and SHA-256.
    Raises EdgefkpError if the folder cannot be written; `model` is then as it was.
    """
    waiting = _waiting(model)
    try:
        with replacing(waiting) as temporary:
            write(temporary)
            if model.suffix == ".keras":
                with zipfile.ZipFile(temporary, "a") as archive:
                    archive.writestr(_MEMBER, json_text(card))
            card = replace(card, file=model.name, bytes=temporary.stat().st_size, sha256=sha256_file(temporary))
        write_json(card_path(model), card)
    except EdgefkpError as error:
        error.message = error.message.replace(str(waiting), str(model))
        raise
    finally:
        _finish_cut_off(model)
        waiting.unlink(missing_ok=True)
    return _read_back(model)


def _waiting(model: Path) -> Path:
    return model.with_name(f".{model.stem}.waiting{model.suffix}")


def _finish_cut_off(model: Path) -> None:
    """Put the file that waits in its place if the card there is already its own."""
    waiting = _waiting(model)
    with contextlib.suppress(OSError, EdgefkpError, AttributeError):  # another process was first
        if waiting.exists() and read_json(card_path(model)).get("sha256") == sha256_file(waiting):
            waiting.replace(model)


def write_card(model: Path, card: Card) -> Card:
    """Write another card for `model`, which stays as it is."""
    card = replace(card, file=model.name, bytes=model.stat().st_size, sha256=sha256_file(model))
    write_json(card_path(model), card)
    return _read_back(model)


def restate(model: Path, card: Card) -> Card:
    """Write another card beside and into the .keras at `model`, whose network stays as it is."""

    def copy(target: Path) -> None:
        with (
            opened_zip(model, "a whole .keras file", _MADE_AGAIN, _LARGEST) as old,
            zipfile.ZipFile(target, "w") as new,
        ):
            for member in old.infolist():
                if member.filename != _MEMBER:
                    new.writestr(member, old.read(member))

    return write_with_card(model, card, copy)


def _read_back(model: Path) -> Card:
    card = read_card(model)  # as everybody else will see it: numbers are rounded in the file
    assert card is not None
    return card


def read_card(model: Path | str) -> Card | None:
    """The card beside `model`, or inside a .keras that was moved without it; None without either.

    Raises EdgefkpError for a card that is not JSON or has values of other types.
    """
    model = Path(model)
    _finish_cut_off(model)
    if card_path(model).exists():
        return _card(read_json(card_path(model)), card_path(model))
    return _card_inside(model)


def _card_inside(model: Path) -> Card | None:
    """The card in a .keras; None without one. Raises EdgefkpError if it is damaged."""
    if model.suffix == ".keras" and (content := _inside(model)) is not None:
        return _card(parse_json(content, f"the card in {model}", _MADE_AGAIN), model)
    return None


def readable_cards(model: Path) -> list[Card]:
    """The card beside the file and the one inside, without those that are not there or damaged."""
    found = []
    for read in (read_card, _card_inside):
        with contextlib.suppress(EdgefkpError):
            if card := read(model):
                found.append(card)
    return found


def is_whole_zip(path: Path) -> bool:
    try:
        with opened_zip(path, "a whole .keras file", _MADE_AGAIN, _LARGEST) as archive:
            return archive.testzip() is None
    except EdgefkpError:
        return False


def _inside(model: Path) -> bytes | None:
    """The card in a .keras; None for a file that is no zip, which the reader of networks refuses by its own words."""
    if not model.is_file() or not zipfile.is_zipfile(model):
        return None
    with opened_zip(model, "a whole .keras file", _MADE_AGAIN, _LARGEST) as archive:
        if _MEMBER not in archive.namelist():
            return None
        with archive.open(_MEMBER) as member:
            return member.read(LARGEST)


def _card(stored: Any, path: Path) -> Card | None:
    if not isinstance(stored, dict) or not str(stored.get("schema", "")).startswith("edgefkp.card/"):
        return None
    return read_record(Card, stored, str(path), _MADE_AGAIN)


def require_card_hash(path: Path, digest: str) -> None:
    """Raise EdgefkpError where the card beside `path` names another sha256 than `digest`."""
    card = read_card(path) if card_path(path).is_file() else None
    if card and card.sha256 and card.sha256 != digest:
        raise EdgefkpError(
            f"{path} is not the file that its card {card_path(path).name} describes: sha256 {digest[:12]}..., "
            f"expected {card.sha256[:12]}...",
            "export or copy it again, or delete the card if the file was replaced on purpose",
        )


def versions(*packages: str) -> dict[str, str]:
    """Versions of edgefkp, Python and those of `packages` that are installed."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from edgefkp._version import __version__

    found = {"edgefkp": __version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def imputation_name(imputation: str, augment: str) -> str:
    """The two axes as one word: the paper's `augment` is `drop` with its offline set (paper, section 3.4)."""
    if (imputation, augment) == ("drop", "paper"):
        return "augment"
    return imputation if augment == "none" else f"{imputation}-{augment}"


def model_name(network: str, imputation: str, augment: str, spec: ModelSpec = ModelSpec()) -> str:  # noqa: B008
    """`small-masked-online`; other points and another input than the first models' are part of it:
    `small.ibug68-masked-online`, `small.ibug68.112rgb-masked-online`."""
    points = "" if spec.layout == KAGGLE15 else f".{spec.layout.name}"
    size = "" if spec.input.image_shape == InputSpec().image_shape else f".{spec.input.side}{spec.input.colors}"
    return f"{network}{points}{size}-{imputation_name(imputation, augment)}"
