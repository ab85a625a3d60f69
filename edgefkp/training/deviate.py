"""One run of `edgefkp train --deviation`: a trained network in, the same network with deviations and its card out."""

from __future__ import annotations

from dataclasses import replace as changed
from pathlib import Path
from typing import TYPE_CHECKING

from edgefkp.card import Card, CardData, read_card, write_with_card
from edgefkp.data.faces import Dataset
from edgefkp.data.imputation import impute
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import plain, require_writable, sha256_file
from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.deviation import DEVIATION, POINTS
from edgefkp.runtime.keras_safety import remember_keras
from edgefkp.training.deviation import COPIES, fit_deviation
from edgefkp.training.key import deciding, key_of
from edgefkp.training.recipe import Recipe
from edgefkp.training.start import facts_of, find_start, inherited, open_start

if TYPE_CHECKING:
    from edgefkp.training.train import Progress

RECIPE = "deviation"  # the shipped one


def deviate(
    network: str, start: str, source: Dataset, recipe: Recipe, out: Path, progress: Progress, replace: bool = False
) -> tuple[Path, Card]:
    """Give the trained network `start` deviations, and write it under its own name into `out`; file and card.

    network: what its architecture has to be. Points stay as they are. Nothing is done where `out` holds the result of
    this very training.
    Raises UsageError for a start of another architecture or of other points than the faces, EdgefkpError for a file of
    that name in `out` that something else made, unless it may be replaced.
    """
    path = find_start(start)
    begun, parent = open_start(path), read_card(path)
    if parent is None:
        raise EdgefkpError(f"{path} has no card", "give a network that edgefkp train wrote")
    if begun.network != network:
        raise UsageError(f"{path} is a network '{begun.network}', and '{network}' was asked for")
    if begun.spec.layout != source.layout:
        raise UsageError(f"{path} has points of {begun.spec.layout.name}, and the faces those of {source.layout.name}")
    own, given = begun.spec.input, source.spec.input
    if own.image_shape != given.image_shape:
        raise UsageError(
            f"{path} takes {own}, and the faces are {given}", f"add --size {own.side} --colors {own.colors}"
        )
    require_writable(out)
    target = out / f"{parent.model}.keras"
    parts = split(source)
    earlier = parent.training.get(DEVIATION, {})
    # The network without deviations.
    of = {"sha256": earlier.get("of", begun.facts.sha256), "key": earlier.get("of_key", parent.key)}
    key = key_of([of, deciding(recipe), source.train.hash, parts.hash, DEVIATION])
    standing = read_card(target) if target.exists() else None
    if not replace and standing and standing.key == key and standing.sha256 == sha256_file(target):
        progress.on_note(f"{target.name} has these deviations already")
        return target, standing
    if target.exists() and not replace:
        raise EdgefkpError(f"{target} is there already", "--replace writes the network with deviations in its place")
    faces, judged = impute(parts.train, "masked"), parts.validation
    progress.on_start((recipe.images or len(faces)) + (COPIES + 1) * len(judged))
    found = fit_deviation(begun.model, faces, judged, recipe, begun.spec, progress.on_batch)
    facts = {"of": of["sha256"], "of_key": of["key"], "data": source.name, "hash": source.train.hash}
    output = changed(parent.output, points=POINTS, deviation=DEVIATION, likelihood=found.likelihood)
    card = changed(
        parent,
        key=key,
        output=output,
        parameters=parameters(found.model),
        macs=macs(found.model),
        data=parent.data and changed(parent.data, license=_terms(parent.data, source, path)),
        training=parent.training | {DEVIATION: {**facts, "recipe": plain(recipe), **found.facts}},
        file="",
        bytes=0,
        sha256="",
    )
    card = write_with_card(target, card, found.model.save)
    remember_keras(target)
    return target, card


def _terms(data: CardData, source: Dataset, path: Path) -> str:
    """Those of the network; with those of the faces where they are not among what it was trained on."""
    return data.license if source.name in data.name.split("+") else inherited(source.license, facts_of(path))
