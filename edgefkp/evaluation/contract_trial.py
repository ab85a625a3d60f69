"""Try a network's contract on labeled faces: in which input range and which output units do its points fit?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgefkp.data.faces import Dataset, Faces
from edgefkp.data.split import split
from edgefkp.errors import EdgefkpError
from edgefkp.evaluation.fitted import FittedFaces, fitted_faces
from edgefkp.evaluation.metrics import rmse
from edgefkp.layout import FORMS, ORDERS, SCALINGS, InputSpec, ModelSpec, OutputSpec

FACES = 64  # labeled training faces that a contract is tried on
CLEARLY = 0.5  # another contract is named if its error is at most this part of the assumed one's
HALF = 0.5  # pixels by which conventions of coordinates differ
SURE = 0.15  # pixels from that at which a mean error is taken for it
FAR = 1.5  # times the mean shape's error from which on a score is taken for a contract that is not the network's


@dataclass(frozen=True)
class Trial:
    """A contract, and how far the points are from the labels with it."""

    spec: ModelSpec
    # Pixels.
    rmse: float
    # What the mean shape of the same faces would score.
    mean_shape: float

    @property
    def fits(self) -> bool:
        return self.rmse < self.mean_shape

    def difference(self, assumed: ModelSpec) -> str:
        """The options that state what is other than in `assumed`."""
        here, there = self.spec, assumed
        pairs = (
            ("--input-range", here.input.scaling, there.input.scaling),
            ("--colors", here.input.order, there.input.order),
            ("--output-units", here.output.form, there.output.form),
            ("--output-offset", f"{here.output.offset:g}", f"{there.output.offset:g}"),
        )
        return " ".join(f"{option} {value}" for option, value, assumed_value in pairs if value != assumed_value)


def training_faces(source: Dataset, count: int = FACES) -> Faces:
    """At most `count` labeled faces of the training part, evenly spaced: no person of a test part is among them."""
    train = split(source).train
    rows = np.flatnonzero(train.labeled)
    return train.take(rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)])


def mean_shape_rmse(keypoints: np.ndarray) -> float:
    """What the mean of (N, K, 2) points scores on them."""
    keypoints = keypoints[:, ~np.isnan(keypoints).all((0, 2))]
    mean = np.nanmean(keypoints, 0)
    return rmse(np.broadcast_to(mean, keypoints.shape), keypoints)


def tried(predictor: Any, faces: Faces, name: str) -> list[Trial]:
    """Contracts other than that of `predictor`, and its own, the best first.

    predictor: as open_predictor loads it; name: of its file, for messages. Raises EdgefkpError where its points do not
    follow from those of the faces.
    """
    assumed: ModelSpec = predictor.spec
    fitted = fitted_faces(assumed, faces, name)
    mean_shape = mean_shape_rmse(fitted.faces.keypoints)
    found = []
    for input in _inputs(assumed.input):
        plain = replace(assumed.output, form="pixels", offset=0.0)
        try:
            numbers = replace(predictor, known_spec=replace(assumed, input=input, output=plain)).predict(
                fitted.seen.images
            )
        except EdgefkpError:  # not a number, for a range that is not the network's
            continue
        for output in _outputs(assumed.output):
            spec = replace(assumed, input=input, output=output)
            found.append(_trial(spec, numbers, fitted, mean_shape))
    # The assumed contract first among equals.
    return sorted(found, key=lambda trial: (trial.rmse, trial.spec != assumed))


def _inputs(assumed: InputSpec) -> Iterator[InputSpec]:
    yield assumed
    for order in ORDERS if assumed.channels > 1 else (assumed.order,):
        for scaling in SCALINGS:
            input = replace(assumed, scaling=scaling, order=order, mean=(), deviation=())
            if input != assumed:
                yield input


def _outputs(assumed: OutputSpec) -> Iterator[OutputSpec]:
    yield assumed
    yield from (replace(assumed, form=form, offset=0.0) for form in FORMS if form != assumed.form)


def _trial(spec: ModelSpec, numbers: np.ndarray, fitted: FittedFaces, mean_shape: float) -> Trial:
    """numbers: (N, K, 2) as the network returns them. A mean error of half a pixel becomes the offset."""
    truth = fitted.faces.keypoints
    points = fitted.scored((numbers * spec.unit + spec.zero).astype(np.float32))
    bias = np.nanmean(truth - points, (0, 1))
    half = HALF * np.sign(bias[0])
    if np.abs(bias - half).max() < SURE:
        spec = replace(spec, output=replace(spec.output, offset=spec.output.offset + float(half)))
        points = points + half
    return Trial(spec, rmse(points, truth), mean_shape)


def better(trials: list[Trial], assumed: ModelSpec) -> Trial | None:
    """The best contract if it is clearly better than the assumed one, and the points fit with it; else None."""
    own = next((trial for trial in trials if trial.spec.input == assumed.input and _same(trial, assumed)), None)
    best = trials[0] if trials else None
    if best is None or not best.fits or (own and best.rmse > CLEARLY * own.rmse):
        return None
    return best


def _same(trial: Trial, assumed: ModelSpec) -> bool:
    return trial.spec.output.form == assumed.output.form


def usual_cause(predictor: Any, source: Dataset, name: str, found: float, mean_shape: float) -> str:
    """Why a score is usually so far above the mean shape's, and what to type.

    found, mean_shape: pixels. The contracts are tried on training faces of `source`.
    """
    start = (
        f"{name}: {found:.1f} px is far above the {mean_shape:.1f} px of the faces' mean shape. Usually its input "
        "range, colors or output units are others than assumed"
    )
    try:
        best = better(tried(predictor, training_faces(source), name), predictor.spec)
    except EdgefkpError:
        best = None
    if best is None:
        return f"{start}; no other was found to fit: its points may come in another order, or it was not trained"
    words = best.difference(predictor.spec)
    return f"{start}\nhint:  {words} gives {best.rmse:.2f} px on {FACES} training faces"
