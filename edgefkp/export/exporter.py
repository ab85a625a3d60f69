"""The export station: every .keras in, verified .tflite files with cards out."""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import TFLITE, Card, read_card, versions, write_card, write_with_card
from edgefkp.data.faces import Dataset, Faces
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import part_of
from edgefkp.export import calibration as calibrations
from edgefkp.export.bias_correction import (
    corrected,
    float_outputs,
    measured_with,
    missing_bias,
    network_unit,
    output_bias,
)
from edgefkp.export.calibration import Calibration
from edgefkp.export.convert import Settings, convert
from edgefkp.export.folding import folded
from edgefkp.export.inspect import Inspection, inspect
from edgefkp.export.model_card import write_model_card
from edgefkp.export.parity import Reference, labelled, parity, reference_of
from edgefkp.export.schemes import TfliteName
from edgefkp.export.targets import TARGETS, Target, refusals, require_target, tried
from edgefkp.files import json_text, sha256_file, write_bytes
from edgefkp.layout import COUNT, SIZE
from edgefkp.networks.ours import FLOAT_LAYERS
from edgefkp.runtime.keras_model import load_keras

CARDS = 4  # the form of these cards; files with an older one are made again

# What a .tflite inherits from the card of the network it is made from.
_INHERITED = (
    "layout",
    "input",
    "output",
    "network",
    "imputation",
    "augment",
    "weights",
    "parameters",
    "macs",
    "data",
    "metrics",
)


@dataclass(frozen=True)
class Options:
    """u8: pixels go in as bytes. keep_float: layers that int8 leaves in float; where none is named, a soft argmax.
    calibration: a file of samples of the user's own; else training faces. parity: compare each file with its network
    on the labelled test faces.
    """

    u8: bool = False
    target: Target = field(default=TARGETS["any"])
    keep_float: tuple[str, ...] = ()
    calibration: Path | None = None
    parity: bool = True
    runtime: str | None = None


@dataclass(frozen=True)
class Progress:
    """What export_network() calls as it goes: before each file, and as its parity is measured.

    on_refused: where given, called with the error of a file that was not written, and the next is made.
    """

    on_file: Callable[[str], None] = lambda name: None
    on_faces: Callable[[int], None] = lambda count: None
    on_refused: Callable[[EdgefkpError], None] | None = None


def find_networks(names: Sequence[str], folder: Path) -> list[Path]:
    """The .keras files called `names` (paths, or models in `folder`), or all of `folder` where none is named.

    Raises EdgefkpError where one is not there, or none at all.
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
    options: Options | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Convert one .keras file by each scheme into `out`, verify each file, compare it with the network, write cards.

    source: its training persons calibrate the integer schemes, its labelled test faces measure parity.
    Files made before from the same bytes in the same way are left as they are.
    Raises EdgefkpError where a file is not what its name says or cannot run on the target.
    """
    progress = progress or Progress()
    job = _Job(path, source, options or Options(), progress)
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


class _Job:
    """One network's export; what several schemes need is made once, and only when a file is not current."""

    def __init__(self, path: Path, source: Dataset, options: Options, progress: Progress) -> None:
        self.path, self.source, self.options, self.progress = path, source, options, progress
        self.parent = sha256_file(path)
        self._network: Any = None
        self._calibration: Calibration | None = None
        self._float_outputs: np.ndarray | None = None
        self._missing: dict[Settings, np.ndarray] = {}
        self._faces: Faces | None = None
        self._reference: Reference | None = None

    @property
    def network(self) -> Any:
        if self._network is None:
            self._network = folded(load_keras(self.path).model)
        return self._network

    @property
    def takes_faces(self) -> bool:
        return (self.network.input_shape, self.network.output_shape) == ((None, SIZE, SIZE, 1), (None, 2 * COUNT))

    @property
    def calibration(self) -> Calibration:
        if self._calibration is None:
            self._calibration = self._calibrate()
        return self._calibration

    def _calibrate(self) -> Calibration:
        inputs = [(tensor.name.split(":")[0], tuple(tensor.shape[1:])) for tensor in self.network.inputs]
        if self.options.calibration:
            return calibrations.from_file(self.options.calibration, inputs)
        if [shape for _, shape in inputs] != [(SIZE, SIZE, 1)]:
            shapes = " and ".join(str(shape) for _, shape in inputs)
            raise EdgefkpError(
                f"{self.path.name} takes {shapes}, and faces of {self.source.name} cannot calibrate that",
                "give samples of its input: --calibration FILE.npy, an array (samples, *input shape)",
            )
        return calibrations.of_faces(self.source)

    def _calibration_of(self, settings: Settings) -> Calibration | None:
        """Static schemes need samples; dynamic ones are corrected by them, where there are some and it is possible."""
        if settings.static:
            return self.calibration
        possible = self.options.calibration or self.takes_faces
        return self.calibration if settings.scheme == "dynamic" and possible and self._correctable else None

    @property
    def _correctable(self) -> bool:
        return output_bias(self.network) is not None

    @property
    def _float_layers(self) -> tuple[str, ...]:
        """A soft argmax stays float: probabilities in 256 steps would cost 0.17 px."""
        names = {layer.name for layer in self.network.layers}
        return FLOAT_LAYERS if names.issuperset(FLOAT_LAYERS) else ()

    def _missing_of(self, settings: Settings) -> np.ndarray | None:
        """The bias correction of a file, in the network's own unit; None for floats and what cannot be corrected."""
        calibration = self._calibration_of(settings)
        if calibration is None or not self._correctable:
            return None
        key = measured_with(settings)
        if key not in self._missing:
            if self._float_outputs is None:
                self._float_outputs = float_outputs(self.network, calibration.samples)
            self._missing[key] = missing_bias(self.network, key, calibration.samples, self._float_outputs)
        return self._missing[key]

    def export(self, scheme: str, out: Path) -> Path:
        options = self.options
        settings = Settings(
            scheme,
            options.u8,
            per_tensor_dense=scheme == "dynamic" and options.target.per_tensor_dense,
            keep_float=options.keep_float or (self._float_layers if scheme == "int8" else ()),
        )
        target = out / TfliteName(self.path.stem, scheme, options.u8).filename
        key = self._key(settings)
        card = read_card(target) if target.exists() else None
        current = bool(card and card.key == key and card.sha256 == sha256_file(target))
        if card and current:
            if options.parity and self.takes_faces and not self._has_parity(card):
                write_card(target, replace(card, parity=asdict(self._parity(target, scheme))))
            return target
        self.progress.on_file(target.name)
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".export-", dir=out) as folder:
            made = Path(folder) / target.name
            inspection = self._write(made, settings)
            known = card.parity if card else None  # of these very bytes, where only the card is of an older form
            if (known or {}).get("sha256") != inspection.sha256:
                known = None
            card = replace(self._card(settings, key, inspection), sha256=inspection.sha256, parity=known)
            if options.parity and self.takes_faces and not self._has_parity(card):
                card = replace(card, parity=asdict(self._parity(made, scheme)))
            write_with_card(target, card, lambda temporary: shutil.copyfile(made, temporary))
        return target

    def _key(self, settings: Settings) -> str:
        """Hash of all that decides the file."""
        calibration = self._calibration_of(settings)
        tools = versions("tensorflow")
        options = asdict(settings), self.options.target.name
        identity = [CARDS, self.parent, *options, calibration and calibration.hash, tools.get("tensorflow")]
        return hashlib.sha256(json_text(identity).encode()).hexdigest()

    def _write(self, made: Path, settings: Settings) -> Inspection:
        samples = self.calibration.samples if settings.static else ()
        with corrected(self.network, self._missing_of(settings)):
            write_bytes(made, convert(self.network, settings, samples))
        inspection = inspect(made)
        _require_scheme(inspection, settings, made.name)
        try:
            require_target(inspection, self.options.target, made)
        except EdgefkpError as error:
            message = error.message.replace(str(made), made.name)
            message = message.removeprefix(f"{made.name} is damaged: ")  # it was made a moment ago
            hint = "choose another scheme for this network, or another --target"
            hint = error.hint if "--target" in error.hint else hint
            raise EdgefkpError(f"{made.name} was not written: {message}", hint) from error
        return inspection

    def _has_parity(self, card: Card) -> bool:
        known = card.parity or {}
        return known.get("sha256") == card.sha256 and known.get("data", {}).get("hash") == self.faces.hash

    @property
    def faces(self) -> Faces:
        if self._faces is None:
            self._faces = labelled(part_of(self.source, "test"))
        return self._faces

    def _parity(self, target: Path, scheme: str) -> Any:
        if self._reference is None:
            self._reference = reference_of(self.path, self.faces.images)
        data = {"name": self.source.name, "part": "test"}
        return parity(
            target, scheme, self.faces, data, self._reference, self.options.runtime, progress=self.progress.on_faces
        )

    def _card(self, settings: Settings, key: str, inspection: Inspection) -> Card:
        parent = read_card(self.path)
        calibration = self._calibration_of(settings)
        described = asdict(inspection)
        for name in ("schema", "file", "sha256", "bytes"):  # the card has its own
            del described[name]
        return Card(
            TFLITE,
            self.path.stem,
            key=key,
            scheme=settings.scheme,
            u8=settings.u8,
            target=self.options.target.name,
            runs_on=[name for name, reasons in refusals(inspection).items() if not reasons],
            ran_on=tried(self.options.target),
            keep_float=list(settings.keep_float),
            per_tensor_dense=settings.per_tensor_dense,
            parent=self.path.name,
            parent_sha256=self.parent,
            parent_bytes=self.path.stat().st_size,
            calibration=calibration.entry if calibration else None,
            bias_correction=self._correction_entry(settings),
            inspection=described,
            versions=versions("tensorflow", "keras", "numpy", "ai-edge-litert", "tflite-runtime"),
            **{name: getattr(parent, name) for name in _INHERITED if parent},
        )

    def _correction_entry(self, settings: Settings) -> dict[str, Any] | None:
        missing = self._missing_of(settings)
        if missing is None:
            return None
        factor, unit = network_unit(self.network)
        return {"rms": factor * float(np.sqrt(np.mean(missing**2))), "unit": unit}


def _require_scheme(inspection: Inspection, settings: Settings, name: str) -> None:
    expected = "mixed" if settings.keep_float else settings.scheme
    if inspection.scheme == expected and inspection.u8 == settings.u8:
        return
    if (settings.scheme, inspection.scheme) == ("dynamic", "float32"):
        raise EdgefkpError(
            f"{name} was not written: no layer has the 1,024 weights from which on the converter makes it dynamic",
            "take float32 or int8 for this network",
        )
    islands = "; ".join(", ".join(island) for island in inspection.float_islands)
    raise EdgefkpError(
        f"{name} was not written: the converter made a {inspection.scheme} graph of it"
        + (f" (in float: {islands[:200]})" if islands else ""),
        "choose another scheme for this network, or name what may stay float: --keep-float LAYER",
    )


def samples_of(path: Path, source: Dataset, options: Options) -> tuple[Any, tuple[np.ndarray, ...]]:
    """The network at `path` and its calibration samples, as export_network would use them."""
    job = _Job(path, source, options, Progress())
    return job.network, job.calibration.samples
