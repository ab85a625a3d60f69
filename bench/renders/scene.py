"""A picture of a head: expression, pose, camera, light, glasses, background and what the camera does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.renders.head import LANDMARKS, LASHES, Head
from bench.renders.look import Look, colors, drawn_look, hair_share, pupils
from bench.renders.raster import normals_of, rasterize
from edgefkp.layout import KAGGLE15
from edgefkp.layouts.ibug68 import IBUG68
from edgefkp.layouts.maps import conversion

SIDE = 192  # pixels of an image
BALL = 1.2  # cm, radius of an eyeball


class Render(NamedTuple):
    image: np.ndarray  # (SIDE, SIDE, 3) uint8 BGR
    keypoints: np.ndarray  # (15, 2) float32 pixels, of KAGGLE15


@dataclass(frozen=True)
class View:
    """Where the head is and what it is seen with."""

    turn: np.ndarray  # (3, 3)
    distance: float  # cm
    zoom: float  # pixels a cm at that distance
    middle: np.ndarray  # (2,) pixels, of the nose's bridge

    def project(self, shape: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """(V, 3): x, y in pixels, and depth, larger is closer."""
        turned = (shape - origin) @ self.turn.T
        scale = self.zoom * self.distance / (self.distance - turned[:, 2:])
        flat = turned[:, :2] * (1, -1) * scale + self.middle
        return np.column_stack([flat, turned[:, 2]]).astype(np.float32)


class Artist:
    """Draws pictures of a head model; the same ones for the same seed."""

    def __init__(self, head: Head, seed: int) -> None:
        self.head, self.random = head, np.random.default_rng(seed)
        self._convert = conversion(IBUG68, KAGGLE15)

    def draw(self) -> Render:
        random, head = self.random, self.head
        look = drawn_look(random)
        identity = random.normal(0, 0.9, len(head.identities)).clip(-2.5, 2.5)
        shape = head.shape(identity, self._expression())
        view = self._view()
        origin = shape[LANDMARKS[27]]
        points = self._points(view.project(shape, origin), view.project(pupils(shape), origin))
        drawn = self._with_hair(look, shape)
        flat = view.project(drawn, origin)
        seen = rasterize(flat, head.triangles, SIDE, SIDE)
        albedo = colors(look, head, seen, shape, random)
        normals = seen.mix(normals_of(drawn, head.triangles) @ view.turn.T.astype(np.float32), head.triangles)
        image = self._background(look, flat)
        flat_image = image.reshape(-1, 3)
        flat_image[seen.pixels] = self._lit(albedo, normals, head.surfaces[seen.triangles] == LASHES)
        if random.random() < 0.2:
            image = self._glasses(image, view, shape, origin)
        if random.random() < 0.12:
            image = self._occluder(image)
        return Render(self._photographed(image), points)

    def _expression(self) -> dict[str, float]:
        """Weights of some expressions, one side about as strong as the other."""
        random = self.random
        found: dict[str, float] = {}

        def both(name: str, weight: float) -> None:
            for side in ("_L", "_R"):
                found[f"{name}{side}"] = float(np.clip(weight * random.normal(1, 0.15), 0, 1))

        if random.random() < 0.5:
            smile = random.uniform(0.2, 1)
            both("mouthSmile", smile)
            both("cheekSquint", 0.7 * smile)
            if random.random() < 0.6:
                both("mouthUpperUp", random.uniform(0, 0.5) * smile)
        if random.random() < 0.4:
            found["jawOpen"] = random.beta(1.2, 3)
        for name, chance, most in (
            ("mouthFrown", 0.12, 0.7), ("mouthStretch", 0.1, 0.6), ("mouthPress", 0.12, 0.7), ("mouthDimple", 0.1, 0.7),
            ("mouthLowerDown", 0.15, 0.6), ("browDown", 0.25, 0.9), ("browInnerUp", 0.2, 0.8),
            ("browOuterUp", 0.2, 0.8),
            ("eyeSquint", 0.3, 0.8), ("eyeWide", 0.15, 0.8), ("noseSneer", 0.12, 0.7),
        ):  # fmt: skip
            if random.random() < chance:
                both(name, random.uniform(0, most))
        for name in ("mouthPucker", "mouthFunnel", "mouthLeft", "mouthRight", "jawLeft", "jawRight", "mouthShrugLower"):
            if random.random() < 0.07:
                found[name] = random.uniform(0, 0.6)
        both("eyeBlink", random.uniform(0.5, 1) if random.random() < 0.07 else random.uniform(0, 0.3))
        aside, up = random.normal(0, 0.3, 2)
        found["eyeLookOut_L" if aside > 0 else "eyeLookIn_L"] = min(abs(aside), 1)
        found["eyeLookIn_R" if aside > 0 else "eyeLookOut_R"] = min(abs(aside), 1)
        both("eyeLookUp" if up > 0 else "eyeLookDown", min(abs(up), 1))
        return {name: weight for name, weight in found.items() if name in self.head.names}

    def _view(self) -> View:
        random = self.random
        yaw = np.radians(np.clip(random.normal(0, 20), -60, 60))
        pitch = np.radians(np.clip(random.normal(0, 9), -30, 30))
        roll = np.radians(np.clip(random.normal(0, 7), -30, 30))
        cos, sin = np.cos, np.sin
        about_y = np.array([(cos(yaw), 0, sin(yaw)), (0, 1, 0), (-sin(yaw), 0, cos(yaw))])
        about_x = np.array([(1, 0, 0), (0, cos(pitch), -sin(pitch)), (0, sin(pitch), cos(pitch))])
        about_z = np.array([(cos(roll), -sin(roll), 0), (sin(roll), cos(roll), 0), (0, 0, 1)])
        middle = SIDE * np.array([0.5, 0.46]) + random.normal(0, 5, 2)
        return View(about_z @ about_x @ about_y, random.uniform(45, 250), random.uniform(7.0, 9.0), middle)

    def _points(self, flat: np.ndarray, eyes: np.ndarray) -> np.ndarray:
        """The 15 points: those of the 68 landmarks, and the middles of the irises."""
        points = self._convert(flat[list(LANDMARKS), :2].astype(np.float32))
        for name, eye in zip(("left_eye_center", "right_eye_center"), eyes, strict=True):
            points[KAGGLE15.points.index(name)] = eye[:2]
        return points

    def _with_hair(self, look: Look, shape: np.ndarray) -> np.ndarray:
        share = hair_share(look, self.head, self.head.neutral)
        share[list(LANDMARKS)] = 0
        outward = normals_of(shape, self.head.triangles)
        wavy = 1 + 0.3 * np.sin(3 * self.head.neutral @ self.random.normal(0, 0.5, (3, 1)))[:, 0]
        return shape + (share * wavy * look.volume)[:, None] * outward

    def _lit(self, albedo: np.ndarray, normals: np.ndarray, flat: np.ndarray) -> np.ndarray:
        """RGB 0 to 1 of the pixels under an ambient light and up to three lamps."""
        random = self.random
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        light = np.full((len(albedo), 3), random.uniform(0.25, 0.7)) * (1 + 0.25 * normals[:, 1:2])
        shine = np.zeros((len(albedo), 1))
        for number in range(random.integers(1, 4)):
            direction = random.normal((0, 0.4, 0.8), (1.2, 0.7, 0.5))
            direction /= np.linalg.norm(direction)
            strength = random.uniform(0.3, 1.0) / (1 + number)
            tint = 1 + random.normal(0, 0.06, 3)
            wrap = random.uniform(0, 0.4)  # light that goes around, as through skin or from a large lamp
            shade = np.clip((normals @ direction + wrap) / (1 + wrap), 0, None)[:, None]
            light = light + strength * shade * tint
            half = direction + np.array((0, 0, 1))
            half /= np.linalg.norm(half)
            shine = shine + strength * np.clip(normals @ half, 0, 1)[:, None] ** random.uniform(10, 40)
        lit = albedo * light + random.uniform(0, 0.25) * shine * ~flat[:, None]
        return np.clip(lit, 0, 1)

    def _background(self, look: Look, flat: np.ndarray) -> np.ndarray:
        """(SIDE, SIDE, 3) RGB 0 to 1: blurred noise at several sizes, shoulders, and long hair behind the head."""
        import cv2

        random = self.random
        image = np.full((SIDE, SIDE, 3), random.uniform(0, 1, 3))
        for cells in (2, 5, 12, 40):
            noise = random.normal(0, random.uniform(0, 0.16), (cells, cells, 1)) + random.normal(
                0, 0.03, (cells, cells, 3)
            )
            how = cv2.INTER_LINEAR if random.random() < 0.7 else cv2.INTER_NEAREST
            image = image + cv2.resize(noise, (SIDE, SIDE), interpolation=how)
        image = np.clip(image, 0, 1)
        chin = flat[LANDMARKS[8], :2]
        if random.random() < 0.35 and look.hairline < 50:
            middle = (flat[LANDMARKS[27], :2] + chin) / 2
            axes = (int(SIDE * random.uniform(0.3, 0.42)), int(SIDE * random.uniform(0.35, 0.6)))
            cv2.ellipse(image, tuple(map(int, middle)), axes, 0, 0, 360, look.hair.tolist(), -1, cv2.LINE_AA)
        x, y = chin[0], chin[1] + SIDE * 0.17
        corners = np.array(
            [(x - 20, y), (x + 20, y), (x + 110, y + 45), (x + 130, 2 * SIDE), (x - 130, 2 * SIDE), (x - 110, y + 45)]
        )
        cv2.fillPoly(image, [corners.astype(np.int32)], random.uniform(0, 1, 3).tolist(), cv2.LINE_AA)
        return image

    def _glasses(self, image: np.ndarray, view: View, shape: np.ndarray, origin: np.ndarray) -> np.ndarray:
        import cv2

        random = self.random
        wide, high, square = random.uniform(2.2, 3.1), random.uniform(1.5, 2.4), random.uniform(0.5, 1)
        around = np.linspace(0, 2 * np.pi, 41)
        cosine, sine = np.cos(around), np.sin(around)
        rim = np.stack(
            [np.sign(cosine) * np.abs(cosine) ** square * wide, np.sign(sine) * np.abs(sine) ** square * high], 1
        )
        eyes = pupils(shape)
        front = eyes[:, 2].max() + random.uniform(0.8, 1.6)
        color, tint = random.uniform(0, 0.5, 3) * random.uniform(0, 1), random.uniform(0, 0.3, 3)
        dark = random.uniform(0.6, 0.97) if random.random() < 0.25 else random.uniform(0, 0.15)
        thick, lenses = int(random.integers(1, 4)), []
        for eye in eyes:
            ring = np.column_stack([rim + eye[:2] - (0, 0.3), np.full(len(rim), front)])
            lenses.append(view.project(ring, origin)[:, :2])
        shaded = image.copy()
        for lens in lenses:
            cv2.fillPoly(shaded, [(lens * 16).astype(np.int32)], tint.tolist(), cv2.LINE_AA, 4)
        image = (1 - dark) * image + dark * shaded
        ear = eyes + np.sign(eyes[:, :1]) * (4.2, 0, 0) - (0, 0, 9)
        hinge = eyes + np.sign(eyes[:, :1]) * (wide, 0, 0)
        hinge[:, 2] = front
        near = view.turn @ (np.sign(eyes[:, :1]) * (1, 0, 0)).T  # (3, 2); the side that turns to the camera is seen
        lines = [
            *lenses,
            view.project(
                np.stack([[eyes[0, 0] - wide, eyes[0, 1], front], [eyes[1, 0] + wide, eyes[1, 1], front]]), origin
            )[:, :2],
        ]
        lines += [
            view.project(np.stack(pair), origin)[:, :2]
            for pair, side in zip(zip(hinge, ear, strict=True), near[2], strict=True)
            if side > -0.1
        ]
        for line in lines:
            cv2.polylines(image, [(line * 16).astype(np.int32)], False, color.tolist(), thick, cv2.LINE_AA, 4)
        return image

    def _occluder(self, image: np.ndarray) -> np.ndarray:
        """Something before the face: a blob in one color, as a hand, a cup or a microphone."""
        import cv2

        random = self.random
        middle = tuple(int(value) for value in SIDE * random.uniform((0.2, 0.4), (0.8, 0.9)))
        axes = tuple(int(value) for value in SIDE * random.uniform(0.05, 0.22, 2))
        drawn = image.copy()
        cv2.ellipse(
            drawn, middle, axes, random.uniform(0, 180), 0, 360, random.uniform(0, 0.9, 3).tolist(), -1, cv2.LINE_AA
        )
        return drawn

    def _photographed(self, image: np.ndarray) -> np.ndarray:
        """Softness, exposure, gamma and noise; BGR uint8."""
        import cv2

        random = self.random
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.3))
        image = np.clip(image * random.uniform(0.75, 1.3), 0, 1) ** random.uniform(0.6, 1.1)
        image = image + random.normal(0, random.uniform(0, 0.04), image.shape)
        if random.random() < 0.3:
            image = np.repeat(image.mean(2, keepdims=True), 3, 2)
        return (255 * np.clip(image, 0, 1)).astype(np.uint8)[..., ::-1].copy()
