"""Which point layout labels have: a known one by names or number, else one of their own, made from names and faces."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from edgefkp.errors import EdgefkpError, some, warn
from edgefkp.layout import KAGGLE15, LAYOUTS, PointLayout

_OWN = "own"  # begins the name of a layout of one's own
EXTENT = 0.72  # of the box, taken by a mean shape: scatter and a turned head move no chin out of a crop
_MARGIN = 0.06  # of the box: what lies nearer to its edge, or beyond, makes the box larger
_ROUNDS = 10  # the mean that faces are brought to is that of the round before
_NEAR = 0.2  # of a known layout's points that names lack, or have beside them, if they are taken for mistyped ones
_FEWEST_WITHOUT_NAMES = 20  # points: below, their number alone does not show which they are
_OFF = 0.2  # of the shape's size: a point and the mirror image of its counterpart are not farther apart
_LAYOUT_HINT = (
    "define the points in a JSON file (name, points, mean_shape, nme_pair, mirror), and give it: --layout FILE"
)
_SIDES = {"l": "left", "r": "right"}


def layout_of(
    names: Sequence[str],
    faces: np.ndarray,
    where: str,
    asked: PointLayout | None = None,
    lines: Sequence[tuple[str, str]] = (),
) -> tuple[PointLayout, list[int]]:
    """The layout of points with these names, and the places of its points among the names.

    faces: (N, K, 2) points in any pixels, NaN = missing, of which a layout of its own takes its mean shape. Names that
    are no more than numbers stand for a known layout of as many points. where: for messages. asked: what is taken where
    the names have all its points, or are as many numbers. lines: pairs of names, for drawing.
    Raises EdgefkpError if a point has no counterpart, or no face has it. What becomes of the points in a mirrored
    image may not be clear yet: the faces' points may be read by options (`made_again`).
    """
    if asked and (places := places_of(asked, names)):
        return asked, places
    if asked and without_names(names) and asked.count == len(names):
        return asked, list(range(len(names)))
    words = [_canonical(name) for name in names]
    for layout in LAYOUTS.values():
        if len(words) == layout.count and sorted(words) == sorted(layout.points):
            return layout, [words.index(point) for point in layout.points]
    if without_names(names) and len(names) >= _FEWEST_WITHOUT_NAMES:
        known = [layout for layout in LAYOUTS.values() if layout.count == len(names)]
        if len(known) == 1:
            return known[0], list(range(len(names)))
    _warn_of_near(words, where)
    return _own(tuple(names), faces, tuple(lines), where, strict=False), list(range(len(names)))


def _warn_of_near(words: list[str], where: str) -> None:
    """Names that are nearly those of a known layout may be mistyped, or have columns beside them that are no points."""
    near = min(LAYOUTS.values(), key=lambda layout: len({*layout.points} ^ {*words}) / layout.count)
    missing, more = ([*dict.fromkeys(one)] for one in (_without(near.points, words), _without(words, near.points)))
    if max(len(missing), len(more)) > max(1, _NEAR * near.count) or len(missing) == near.count:
        return
    found = f"lacks {some(missing, 3)}" if missing else f"has {some(more, 3)} beside them"
    hint = f"correct its name if it is one of these{'' if missing else f', or leave it out: --layout {near.name}'}"
    warn(f"{where} has {near.count - len(missing)} of the {near.count} points of {near.name} and {found}; {hint}")


def _without(some_names: Sequence[str], others: Sequence[str]) -> list[str]:
    return [name for name in some_names if name not in others]


def without_names(names: Sequence[str]) -> bool:
    """Whether they are numbers, or one word with numbers: 0 to 67, p1 to p68."""
    found = [re.fullmatch(r"(\D*)(\d+)", name) for name in names]
    return all(found) and len({one[1] for one in found if one}) == 1


def places_of(layout: PointLayout, names: Sequence[str]) -> list[int] | None:
    """Where the points of `layout` stand among these names; None where one is not there."""
    words = {_canonical(name): place for place, name in enumerate(names)}
    places = [words.get(_canonical(point)) for point in layout.points]
    return None if None in places else places  # type: ignore[return-value]


def _canonical(name: str) -> str:
    return re.sub(r"[\s.\-]+", "_", name.strip()).lower()


def _own(
    names: tuple[str, ...], faces: np.ndarray, lines: tuple[tuple[str, str], ...], where: str, strict: bool
) -> PointLayout:
    if never := [name for k, name in enumerate(names) if np.isnan(faces[:, k]).any(-1).all()]:
        raise EdgefkpError(
            f"{where}: no face has the point {never[0]}", "label it, or remove it from the labels' definition"
        )
    if len(names) < 2:
        raise EdgefkpError(f"{where}: each face has one point ({names[0]})", "two points or more show where a face is")
    shape = _mean_shape(faces)
    mirror = _mirror(names, shape, where, strict)
    shape = (shape + shape[list(mirror)] * (-1, 1) + (2 * _axis(shape, mirror), 0)) / 2
    known = tuple(pair for pair in lines if set(pair) <= set(names))
    shares = tuple((float(x), float(y)) for x, y in _framed(names, shape))
    return PointLayout(f"{_OWN}{len(names)}", names, shares, _nme_pair(names, shape, mirror), mirror, known)


def _words(name: str) -> tuple[str, ...]:
    """The words of a name, whatever it parts them by: leftEye, LEFT-EYE, lefteye, l_eye -> left, eye."""
    apart = re.sub(r"(?i)(left|right)", r"_\1_", name)
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+", apart)
    return tuple(_SIDES.get(word.lower(), word.lower()) for word in words)


def _mirror(names: tuple[str, ...], shape: np.ndarray, where: str, strict: bool) -> tuple[int, ...]:
    """By left and right in the names; a point without a side swaps with the one that lies where its mirror image does.

    Raises EdgefkpError for a side without its counterpart; strict: also where the place is not clear.
    """
    words = [_words(name) for name in names]
    swap = {"left": "right", "right": "left"}
    others = [tuple(swap.get(word, word) for word in one) for one in words]
    mirror = [words.index(other) if other in words else -1 for other in others]
    sided = [k for k in range(len(names)) if words[k] != others[k]]
    free = [k for k in range(len(names)) if words[k] == others[k]]
    if alone := [names[k] for k in sided if mirror[k] < 0]:
        raise EdgefkpError(f"{where}: {alone[0]} has no counterpart on the other side", _LAYOUT_HINT)
    size = float(np.ptp(shape, 0).max())
    x = _axis(shape[sided], [sided.index(mirror[k]) for k in sided]) if sided else _best_axis(shape)
    left = set(free)  # the closest two first, a point and itself among them
    for k, other in sorted(
        ((k, o) for k in free for o in free if k <= o), key=lambda pair: _off(shape, pair[0], pair[1], x)
    ):
        if k in left and other in left:
            mirror[k], mirror[other] = other, k
            left -= {k, other}
    if not strict:
        return tuple(mirror)
    unclear = [k for k in free if _off(shape, k, mirror[k], x) > _OFF * size]
    if unclear:
        raise EdgefkpError(
            f"{where}: it is not clear which point {names[unclear[0]]} becomes in a mirrored image: its name has no "
            "left or right, and no point lies where its mirror image does",
            f"name the points left_... and right_..., or {_LAYOUT_HINT}",
        )
    if guessed := [f"{names[k]} and {names[mirror[k]]}" for k in free if k < mirror[k]]:
        warn(
            f"{where}: names without left and right; by where they lie, these points swap in a mirrored image: "
            f"{some(guessed, 8)}"
        )
    return tuple(mirror)


def _off(shape: np.ndarray, k: int, other: int, x: float) -> float:
    return float(np.linalg.norm(shape[other] - (2 * x - shape[k, 0], shape[k, 1])))


def _axis(shape: np.ndarray, mirror: Sequence[int]) -> float:
    """x of the line about which the mean shape is its own mirror image, as well as it can be."""
    return float((shape[:, 0] + shape[list(mirror), 0]).mean() / 2)


def _best_axis(shape: np.ndarray) -> float:
    """x of the line about which the mirrored points lie nearest to points."""
    low, high = shape[:, 0].min(), shape[:, 0].max()

    def off(x: float) -> float:
        mirrored = np.column_stack([2 * x - shape[:, 0], shape[:, 1]])
        return float(np.linalg.norm(mirrored[:, None] - shape[None], axis=-1).min(1).sum())

    return min(np.linspace(low, high, 101).tolist(), key=off)


def _mean_shape(faces: np.ndarray) -> np.ndarray:
    """(K, 2): the mean of (N, K, 2) faces that are brought over each other by shift and scale; NaN = missing."""
    faces = faces.astype(np.float64)
    present = ~np.isnan(faces).any(-1)
    faces, present = faces[present.sum(1) >= 2], present[present.sum(1) >= 2]
    shape = faces[present.sum(1).argmax()]
    for _ in range(_ROUNDS):
        both = (present & ~np.isnan(shape).any(-1))[..., None]
        count = np.maximum(both.sum(1, keepdims=True), 1)
        face_middle = np.where(both, faces, 0).sum(1, keepdims=True) / count
        shape_middle = np.where(both, shape, 0).sum(1, keepdims=True) / count
        centered, target = np.where(both, faces - face_middle, 0), np.where(both, shape - shape_middle, 0)
        scale = (target**2).sum((1, 2)) / np.maximum((centered * target).sum((1, 2)), 1e-9)
        usable = (both.sum((1, 2)) >= 2) & np.isfinite(scale) & (scale < 1e6)
        moved = ((faces - face_middle) * scale[:, None, None] + shape_middle)[usable]
        seen = present[usable][..., None]
        shape = np.where(seen, moved, 0).sum(0) / np.where(seen.any(0), seen.sum(0), np.nan)
        shape = (shape - np.nanmean(shape, 0)) / max(float(np.nanstd(shape)), 1e-9)
    return shape


def _eyes(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The points of the left eye and of the right one, by their names: the centers where there are such."""
    found = {}
    for side in ("left", "right"):
        eye = [name for name in names if side in (words := _words(name)) and {"eye", "pupil"} & {*words}]
        eye = [name for name in eye if not {"brow", "eyebrow", "lash"} & {*_words(name)}]
        centers = [name for name in eye if {"center", "centre", "pupil"} & {*_words(name)}]
        found[side] = tuple(centers or eye)
    return (found["left"], found["right"]) if all(found.values()) else None


def _nme_pair(
    names: tuple[str, ...], shape: np.ndarray, mirror: tuple[int, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The eyes where names have them, else the two of both sides that are farthest apart, else any two."""
    if eyes := _eyes(names):
        return eyes
    distances = np.linalg.norm(shape[:, None] - shape[None], axis=-1)
    if any(k != other for k, other in enumerate(mirror)):
        far = max(range(len(names)), key=lambda k: float(distances[k, mirror[k]]))
        return (names[far],), (names[mirror[far]],)
    one, other = np.unravel_index(int(distances.argmax()), distances.shape)
    return (names[one],), (names[other],)


def _framed(names: tuple[str, ...], shape: np.ndarray) -> np.ndarray:
    """(K, 2) in units of the box of a training crop: eyes and mouth where those of the first layout are, else the
    shape in the middle of the box. The box is larger where points would lie at its edge."""
    here, there = _anchors(names, shape), _anchors(KAGGLE15.points, np.array(KAGGLE15.mean_shape))
    if here is not None and there is not None and len(here) == len(there):
        centered = here - here.mean(0)
        scale = (centered * (there - there.mean(0))).sum() / (centered**2).sum()
        framed = (shape - here.mean(0)) * scale + there.mean(0)
        out = max(float(np.abs(framed - 0.5).max()) / (0.5 - _MARGIN), 1.0)
        return np.asarray((framed - 0.5) / out + 0.5)
    low, high = shape.min(0), shape.max(0)
    return np.asarray(0.5 + (shape - (low + high) / 2) * EXTENT / (high - low).max())


def is_own(layout: PointLayout) -> bool:
    """Whether its mean shape is that of the faces that it was made for."""
    return layout.name == f"{_OWN}{layout.count}" and layout not in LAYOUTS.values()


def made_again(layout: PointLayout, faces: np.ndarray, where: str, strict: bool = True) -> PointLayout:
    """A layout of one's own with the mean shape of other (N, K, 2) points.

    strict: raise EdgefkpError where it is not clear what becomes of the points in a mirrored image.
    """
    return _own(layout.points, faces, layout.lines, where, strict)


def eyes_and_mouth(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] | None:
    """The points of the left eye, the right eye and the mouth, by their names; None where names lack one."""
    eyes = _eyes(names)
    mouth = tuple(name for name in names if {"mouth", "lip", "lips"} & {*_words(name)})
    return (*eyes, mouth) if eyes and mouth else None


def _anchors(names: Sequence[str], shape: np.ndarray) -> np.ndarray | None:
    """(3, 2): both eyes, by their place, and the mouth; None where names lack one."""
    if (parts := eyes_and_mouth(names)) is None:
        return None
    *eyes, mouth = [shape[[names.index(name) for name in part]].mean(0) for part in parts]
    return np.array([*sorted(eyes, key=lambda place: float(place[0])), mouth])
