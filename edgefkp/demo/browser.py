"""The browser as the edge device: pages and files for running a .tflite file on the visitor's own machine by LiteRT.js.

LiteRT.js is served from a local copy (npm packages, 38 MB), made once by the user; nothing comes from elsewhere.
"""

import base64
import functools
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.bench.examination import rounds_activations
from edgefkp.demo.answers import KINDS, Answer, Get, as_json
from edgefkp.demo.browser_finder import finder_pages, page_finder
from edgefkp.demo.pages import css_color, legend, page_file
from edgefkp.demo.server import Server
from edgefkp.detect import presence
from edgefkp.detect.detector import MAX_ROLL, SAME_FACE, SURE
from edgefkp.detect.finders import DEFAULT
from edgefkp.detect.overlay import DOUBTED, FAINTEST, dot_size, name_columns
from edgefkp.detect.smoothing import OneEuro
from edgefkp.detect.tracker import LOST, MAX_MOTION, MAX_PREDICTIONS, REDISCOVER, REGAIN, TRACK_THRESHOLD
from edgefkp.export.schemes import parse_tflite
from edgefkp.files import cache_dir
from edgefkp.geometry import Box, crop_face, reframed
from edgefkp.layout import KAGGLE15, REFERENCE_SIDE, SIDE_COLORS, ModelSpec, side_of
from edgefkp.runtime.metadata import spec_of

PAGE = "browser.html"
SHARED = ("style.css", "controls.js")  # with the live page
SCRIPTS = (
    "accelerators.js",
    "browser.js",
    "camera.js",
    "drawing.js",
    "finder.js",
    "geometry.js",
    "network.js",
    "presence.js",
    "tracker.js",
)
PACKAGES = ("core", "wasm-utils")
VERSION = "2.5.3"  # of both packages, the one this was tested with
DRAWN = 20  # drawn faces on which, with the reference images, browser and Python are compared


def litert_folder() -> Path:
    """Where LiteRT.js is looked for when no folder is given."""
    return cache_dir() / "litertjs"


def install_line(folder: Path | None = None) -> str:
    packages = " ".join(f"@litertjs/{name}@{VERSION}" for name in PACKAGES)
    return f"npm install --prefix {folder or litert_folder()} {packages}"


def browser_pages(
    choices: list[Path], litert: Path | None = None, at_root: bool = False, finder: str = DEFAULT
) -> dict[str, Get]:
    """The pages of the server: /browser, its scripts, LiteRT.js, the models, and Python's predictions to compare with.

    choices: the .tflite files on offer. litert: the folder given to `npm install --prefix`. finder: as
    `edgefkp demo --finder` takes it; raises what `page_finder` does.
    """
    folder = litert or litert_folder()
    library = _library(folder)
    models = {path.stem: path for path in choices}

    def setup(rest: str) -> Answer:
        missing = "" if library else install_line(folder)
        specs = {name: _spec(path) for name, path in models.items()}
        own = {"models": specs, "install": missing, "legend": legend()}
        return as_json({**own, **_constants()})

    def model(rest: str) -> Answer | None:
        path = models.get(rest)
        return Answer(path.read_bytes()) if path else None

    def golden(rest: str) -> Answer | None:
        return as_json(_golden(models[rest])) if rest in models else None

    def library_file(rest: str) -> Answer | None:
        path = library.get(rest)
        return Answer(path.read_bytes(), KINDS[path.suffix]) if path else None

    pages: dict[str, Get] = {
        "/browser": page_file(PAGE),
        **{f"/{name}": page_file(name) for name in (*SHARED, *SCRIPTS)},
        "/setup.json": setup,
        **finder_pages(page_finder(finder)),
        "/models/": model,
        "/golden/": golden,
        "/litert/": library_file,
    }
    if at_root:
        pages["/"] = page_file(PAGE)
    return pages


def browser_server(
    choices: list[Path],
    host: str = "127.0.0.1",
    port: int = 8000,
    tls: tuple[Path, Path] | None = None,
    litert: Path | None = None,
    finder: str = DEFAULT,
) -> Server:
    """Only the page where the visitor's own browser runs the model: there is no source and no pipeline here."""
    pages = browser_pages(choices, litert, at_root=True, finder=finder)
    return Server(pages, lambda path: False, host, port, tls)


def _library(folder: Path) -> dict[str, Path]:
    """Path under /litert/ -> file, for the scripts and WebAssembly of the packages; empty where one is missing."""
    root = folder / "node_modules" / "@litertjs"
    if not all((root / name / "dist" / "index.js").is_file() for name in PACKAGES):
        return {}
    return {
        path.relative_to(root).as_posix(): path
        for name in PACKAGES
        for path in (root / name).rglob("*")
        if path.suffix in (".js", ".wasm")
    }


@functools.lru_cache(maxsize=256)
def _spec(model: Path) -> dict[str, Any]:
    """Input and points of a model, as the script needs them."""
    spec = spec_of(model) or ModelSpec()
    layout = spec.layout
    mean, deviation = spec.input.mean_and_deviation
    part, convert, size = presence.judged(layout)
    return {
        "side": spec.input.side,
        "channels": spec.input.channels,
        "mean": mean,
        "deviation": deviation,
        "blueFirst": spec.input.order == "bgr",
        "channelsFirst": spec.input.axes == "CHW",
        "unit": spec.unit,
        "zero": spec.zero,
        "stride": spec.output.numbers_a_point,
        "output": _outputs(model)[0] if spec.output.points else 0,
        "deviationOutput": _outputs(model)[1] if spec.output.deviation else None,
        "points": layout.points,
        "meanShape": layout.mean_points(spec.input.side),
        "colors": [css_color(SIDE_COLORS[side_of(point)]) for point in layout.points],
        "dot": dot_size(layout),
        "doubted": [*DOUBTED, FAINTEST],
        "judged": {"steps": convert.steps, "meanShape": part.mean_points(spec.input.side), "size": size},
        "lines": [layout.rows(*line) for line in layout.lines],
        "nameColumns": name_columns(layout),
        "reframed": reframed(Box(0, 0, 1), KAGGLE15, layout)._asdict(),
        "rounds": rounds_activations(parse_tflite(model).scheme),
    }


def _outputs(model: Path) -> tuple[int, int | None]:
    """Which output holds the points, and which the deviations; LiteRT.js has them in the same order, under other
    names."""
    from edgefkp.runtime import interpreters, safety

    safety.check(model)
    loaded = interpreters.load(model)
    return loaded.points_output or 0, loaded.deviation_output


@functools.cache
def _constants() -> dict[str, Any]:
    """What the script has in common with Python, so that it stands in one place."""
    check = presence.fitted()
    return {
        "presence": {
            "referenceSide": REFERENCE_SIDE,
            "patch": presence.PATCH,
            "margin": presence.MARGIN,
            "blur": presence.BLUR,
            "shapeLimit": presence.SHAPE_LIMIT,
            "scaleLimits": presence.SCALE_LIMITS,
            "faceThreshold": presence.FACE_THRESHOLD,
            "trackThreshold": TRACK_THRESHOLD,
            "hidden": check.hidden.ravel(),
            "hiddenBias": check.hidden_bias,
            "out": check.out,
            "bias": check.bias,
        },
        "tracking": {
            "maxPredictions": MAX_PREDICTIONS,
            "maxMotion": MAX_MOTION,
            "rediscover": REDISCOVER,
            "lost": LOST,
            "regain": REGAIN,
            "sameFace": SAME_FACE,
            "maxRoll": MAX_ROLL,
            "sure": SURE,
        },
        "oneEuro": {
            "minCutoff": OneEuro.MIN_CUTOFF,
            "beta": OneEuro.BETA,
            "speedCutoff": OneEuro.SPEED_CUTOFF,
            "usual": OneEuro.USUAL,
        },
    }


def _golden_images(spec: ModelSpec) -> np.ndarray:
    """(N, *spec.input.image_shape) uint8: the reference images and some drawn faces, cut as the model's crops are."""
    from edgefkp.data.synthetic import SHIPPED
    from edgefkp.runtime.reference_vectors import VECTORS, read_reference_vectors

    with np.load(SHIPPED) as arrays:
        drawn = arrays["images"][:DRAWN]
    images = np.concatenate([read_reference_vectors().images, drawn]) if VECTORS.exists() else drawn
    side = images.shape[1]
    whole = Box((side - 1) / 2, (side - 1) / 2, side)
    box = reframed(whole, KAGGLE15, spec.layout)
    if images.shape[1:] == spec.input.image_shape and box == whole:
        return images
    return np.stack([crop_face(image, box, spec.input) for image in images])


@functools.lru_cache(maxsize=16)
def _golden(model: Path) -> dict[str, Any]:
    """Images (base64 of uint8), the keypoints that Python's runtime predicts for them, and the presence scores."""
    from edgefkp.runtime.predictor import open_predictor

    predictor = open_predictor(model)
    images = _golden_images(predictor.spec)
    keypoints, deviations = predictor.predict_with_deviation(images)
    check = presence.fitted()
    return {
        "runtime": f"{predictor.runtime} {predictor.version}",
        "images": base64.b64encode(images.tobytes()).decode(),
        "keypoints": keypoints,
        **({} if deviations is None else {"deviations": deviations}),
        "scores": [
            check(image, points, predictor.spec.layout) for image, points in zip(images, keypoints, strict=True)
        ],
    }
