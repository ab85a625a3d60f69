"""Rows to doubt: points outside of their image, of no face, copied, filled in; persons that are none."""

from __future__ import annotations

from collections import Counter

import numpy as np

from edgefkp.data.labels.fit import Fit
from edgefkp.data.labels.options import UPRIGHT
from edgefkp.data.labels.seen import MOST, Found, Seen
from edgefkp.data.own_layout import is_own
from edgefkp.errors import some
from edgefkp.layout import REFERENCE_SIDE

# Of 20,000 labeled faces, one had a point 0.13 of its size outside of its image, and none was farther.
_OUTSIDE = 0.15  # of the face's longer side
_AROUND = 0.2  # of the image: how far the middle of most faces is from the image's
_SMALL = 4  # pixels
_COPIED = (3, 0.005)  # faces, and their share: 2 of 3,168 frames of videos had the points of another
_FILLED = (5, 0.05)  # faces, and their share: no point of a good data set is exactly the same in 1 % of its faces
_CARRIED = (10, 0.02)  # the same for points that equal those of the row above: 0.04 % of a good data set
# Pixels of REFERENCE_SIDE that the median of a point is off its place in the mean shape: at most 3.6 in six good data
# sets. What is doubtful, and what cannot be meant.
_DISPLACED = (10, 18)
_ENOUGH = 5  # faces, and points of a face
_MANY = 10  # faces: below, every row may well be a person


def outside(seen: Seen) -> Found:
    of = seen.sized & (seen.fit.beyond(seen.raw.sizes) > _OUTSIDE * seen.fit.extents)
    if not of.any():
        return [], seen
    farthest = np.nanmax((seen.fit.beyond(seen.raw.sizes) / seen.fit.extents)[of])
    what = f"have points outside of their image, by up to {farthest:.2f} of the face"
    many = of.sum() > MOST * seen.sized.sum()
    if many and _from_the_middle(seen):
        cure = "if they count from the middle of the image, add half of its width and height to x and y"
        return [seen.finding("outside", of, what, cure, refused=True)], seen
    cure = "give the images that the points were placed on" if many else "look at them: are these points right?"
    return [seen.finding("outside", of, what, cure, refused=bool(many))], seen


def _from_the_middle(seen: Seen) -> bool:
    """Faces lie around (0, 0), and would lie in their images by half of these."""
    sizes = seen.raw.sizes[seen.sized]
    middles = seen.fit.middles[seen.sized] / sizes
    moved = Fit((seen.points[seen.sized] + sizes[:, None] / 2).astype(np.float32), seen.layout)
    inside = moved.beyond(sizes) <= _OUTSIDE * moved.extents
    return bool((np.abs(np.median(middles, 0)) < _AROUND).all() and inside.mean() > MOST)


def small(seen: Seen) -> Found:
    found = []
    extents = seen.fit.extents
    one_place = extents == 0
    if one_place.any():
        cure = "leave out points that are not known: an empty cell"
        found.append(seen.finding("one place", one_place, "have all their points in one place", cure))
    if (few := (extents > 0) & (extents < _SMALL)).any():
        read = f" read as {seen.options.unit}" if seen.options.unit else ""
        what = f"are less than {_SMALL} pixels wide and high{read}"
        found.append(seen.finding("small", few, what, "give the points in pixels of their image"))
    return found, seen


def no_face(seen: Seen) -> Found:
    of = seen.fit.like_no_face & (seen.fit.extents >= _SMALL)
    if not of.any():
        return [], seen
    many = of.sum() > MOST * (seen.fit.counts > 0).sum()
    what = "have points that form no face"
    if many:
        names = ", ".join(seen.raw.layout.points[:3])
        cure = f"give the points in the order of {seen.raw.layout.name}: {names}, ..."
    else:
        cure = "look at them: another order, or points of two faces?"
    return [seen.finding("no face", of, what, cure)], seen


def displaced(seen: Seen) -> Found:
    """One point, or two that are swapped, in the wrong place in all faces; the mean shape is that of known names."""
    upright = (seen.ways == UPRIGHT) & (seen.fit.counts >= _ENOUGH)
    if is_own(seen.raw.layout) or upright.sum() < _ENOUGH:
        return [], seen
    off = np.linalg.norm(seen.fit.laid()[upright] - seen.layout.mean_points(), axis=-1)
    labeled = ~np.isnan(off)
    typical = np.array([np.median(off[has, k]) if (has := labeled[:, k]).any() else 0.0 for k in range(off.shape[1])])
    far = [k for k in np.argsort(-typical).tolist() if typical[k] > _DISPLACED[0] and labeled[:, k].sum() >= _ENOUGH]
    if not far:
        return [], seen
    names = some([seen.raw.layout.points[k] for k in far], 3)
    by = f"{100 * typical[far[0]] / REFERENCE_SIDE:.0f} % of the crop"
    what = f"have {names} far from its place in a face, in most by {by}"
    cure = "correct these columns, or give a point of another meaning another name"
    of = upright & ~np.isnan(seen.points[:, far]).any(-1).all(1)
    return [seen.finding("displaced", of, what, cure, refused=bool(typical[far[0]] > _DISPLACED[1]))], seen


def copies(seen: Seen) -> Found:
    labeled = np.flatnonzero(seen.fit.counts > 0)
    counts = Counter(contents := [seen.points[row].tobytes() for row in labeled.tolist()])
    extra = len(contents) - len(counts)
    if extra < _COPIED[0] or extra < _COPIED[1] * len(labeled):
        return [], seen
    of = np.zeros(len(seen.points), bool)
    of[labeled] = [counts[content] > 1 for content in contents]
    what, cure = "have exactly the points of another face", "look at them: copied rows?"
    one_for_all = len(counts) == 1 and len(contents) >= _MANY
    return [seen.finding("copies", of, what, cure, refused=one_for_all)], seen


def filled_in(seen: Seen) -> Found:
    """The mean in place of missing points, or those of the row above."""
    once = list({face.tobytes(): row for row, face in enumerate(seen.points)}.values())
    places = seen.points.astype(np.float64) @ (1, 1j)
    names = []
    of = np.zeros(len(seen.points), bool)
    for k, name in enumerate(seen.raw.layout.points):
        own = places[once, k]
        values, counts = np.unique(own[~np.isnan(own)], return_counts=True)
        if len(values) and counts.max() >= max(_FILLED[0], _FILLED[1] * counts.sum()):
            names.append(name)
            of |= places[:, k] == values[counts.argmax()]
    carried = (seen.points[1:] == seen.points[:-1]).all(-1)
    carried[carried.all(1)] = False
    if carried.sum() >= max(_CARRIED[0], _CARRIED[1] * carried.size):
        names += [name for k, name in enumerate(seen.raw.layout.points) if carried[:, k].any() and name not in names]
        of[1:] |= carried.any(1)
    if not names:
        return [], seen
    what = f"have the same {names[0]}{f' (and {len(names) - 1} other points)' if len(names) > 1 else ''} as others"
    cure = "if missing points were filled in, give the table as it was before: --imputation does that in training"
    return [seen.finding("filled in", of, what, cure, refused=False)], seen


def persons(seen: Seen) -> Found:
    named = seen.raw.persons
    if named is None or len(named) < 2:
        return [], seen
    everyone = np.ones(len(named), bool)
    different = len(np.unique(named))
    if different == 1:
        what = f"are of one person, '{str(named[0])[:40]}'"
        cure = "give a column person with a name for each, or none"
        return [seen.finding("persons", everyone, what, cure, refused=False)], seen
    if different == len(named) >= _MANY:
        what = "are each of another person"
        cure = "if persons repeat, name them: else scores are too good"
        return [seen.finding("persons", everyone, what, cure, refused=False)], seen
    return [], seen
