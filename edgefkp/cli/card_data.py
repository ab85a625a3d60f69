"""The labeled faces that a model is scored or calibrated on when no --data is given: those that its card names."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgefkp.card import Card, CardData, readable_cards
from edgefkp.cli.options import log
from edgefkp.files import visible

if TYPE_CHECKING:
    from edgefkp.data.photos import Reading

# Where data of a name may lie, from the current folder.
_PLACES = (Path(), Path("data"))


def data_of(models: Sequence[Path], reading: Reading, done: str = "scoring") -> tuple[str, Reading]:
    """The data to score `models` on, and how its labels are read; a line on stderr where that was a choice.

    done: what is done with these data, for that line.

    It is what the card of the first model names, if that is in the current folder or in data/, else the built-in
    sample. Labels are read as they were for the training, unless `reading` changes them.
    """
    from edgefkp.data.formats.sample import NAME

    trained, file = _trained_on(models), models[0].name
    if trained is None:
        log(f"{done} on {NAME}: no card names the data that {file} was trained on; --data does")
        return NAME, reading
    name = trained.name.split("+")[0]  # what was added to it is for training only
    if name == NAME:
        return NAME, reading
    if found := _found(name):
        log(f"{done} on {found}, which {file} was trained on")
        return str(found), _read_alike(trained, reading)
    log(f"{done} on {NAME}: {file} was trained on {name}, which is neither here nor in data/; --data names other faces")
    return NAME, reading


def _trained_on(models: Sequence[Path]) -> CardData | None:
    cards: Iterable[Card] = (card for model in models for card in readable_cards(model))
    return next((card.data for card in cards if card.data), None)


def _found(name: str) -> Path | None:
    """A folder of that name, or a file of that name with any ending, of a form that is known."""
    from edgefkp.data.formats import FORMATS

    for place in _PLACES:
        for path in (place / name, *visible(place, f"{glob.escape(name)}.*")):
            if path.exists() and any(form.matches(path) for form in FORMATS.values()):
                return path
    return None


def _read_alike(trained: CardData, reading: Reading) -> Reading:
    from edgefkp.data.labels.options import AS_THEY_ARE, LabelOptions
    from edgefkp.records import read_record

    if not trained.labels or reading.labels != AS_THEY_ARE:
        return reading
    return replace(reading, labels=read_record(LabelOptions, trained.labels, "the card's labels"))
