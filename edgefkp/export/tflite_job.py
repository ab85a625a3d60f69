"""Export of a float .tflite, whoever made it, to the integer schemes: without TensorFlow."""

import hashlib
import shutil
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from edgefkp.card import TFLITE, Card, read_card, require_card_hash, versions, write_with_card
from edgefkp.data.faces import Dataset, Faces
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.evaluation.evaluate import part_of
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.export import calibration as calibrations
from edgefkp.export.bias_correction import output_unit
from edgefkp.export.calibration import CalibrationSet
from edgefkp.export.inspect import entry_of, inspect
from edgefkp.export.made_scheme import require_runs
from edgefkp.export.metadata import with_metadata
from edgefkp.export.options import INHERITED, ExportOptions, ExportProgress
from edgefkp.export.parity import Parity, Reference, labeled, network_spec, parity, reference_of
from edgefkp.export.quantize import Quantized, quantize, require_quantizer
from edgefkp.export.range_outliers import note_of
from edgefkp.export.schemes import FLOAT, SCHEMES, TfliteName, parse_tflite
from edgefkp.export.targets import refusals, tried
from edgefkp.files import json_text, sha256_file, write_bytes
from edgefkp.layout import ModelSpec
from edgefkp.runtime.contract import Contract
from edgefkp.runtime.graph import read_graph
from edgefkp.runtime.metadata import FileMetadata
from edgefkp.runtime.scratch import scratch_folder

_FORM = 3  # of these files; those of an older one are made again
_FROM = (FLOAT, "float16")  # schemes that can be quantized
# What a quantized file inherits from the card of the float one.
_INHERITED = (*INHERITED, "imported")


class TfliteJob:
    """Export of the float .tflite at `path`, on the faces of `source`."""

    def __init__(self, path: Path, source: Dataset, options: ExportOptions, progress: ExportProgress) -> None:
        self.path, self.source, self.options, self.progress = path, source, options, progress
        self.parent = sha256_file(path)
        require_card_hash(path, self.parent)
        require_quantizer()
        self.inspection = inspect(path)
        if self.inspection.scheme not in _FROM:
            raise EdgefkpError(
                f"{path.name} is {self.inspection.scheme}; only a file of floats can be quantized",
                f"give the network's {FLOAT} file",
            )
        if options.u8:
            raise UsageError("--u8 needs the network itself: a .tflite keeps its input", "leave --u8 out")

    @property
    def model(self) -> str:
        return parse_tflite(self.path).model

    @cached_property
    def spec(self) -> ModelSpec | None:
        """By metadata, card or graph, with what the options state; None for no keypoint network.

        Raises UsageError where something is stated of such a file.
        """
        stated = self.options.stated
        if self.inspection.pixels:
            spec = network_spec(self.path)
            return stated.over(spec) if stated else spec
        if stated:
            raise UsageError(
                f"{self.path.name} is no keypoint network that is known, so its input and points cannot be stated here",
                "state them with edgefkp import, which takes --layout and --output as well",
            )
        return None

    @cached_property
    def calibration(self) -> CalibrationSet:
        if self.options.calibration:
            inputs = [(tensor.name, tensor.shape[1:]) for tensor in read_graph(self.path).inputs]
            return calibrations.from_file(self.options.calibration, inputs, self.spec.input if self.spec else None)
        if self.spec is None:
            takes = " and ".join("x".join(map(str, port.shape)) for port in self.inspection.inputs)
            raise EdgefkpError(
                f"{self.path.name} takes {takes}, and faces of {self.source.name} cannot calibrate that",
                "give samples of its input (--calibration FILE.npy), or state what it is: edgefkp import",
            )
        return calibrations.of_faces(self.source, self.spec.input, layout=self.spec.layout)

    def export(self, name: str, out: Path) -> Path:
        """Make the file of the scheme `name` in `out`, unless it is current.

        Raises EdgefkpError for a file that cannot be quantized so, or that stands there from another network.
        """
        scheme = SCHEMES[name]
        if not scheme.integer:
            raise UsageError(
                f"a .tflite is exported to schemes with integers, not to {name}",
                f"choose: --quant {', '.join(one.name for one in SCHEMES.values() if one.integer)}",
            )
        target = out / TfliteName(self.model, name, False).filename
        key = self._key(name)
        card = read_card(target) if target.exists() else None
        if card and card.key == key and card.sha256 == sha256_file(target):
            return target
        if card and card.parent not in (None, self.path.name) and not self.options.replace:
            raise EdgefkpError(
                f"{target} was made from {card.parent}; this would be from {self.path.name}",
                "--replace makes it again; another --out keeps both",
            )
        self.progress.on_file(target.name)
        out.mkdir(parents=True, exist_ok=True)
        with scratch_folder() as folder:
            made = folder / target.name
            found = self._quantized(name)
            content = found.content
            if found.left_out:
                self.progress.on_note(f"{self.path.name}: {note_of(found.left_out, len(self.calibration))}")
            if self.spec:
                content = with_metadata(content, self._metadata(name, found.kept))
            write_bytes(made, content)
            compared = self._checked(made, name)
            written = self._card(made, key, name, found, compared)
            write_with_card(target, written, lambda temporary: shutil.copyfile(made, temporary))
        return target

    def _quantized(self, name: str) -> Quantized:
        scheme, options = SCHEMES[name], self.options
        calibrated = scheme.static or (scheme.corrects_bias and (self.spec or options.calibration))
        return quantize(
            self.path,
            scheme,
            self.calibration.samples if calibrated else (),
            options.keep_float,
            scheme.per_tensor_dense and options.target.per_tensor_dense,
            options.target.widen,
            self.calibration.always if calibrated else 0,
        )

    def _checked(self, made: Path, name: str) -> Parity | None:
        """Raises EdgefkpError for a file of another scheme, or one that the target cannot run."""
        inspection = inspect(made)
        if inspection.scheme != name:
            raise EdgefkpError(
                f"{made.name} was not written: the quantizer made a {inspection.scheme} graph of it",
                "most of its operators are not quantized; choose another scheme for this file",
            )
        require_runs(inspection, self.options.target, made, "file")
        if not self.options.parity or self.spec is None:
            return None
        data = {"name": self.source.name, "part": "test"}
        return parity(made, name, self.faces, data, self._reference, self.options.runtime, self.progress.on_faces)

    @cached_property
    def faces(self) -> Faces:
        """The labeled test faces, as the network sees them."""
        assert self.spec is not None
        return fitted_faces(self.spec, labeled(part_of(self.source, "test")), self.path.name).seen

    @cached_property
    def _reference(self) -> Reference:
        return reference_of(self.path, self.faces.images, self.spec)

    def _metadata(self, name: str, kept: tuple[str, ...]) -> FileMetadata:
        assert self.spec is not None
        return FileMetadata(self.model, self.spec.layout, self.spec.input, self.spec.output, name, False, kept)

    def _key(self, name: str) -> str:
        """Hash of all that decides the file."""
        options, target = self.options, self.options.target
        samples = self.calibration.hash if self.spec or options.calibration else None
        tools = versions("litert-quantizer", "ai-edge-litert")
        identity = [_FORM, self.parent, name, options.keep_float, target.files_as or target.name, samples]
        identity += [self.spec] if options.stated else []
        return hashlib.sha256(json_text([*identity, sorted(tools.items())[:2]]).encode()).hexdigest()

    def _card(self, made: Path, key: str, name: str, found: Quantized, compared: Parity | None) -> Card:
        inspection, parent = inspect(made), read_card(self.path)
        factor, unit = output_unit(self.spec)
        correction = None
        if found.missing is not None:
            missing = found.missing[: self.spec.numbers] if self.spec else found.missing  # of the points
            correction = {"rms": factor * float(np.sqrt(np.mean(missing**2))), "unit": unit}
        used = SCHEMES[name].static or found.missing is not None
        spec = self.spec or ModelSpec()
        return Card(
            TFLITE,
            self.model,
            key=key,
            layout=spec.layout,
            input=spec.input,
            output=spec.output,
            contract=Contract(spec).stating(stated).shown if (stated := self.options.stated) else {},
            scheme=name,
            target=self.options.target.files_as or self.options.target.name,
            runs_on=[one for one, reasons in refusals(inspection).items() if not reasons],
            ran_on=tried(self.options.target),
            keep_float=list(found.kept),
            per_tensor_dense=SCHEMES[name].per_tensor_dense and self.options.target.per_tensor_dense,
            parent=self.path.name,
            parent_sha256=self.parent,
            parent_bytes=self.path.stat().st_size,
            calibration=replace(self.calibration, left_out=found.left_out).entry if used else None,
            bias_correction=correction,
            inspection=entry_of(inspection),
            parity=asdict(compared) if compared else None,
            versions=versions("litert-quantizer", "numpy", "ai-edge-litert", "tflite-runtime"),
            **{field: getattr(parent, field) for field in _INHERITED if parent},
        )
