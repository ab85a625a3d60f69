"""The contract of the network that is exported: by its card, by options, by its own layers, or tried on faces."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgefkp.card import Card
from edgefkp.data.faces import Dataset
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.contract_trial import Trial, better, training_faces, tried
from edgefkp.layout import STANDARDIZED, ModelSpec
from edgefkp.networks.deviation import has_deviation
from edgefkp.runtime.contract import Contract, Stated
from edgefkp.runtime.keras_contract import contract_of_network
from edgefkp.runtime.keras_model import KerasModel

_ASSUMED = "assumed"


def contract_of(
    network: Any, path: Path, card: Card | None, stated: Stated | None, source: Dataset, note: Callable[[str], None]
) -> Contract | None:
    """What `network`, the keras.Model of `path`, takes and returns; None for no keypoint network.

    Where neither its card nor an option nor its layers show it, contracts are tried on training faces of `source`.
    `note` receives what was found of a network without a card.
    """
    spec, shown = card.spec if card else ModelSpec(), {}
    if card is None:
        found = contract_of_network(network, source.layout)
        if found is None:
            return None
        spec, shown = found.spec, found.shown
    contract = Contract(spec, shown)
    if stated:
        contract = contract.stating(stated)
    if not _fits(network, contract.spec):
        return None
    if card is not None:
        return contract
    if {"input", "output"} - contract.shown.keys() and (trial := _tried(network, path, contract.spec, source)):
        contract = _with(contract, trial, source)
    note(_described(path.name, contract))
    return contract


def _fits(network: Any, spec: ModelSpec) -> bool:
    takes, gives = network.inputs, network.outputs
    names = [tensor._keras_history.operation.name for tensor in gives]
    points = spec.output.points if spec.output.deviation in names else names[0]
    if len(takes) != 1 or (len(gives) != 1 and not has_deviation(network)) or points not in names:
        return False
    sizes = gives[names.index(points)].shape[1:]
    if not sizes:
        return False
    numbers = 1
    for size in sizes:
        numbers *= size or 0
    return spec.fits(tuple(takes[0].shape[1:]), numbers)


def _tried(network: Any, path: Path, assumed: ModelSpec, source: Dataset) -> Trial | None:
    """A contract that is clearly better than the assumed one on training faces; None without one."""
    try:
        faces = training_faces(source)
        if not len(faces):
            return None
        return better(tried(KerasModel(path, "", network, known_spec=assumed), faces, path.name), assumed)
    except EdgefkpError:  # points that do not follow from those of the faces
        return None


def _with(contract: Contract, trial: Trial, source: Dataset) -> Contract:
    """What was tried counts only where nothing shows it."""
    why = f"tried on training faces of {source.name}: {trial.rmse:.2f} px"
    spec, shown = contract.spec, dict(contract.shown)
    if "input" not in shown and trial.spec.input != spec.input:
        spec, shown["input"] = replace(spec, input=trial.spec.input), why
    if "output" not in shown and trial.spec.output != spec.output:
        spec, shown["output"] = replace(spec, output=trial.spec.output), why
    return Contract(spec, shown)


def _described(name: str, contract: Contract) -> str:
    input, output = contract.spec.input, contract.spec.output
    scaling = "standardized pixels" if input.scaling == STANDARDIZED else f"pixels in {input.scaling}"
    order = ", blue first" if input.order == "bgr" else ""
    offset = f" {output.offset:+g} px" if output.offset else ""
    takes, gives = (contract.shown.get(which, _ASSUMED) for which in ("input", "output"))
    return (
        f"{name} has no card: it takes {scaling}{order} ({takes}) and returns {contract.spec.layout.name} points in "
        f"{output.form}{offset} ({gives}); --input-range, --colors and --output-units change that"
    )
