"""What a head looks like: the color of each pixel's skin, hair, brows, lips, beard and eyes, without light.

Places are those of the neutral head, so that what is painted moves with the face. Everything is drawn by chance; brows
follow the landmarks that their points are, irises the gaze.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from bench.renders.head import BACK, EYES_FROM, FACE, GUMS, LANDMARKS, LASHES, TEETH, Head
from bench.renders.raster import Seen

# RGB, light to dark, between which a skin is drawn.
SKINS = np.array([(0.92, 0.74, 0.65), (0.80, 0.60, 0.48), (0.62, 0.43, 0.32), (0.42, 0.28, 0.20), (0.26, 0.17, 0.13)])
HAIRS = np.array([(0.05, 0.04, 0.04), (0.14, 0.09, 0.06), (0.30, 0.19, 0.11), (0.55, 0.40, 0.22), (0.62, 0.60, 0.58)])
IRISES = np.array([(0.16, 0.09, 0.05), (0.25, 0.16, 0.08), (0.30, 0.42, 0.52), (0.32, 0.38, 0.26)])
IRIS_RADIUS = 0.6  # cm
MOUTH_SOCKET, EYE_SOCKETS = slice(11248, 13294), slice(13294, 14062)  # vertices
BROWS = (LANDMARKS[17:22], LANDMARKS[22:27])
LIPS_OUTER, LIPS_INNER = LANDMARKS[48:60], LANDMARKS[60:68]


@dataclass(frozen=True)
class Look:
    """One person's appearance."""

    skin: np.ndarray  # (3,) RGB, 0 to 1
    hair: np.ndarray  # (3,)
    iris: np.ndarray  # (3,)
    lips: float  # how much redder than the skin
    blotches: np.ndarray  # (n, 5): a wave vector (3,), its phase and its strength
    brows: tuple[float, float, float]  # how dark, half their width, and how far they lie below their points, cm
    hairline: float  # cm above the brows; 99: bald
    sides: float  # cm behind the eyes' corners where the hair of the temples begins
    volume: float  # cm that the hair stands off
    beard: float  # how dark
    moustache: float
    pupil: float  # cm, radius
    lashes: float  # how bright, as a share of the skin


def drawn_look(random: np.random.Generator) -> Look:
    tone = random.uniform(0, len(SKINS) - 1)
    skin = np.array([np.interp(tone, np.arange(len(SKINS)), SKINS[:, channel]) for channel in range(3)])
    dark = random.random() < 0.5 + tone / 8
    hair = HAIRS[random.integers(0, 2 if dark else len(HAIRS))] * random.uniform(0.7, 1.3)
    waves = random.normal(0, 1, (12, 5)) * (1.2, 1.2, 1.2, 3.0, 0.02)
    bearded = random.random() < 0.3
    return Look(
        np.clip(skin * random.normal(1, 0.05, 3), 0.05, 1),
        hair,
        IRISES[random.integers(0, len(IRISES) if not dark else 2)],
        random.uniform(0.05, 0.5),
        waves,
        (random.uniform(0.2, 0.95), random.uniform(0.2, 0.42), random.uniform(-0.05, 0.15)),
        99.0 if random.random() < 0.1 else random.uniform(3.0, 6.5) if random.random() < 0.8 else random.uniform(0, 3),
        random.uniform(1.0, 4.0),
        random.uniform(0.2, 2.2),
        random.uniform(0.2, 0.9) if bearded else 0.0,
        random.uniform(0.2, 0.9) if bearded or random.random() < 0.08 else 0.0,
        random.uniform(0.15, 0.3),
        random.uniform(0.15, 0.8),
    )


def segment_distance(places: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(N,) from (N, 2) places to a polyline (M, 2)."""
    best = np.full(len(places), np.inf, np.float32)
    for start, end in itertools.pairwise(line):
        along = end - start
        share = np.clip((places - start) @ along / max(along @ along, 1e-9), 0, 1)
        best = np.minimum(best, np.linalg.norm(places - start - share[:, None] * along, axis=1))
    return best


def inside(places: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(N,) bool: which of (N, 2) places lie in a polygon (M, 2)."""
    result = np.zeros(len(places), bool)
    for start, end in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        crosses = (start[1] > places[:, 1]) != (end[1] > places[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            at = (end[0] - start[0]) * (places[:, 1] - start[1]) / (end[1] - start[1]) + start[0]
        result ^= crosses & (places[:, 0] < at)
    return result


def hair_share(look: Look, head: Head, places: np.ndarray) -> np.ndarray:
    """(N,) 0 to 1: how much hair grows at places (N, 3) of the neutral head."""
    if look.hairline > 50:
        return np.zeros(len(places), np.float32)
    brow = head.neutral[list(BROWS[0] + BROWS[1]), 1].mean()
    corner = head.neutral[[LANDMARKS[36], LANDMARKS[45]], 2].mean()
    ear = head.neutral[LANDMARKS[30], 1]  # the height of the nose's tip: below there is neck
    x, y, z = places.T
    top = y - (brow + look.hairline - 0.03 * x * x)
    temple = np.minimum(corner - look.sides - 2.5 - z, y - ear)
    ragged = 0.35 * np.sin(5.1 * x + 1.7 * y) * np.sin(4.3 * z + 2.9 * x)
    share: np.ndarray = np.clip((np.maximum(top, temple) + ragged) / 0.5, 0, 1).astype(np.float32)
    return share


def colors(look: Look, head: Head, seen: Seen, shape: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(N, 3) RGB, 0 to 1, of the pixels. shape: the head as it is drawn, (V, 3)."""
    places = seen.mix(head.neutral, head.triangles)
    surfaces = head.surfaces[seen.triangles]
    corner = head.triangles[seen.triangles, 0]
    waves = np.sin(places @ look.blotches[:, :3].T.astype(np.float32) + look.blotches[:, 3].astype(np.float32))
    tone = 1 + waves @ look.blotches[:, 4].astype(np.float32) + random.normal(0, 0.02, len(places)).astype(np.float32)
    found = look.skin * tone[:, None]
    found = _lips(look, head, places, surfaces, found)
    found = _beard(look, head, places, surfaces, found, random)
    grain = random.normal(1, 0.25, len(places)).astype(np.float32)
    for brow in BROWS:
        line = head.neutral[list(brow), :2] - (0, look.brows[2])
        near = np.clip(1.6 - segment_distance(places[:, :2], line) / look.brows[1], 0, 1)
        share = look.brows[0] * np.clip(near * grain, 0, 1) * (surfaces == FACE) * (places[:, 2] > 0)
        found += share[:, None] * (look.hair - found)
    strands = 1 + 0.25 * np.sin(17 * places[:, 0] + 5 * np.sin(2 * places[:, 1])) + 0.15 * (grain - 1)
    share = hair_share(look, head, places) * ((surfaces == FACE) | (surfaces == BACK))
    found += share[:, None] * (look.hair * strands[:, None] - found)
    socket = (corner >= MOUTH_SOCKET.start) & (corner < MOUTH_SOCKET.stop)
    found[socket] = (0.25, 0.08, 0.08)
    found[surfaces == GUMS] = (0.55, 0.22, 0.22)
    found[surfaces == TEETH] = (0.85, 0.82, 0.74)
    found[surfaces == LASHES] *= look.lashes
    return _eyes(look, head, seen, shape, found, corner)


def _lips(look: Look, head: Head, places: np.ndarray, surfaces: np.ndarray, found: np.ndarray) -> np.ndarray:
    outer, inner = (head.neutral[list(line), :2] for line in (LIPS_OUTER, LIPS_INNER))
    within = inside(places[:, :2], outer) & ~inside(places[:, :2], inner) & (surfaces == FACE) & (places[:, 2] > 0)
    redder = found * (1 + 0.2 * look.lips, 1 - 0.7 * look.lips, 1 - 0.6 * look.lips)
    return np.where(within[:, None], redder, found)


def _beard(
    look: Look, head: Head, places: np.ndarray, surfaces: np.ndarray, found: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    nose, mouth = head.neutral[LANDMARKS[33], 1], head.neutral[LANDMARKS[51], 1]
    lips = inside(places[:, :2], head.neutral[list(LIPS_OUTER), :2])
    x, y, _ = places.T
    beard = np.clip((mouth + 0.12 * np.abs(x) ** 1.5 - 0.8 - y) / 0.8, 0, 1) * look.beard
    over = np.clip(1 - np.abs(x) / 3.2, 0, 1) * ((y < nose) & (y > mouth - 0.5)) * look.moustache
    grain = np.clip(random.normal(0.85, 0.25, len(places)), 0, 1)
    share = np.maximum(beard, np.sqrt(over)) * grain * (surfaces == FACE) * ~lips
    return found + share[:, None] * (look.hair - found)


def pupils(shape: np.ndarray) -> np.ndarray:
    """(2, 3): the middles of the irises, the subject's left one first."""
    return np.stack([shape[iris:end].mean(0) for _, iris, end in EYES_FROM])


def _eyes(look: Look, head: Head, seen: Seen, shape: np.ndarray, found: np.ndarray, corner: np.ndarray) -> np.ndarray:
    at = seen.mix(shape, head.triangles)
    for start, iris, end in EYES_FROM:
        ball = (corner >= start) & (corner < end)
        middle = shape[start:iris].mean(0)
        gaze = shape[iris:end].mean(0) - middle
        gaze /= max(float(np.linalg.norm(gaze)), 1e-9)
        from_middle = at[ball] - middle
        along = from_middle @ gaze
        radius = np.where(along > 0, np.linalg.norm(from_middle - along[:, None] * gaze, axis=1), 9)[:, None]
        white = np.array((0.80, 0.77, 0.75))
        color = np.where(radius < IRIS_RADIUS, look.iris, white)
        color = np.where(np.abs(radius - IRIS_RADIUS) < 0.07, 0.4 * look.iris, color)
        found[ball] = np.where(radius < look.pupil, 0.02, color)
    return found
