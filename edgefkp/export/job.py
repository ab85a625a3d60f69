"""One network's export: what its files have in common is made once, and only when a file is not current."""

import contextlib
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import TFLITE, Card, read_card, require_card_hash, versions, write_card, write_with_card
from edgefkp.data.faces import Dataset, Faces
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.evaluate import part_of
from edgefkp.evaluation.fitted import fitted_faces
from edgefkp.export import calibration as calibrations
from edgefkp.export.bias_correction import (
    corrected,
    float_outputs,
    measured_with,
    missing_bias,
    output_biases,
    output_unit,
)
from edgefkp.export.calibration import CalibrationSet
from edgefkp.export.convert import ConversionSettings, bytes_scaling, convert, first_layer_in_float, layers_in_float
from edgefkp.export.folding import folded
from edgefkp.export.inspect import Inspection, entry_of, inspect
from edgefkp.export.islands import may_have_gates
from edgefkp.export.job_contract import contract_of
from edgefkp.export.keras_islands import with_islands
from edgefkp.export.keras_outliers import outliers
from edgefkp.export.made_scheme import require_runs, require_scheme
from edgefkp.export.metadata import with_metadata
from edgefkp.export.network_inputs import in_float32, sample_inputs, takes_bytes, with_shapes
from edgefkp.export.options import INHERITED, ExportOptions, ExportProgress
from edgefkp.export.parity import Parity, Reference, labeled, parity, parity_of, reference_of
from edgefkp.export.range_outliers import note_of, without
from edgefkp.export.schemes import CAST, INTEGER, SCHEMES, TfliteName
from edgefkp.export.target_cost import Alternative, alternative_of
from edgefkp.export.targets import refusals, tried
from edgefkp.export.wide_head import may_have_soft_argmax
from edgefkp.files import json_text, sha256_file, write_bytes
from edgefkp.layout import ModelSpec
from edgefkp.runtime.contract import Contract
from edgefkp.runtime.keras_model import load_keras
from edgefkp.runtime.metadata import FileMetadata
from edgefkp.runtime.scratch import scratch_folder

CARDS = 4  # the form of these cards; files with an older one are made again

# Of the card, what a .tflite takes and returns.
_SPEC = ("layout", "input", "output")


class ExportJob:
    """Export of the .keras at `path`, on the faces of `source`."""

    def __init__(self, path: Path, source: Dataset, options: ExportOptions, progress: ExportProgress) -> None:
        self.path, self.source, self.options, self.progress = path, source, options, progress
        self.parent = sha256_file(path)
        require_card_hash(path, self.parent)
        self._missing: dict[ConversionSettings, np.ndarray] = {}

    @cached_property
    def network(self) -> Any:
        """In float32, without open sizes, its BatchNorms folded."""
        loaded = in_float32(load_keras(self.path).model)
        return with_shapes(folded(loaded, self._note), self.options.shapes, self.path.name)

    def _note(self, text: str) -> None:
        self.progress.on_note(text if text.startswith(self.path.name) else f"{self.path.name}: {text}")

    @cached_property
    def contract(self) -> Contract | None:
        card = read_card(self.path)
        return contract_of(self.network, self.path, card, self.options.stated, self.source, self._note)

    @property
    def spec(self) -> ModelSpec | None:
        """Points, input and output; None for a network of another kind."""
        return self.contract.spec if self.contract else None

    @cached_property
    def calibration(self) -> CalibrationSet:
        if self.options.calibration:
            inputs = sample_inputs(self.network)
            return calibrations.from_file(self.options.calibration, inputs, self.spec.input if self.spec else None)
        if self.spec is None:
            shapes = " and ".join(str(tuple(tensor.shape[1:])) for tensor in self.network.inputs)
            raise EdgefkpError(
                f"{self.path.name} takes {shapes}, and faces of {self.source.name} cannot calibrate that",
                "give samples of its input: --calibration FILE.npy, an array (samples, *input shape)",
            )
        dtype = str(self.network.inputs[0].dtype)
        return calibrations.of_faces(self.source, self.spec.input, layout=self.spec.layout, dtype=dtype)

    def calibration_for(self, settings: ConversionSettings) -> CalibrationSet:
        """With those samples left out of the ranges that 8-bit activations are better off without."""
        narrow = settings.values.static and settings.values.activation_bits == 8
        return self._without_outliers if narrow else self.calibration

    @cached_property
    def _without_outliers(self) -> CalibrationSet:
        rows = outliers(self.network, self.settings(INTEGER), self.calibration)
        if rows:
            self._note(note_of(rows, len(self.calibration)))
        return replace(self.calibration, left_out=rows)

    def _calibration_of(self, settings: ConversionSettings) -> CalibrationSet | None:
        """Static schemes need samples; others are corrected by them if there are any and it is possible."""
        if settings.values.static:
            return self.calibration
        possible = (self.options.calibration or self.spec) and self._correctable
        return self.calibration if settings.values.corrects_bias and possible else None

    @property
    def _correctable(self) -> bool:
        return bool(output_biases(self.network))

    def _missing_of(self, settings: ConversionSettings) -> np.ndarray | None:
        """The bias correction of a file, in the network's own unit; None for floats and what cannot be corrected."""
        if self._calibration_of(settings) is None or not self._correctable or not settings.values.corrects_bias:
            return None
        key, calibration = measured_with(settings), self.calibration_for(settings)
        if key not in self._missing:
            (outputs,) = without([self._float_outputs], calibration.left_out)
            self._missing[key] = missing_bias(self.network, key, calibration.ranging, outputs)
        return self._missing[key]

    @cached_property
    def _float_outputs(self) -> np.ndarray:
        return float_outputs(self.network, self.calibration.samples)

    def settings(self, name: str) -> ConversionSettings:
        """How the file of the scheme called `name` is made."""
        options, scheme = self.options, SCHEMES[name]
        wide = bool(scheme.head) and may_have_soft_argmax(self.network)
        by_bytes = options.u8 or takes_bytes(self.network)
        own = layers_in_float(self.network) if scheme.keeps_float else ()
        if scheme.keeps_float and not by_bytes:  # bytes are integers already
            own = (*first_layer_in_float(self.network), *own)
        return ConversionSettings(
            name,
            by_bytes,
            per_tensor_dense=scheme.per_tensor_dense and options.target.per_tensor_dense,
            keep_float=(*own, *(layer for layer in options.keep_float if layer not in own)),
            head=scheme.head if wide else "",
            widen=options.target.widen if wide else CAST,
            gates=scheme.keeps_float and may_have_gates(self.network),
            **(bytes_scaling(self.spec, scheme) if options.u8 and self.spec else {}),
        )

    def measured(self, settings: ConversionSettings) -> ConversionSettings:  # what is needed in float among them
        if not settings.gates:
            return settings
        return with_islands(self.network, settings, self.calibration_for(settings).ranging)

    def export(self, scheme: str, out: Path) -> Path:
        """Make the file of one scheme in `out`, unless it is current. Raises EdgefkpError as export_network."""
        settings = self.settings(scheme)
        target = out / TfliteName(self.path.stem, scheme, settings.u8).filename
        key = self._key(settings)
        card = self._card_of(target)
        if card and card.key == key and card.sha256 == sha256_file(target):
            known = parity_of(card)
            compared = self._compared(known, target, scheme, card.sha256)
            if compared and compared is not known:
                write_card(target, replace(card, parity=asdict(compared)))
            return target
        if card and not self.options.replace:
            calibrations.require_same(self._calibration_of(settings), card, target, self.parent)
        self.progress.on_file(target.name)
        settings = self.measured(settings)
        out.mkdir(parents=True, exist_ok=True)
        with scratch_folder() as folder:
            made = folder / target.name
            inspection = self._write(made, settings)
            known = parity_of(card) if card else None  # of these very bytes, if only the card is of an older form
            known = known if known and known.sha256 == inspection.sha256 else None
            compared = self._compared(known, made, scheme, inspection.sha256)
            other = self._alternative(made, settings) if compared and compared is not known else None
            card = replace(
                self._card(settings, key, inspection),
                parity=asdict(compared) if compared else None,
                alternative=asdict(other) if other else None,
            )
            write_with_card(target, card, lambda temporary: shutil.copyfile(made, temporary))
        return target

    @staticmethod
    def _card_of(target: Path) -> Card | None:
        """None for a file without a whole card: it is made again."""
        with contextlib.suppress(EdgefkpError):
            return read_card(target) if target.exists() else None
        return None

    def _key(self, settings: ConversionSettings) -> str:
        """Hash of all that decides the file."""
        calibration = self._calibration_of(settings)
        tools = versions("tensorflow")
        options = settings.identity, self.options.target.files_as or self.options.target.name
        identity: list[Any] = [CARDS, self.parent, *options, calibration and calibration.hash, tools.get("tensorflow")]
        card = read_card(self.path)
        if self.spec and self.spec != (card.spec if card else ModelSpec()):
            identity.append(self.spec)
        if self.options.shapes:
            identity.append(self.options.shapes)
        return hashlib.sha256(json_text(identity).encode()).hexdigest()

    def _alternative(self, made: Path, settings: ConversionSettings) -> Alternative | None:
        """What the file would be if the target did not include the oldest runtimes."""
        return alternative_of(
            self.options.target, settings, made, self._convert, lambda path: self._measured(path, settings.scheme)
        )

    def _convert(self, made: Path, settings: ConversionSettings) -> None:
        samples = self.calibration_for(settings).ranging if settings.values.static else ()
        with corrected(self.network, self._missing_of(settings)):
            content = convert(self.network, settings, samples)
        write_bytes(made, with_metadata(content, self._metadata(settings)) if self.spec else content)

    def _write(self, made: Path, settings: ConversionSettings) -> Inspection:
        self._convert(made, settings)
        inspection = inspect(made)
        if note := require_scheme(inspection, settings, made.name):
            self._note(note)
        require_runs(inspection, self.options.target, made, "network")
        return inspection

    def _metadata(self, settings: ConversionSettings) -> FileMetadata:
        assert self.spec is not None
        return FileMetadata(
            self.path.stem,
            self.spec.layout,
            self.spec.input,
            self.spec.output,
            settings.scheme,
            settings.u8,
            settings.keep_float,
        )

    def _compared(self, known: Parity | None, path: Path, scheme: str, digest: str) -> Parity | None:
        """`known` if it was measured on these bytes and faces or none is asked for, else the parity measured now."""
        if not self.options.parity or self.spec is None:
            return known
        if known and known.sha256 == digest and known.data.get("hash") == self.faces.hash:
            return known
        return self._measured(path, scheme, self.progress.on_faces)

    def _measured(self, path: Path, scheme: str, progress: Callable[[int], None] = lambda count: None) -> Parity:
        data = {"name": self.source.name, "part": "test"}
        return parity(path, scheme, self.faces, data, self._reference, self.options.runtime, progress)

    @cached_property
    def faces(self) -> Faces:
        """The labeled test faces, as the network sees them."""
        assert self.spec is not None
        return fitted_faces(self.spec, labeled(part_of(self.source, "test")), self.path.name).seen

    @cached_property
    def _reference(self) -> Reference:
        return reference_of(self.path, self.faces.images, self.spec)

    def _card(self, settings: ConversionSettings, key: str, inspection: Inspection) -> Card:
        parent = read_card(self.path)
        spec = self.spec or (parent.spec if parent else None)
        calibration, missing = self._calibration_of(settings), self._missing_of(settings)
        correction = None
        if missing is not None:
            factor, unit = output_unit(self.spec)
            missing = missing[: self.spec.numbers] if self.spec else missing  # of the points
            correction = {"rms": factor * float(np.sqrt(np.mean(missing**2))), "unit": unit}
        return Card(
            TFLITE,
            self.path.stem,
            key=key,
            scheme=settings.scheme,
            u8=settings.u8,
            target=self.options.target.files_as or self.options.target.name,
            runs_on=[name for name, reasons in refusals(inspection).items() if not reasons],
            ran_on=tried(self.options.target),
            keep_float=list(settings.keep_float),
            per_tensor_dense=settings.per_tensor_dense,
            parent=self.path.name,
            parent_sha256=self.parent,
            parent_bytes=self.path.stat().st_size,
            calibration=self.calibration_for(settings).entry if calibration else None,
            bias_correction=correction,
            inspection=entry_of(inspection),
            versions=versions("tensorflow", "keras", "numpy", "ai-edge-litert", "tflite-runtime"),
            contract=self.contract.shown if self.contract else {},
            **{name: getattr(parent, name) for name in INHERITED if parent},
            **{name: getattr(spec, name) for name in _SPEC if spec},
        )
