"""The free set: a model, a finder and a presence check that were taught by data with clean terms alone.

What may go into a product is decided by what the files themselves state. The cards of a model and of a finder, and a
presence check, name their terms as "LICENSE: whom to credit; LICENSE: ..." with each license one of CLEAN. A license
that is not clean, a teacher or a start that was trained on other faces, and terms in another form make a file one that
is not free.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgefkp.card import Card, read_card
from edgefkp.detect import finders
from edgefkp.detect.presence import FREE_WEIGHTS, Presence, read_presence
from edgefkp.errors import EdgefkpError
from edgefkp.files import read_json
from edgefkp.runtime import shipped

if TYPE_CHECKING:
    from edgefkp.detect.finders import FaceFinder

# Licenses that allow any use, in products, too, with at most a credit.
CLEAN = ("CC0", "public domain", "CC BY 4.0", "CC BY 3.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0")
FINDER_CARD = "edgefkp.finder-card/1"
_FOLDER = Path(finders.__file__).parent
_HINT = "leave out --free (free=True) to use files under other terms: MODEL_LICENSES.md names them"


@dataclass(frozen=True, eq=False)
class FreeSet:
    """Everything that finds faces and their points, and whom to credit for it."""

    model: Path
    finder: str | FaceFinder  # as KeypointDetector takes it
    presence: Presence
    credits: tuple[str, ...]


def credits_in(terms: str) -> tuple[str, ...] | None:
    """The credits of terms in the form "LICENSE: credit; LICENSE: credit"; None where any license is not clean."""
    parts = [part.strip() for part in terms.split(";")]
    licenses = "|".join(map(re.escape, CLEAN))
    if not all(re.fullmatch(rf"({licenses}): \S.*", part) for part in parts):
        return None
    return tuple(dict.fromkeys(f"{credit} ({license})" for license, _, credit in (p.partition(": ") for p in parts)))


def model_credits(card: Card | None) -> tuple[str, ...] | None:
    """The credits of a model whose card states clean terms; None for another.

    A start, pretrained weights, teachers and the images of an int8 calibration count as data do.
    """
    if card is None or card.data is None or card.start or card.weights or card.imported:
        return None
    calibrated = str((card.calibration or {}).get("name", card.data.name)).partition(",")[0]
    if card.training.get("teachers") or calibrated not in (card.data.name, *card.data.name.split("+")):
        return None
    return credits_in(card.data.license)


def free_models() -> list[Path]:
    """Those of the shipped models that are free, float32 first."""
    found = [path for path in shipped.models() if model_credits(read_card(path)) is not None]
    return sorted(found, key=lambda path: not path.stem.endswith(".float32"))


def free_finders() -> dict[str, tuple[str, ...]]:
    """Name -> credits of the finders that come with edgefkp and are free."""
    found = {}
    for path in sorted(_FOLDER.glob("*.json")):
        stored = read_json(path)
        if not isinstance(stored, dict) or stored.get("schema") != FINDER_CARD or path.stem not in finders.FINDERS:
            continue
        credits = _finder_credits(stored)
        if credits is not None and all((_FOLDER / file["file"]).exists() for file in stored.get("files", [])):
            found[path.stem] = credits
    return found


def _finder_credits(card: dict[str, Any]) -> tuple[str, ...] | None:
    taught = not str(card.get("teacher") or "none").startswith("none")
    return None if taught else credits_in(str(card.get("terms", "")))


def free_set(model: Path | str | None = None, finder: str | FaceFinder = finders.DEFAULT) -> FreeSet:
    """The free set with that model and finder: the shipped ones for None and the default.

    A finder of the caller's own, an object, is taken as it is.
    Raises EdgefkpError where a part is missing, or where a file that was asked for is not free.
    """
    models, known = free_models(), free_finders()
    path = shipped.find_model(model) if model else next(iter(models), None)
    credits = model_credits(read_card(path)) if path else None
    if path and credits is None:
        terms = card.data.license if (card := read_card(path)) and card.data else "no card"
        raise EdgefkpError(f"{path.name} is not free to use: {terms[:90]}", _HINT)
    if finder == finders.DEFAULT:
        finder = next(iter(known), "")
    if isinstance(finder, str) and finder and finder not in known and finders.finder_kind(finder).taught:
        raise EdgefkpError(f"the finder {finder} is not free to use; free ones: {', '.join(known) or 'none'}", _HINT)
    parts = {"a model": path, "a finder": finder, "a presence check": FREE_WEIGHTS.exists()}
    if missing := [name for name, part in parts.items() if not part]:
        raise EdgefkpError(f"the free set of this edgefkp is not whole: it lacks {' and '.join(missing)}", _HINT)
    assert path is not None
    assert credits is not None
    presence = read_presence(FREE_WEIGHTS)
    judged = credits_in(presence.terms)
    if judged is None:
        raise EdgefkpError(f"{FREE_WEIGHTS.name} is not free to use: {presence.terms or 'it states no terms'}", _HINT)
    found = known.get(finder, ()) if isinstance(finder, str) else ()
    return FreeSet(path, finder, presence, tuple(dict.fromkeys((*credits, *found, *judged))))
