"""Contracts are tried on training faces, and one that is clearly better is named."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.synthetic import draw_all
from edgefkp.evaluation.contract_trial import better, mean_shape_rmse, training_faces, tried, usual_cause
from edgefkp.layout import ModelSpec, OutputSpec

IMAGES, POINTS = draw_all(60, seed=2)
SOURCE = Dataset("drawn", faces_of(IMAGES, POINTS, groups=np.arange(60).astype(str)), None, "drawn")
NOISE = np.random.default_rng(0).normal(0, 0.5, POINTS.shape)


@dataclass
class Knowing:
    """A network that knows the points of the drawn faces, returns them as `truly` says, and is read by its spec."""

    truly: ModelSpec
    known_spec: ModelSpec = ModelSpec()  # noqa: RUF009

    @property
    def spec(self) -> ModelSpec:
        return self.known_spec

    def predict(self, images: np.ndarray) -> np.ndarray:
        rows = [int(np.flatnonzero((image == IMAGES).all((1, 2)))[0]) for image in images]
        right = self.spec.input.scaling == self.truly.input.scaling
        points = POINTS[rows] + NOISE[rows] if right else np.zeros_like(POINTS[rows])
        return self.spec.decode(self.truly.encode(points))


@pytest.mark.parametrize(
    ("output", "options"),
    [
        (OutputSpec(form="pixels"), "--output-units pixels"),
        (OutputSpec(form="0..1"), "--output-units 0..1"),
        (OutputSpec(form="pixels", offset=0.5), "--output-units pixels --output-offset 0.5"),
    ],
)
def test_units_that_are_others_are_named(output: OutputSpec, options: str) -> None:
    predictor = Knowing(ModelSpec(output=output))
    best = better(tried(predictor, training_faces(SOURCE), "x.keras"), predictor.spec)
    assert best is not None
    assert best.difference(predictor.spec) == options
    assert best.rmse < 1
    told = usual_cause(predictor, SOURCE, "x.keras", 2000.0, 4.0)
    assert told.startswith("x.keras: 2000.0 px is far above the 4.0 px of the faces' mean shape")
    assert f"hint:  {options} gives" in told


def test_a_range_that_is_another_is_named() -> None:
    truly = ModelSpec()
    predictor = Knowing(replace(truly, input=replace(truly.input, scaling="0..255")))
    best = better(tried(predictor, training_faces(SOURCE), "x.keras"), predictor.spec)
    assert best is not None
    assert best.difference(predictor.spec) == "--input-range 0..255"


def test_a_contract_that_fits_stays() -> None:
    predictor = Knowing(ModelSpec())
    assert better(tried(predictor, training_faces(SOURCE), "x.keras"), predictor.spec) is None


def test_nothing_is_named_where_nothing_fits() -> None:
    predictor = Knowing(ModelSpec(output=OutputSpec(form="pixels", offset=300.0)))
    faces = training_faces(SOURCE)
    assert better(tried(predictor, faces, "x.keras"), predictor.spec) is None
    assert "another order" in usual_cause(predictor, SOURCE, "x.keras", 300.0, mean_shape_rmse(faces.keypoints))
