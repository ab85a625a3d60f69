"""The last layer by least squares: how far it goes from its start, and who decides that."""

import numpy as np
import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.layout import KAGGLE15, ModelSpec
from edgefkp.training.least_squares import PULLS, Examples, Layer, choose_pull, folds_of, solve

SPEC = ModelSpec(KAGGLE15.part("nose_tip", "left_eye_center"))


def made(faces: int, features: int = 8, noise: float = 0.05, persons: int = 12, seed: int = 0):
    """Examples whose targets are linear in the features, and that layer."""
    random = np.random.default_rng(seed)
    truth = Layer(random.normal(size=(features, SPEC.numbers)), random.normal(size=SPEC.numbers))
    x = random.normal(size=(faces, features))
    y = truth(x) + noise * random.normal(size=(faces, SPEC.numbers))
    return Examples(x, y, np.ones(faces), np.arange(faces) % persons, faces), truth


def nothing(features: int = 8) -> Layer:
    return Layer(np.zeros((features, SPEC.numbers)), np.zeros(SPEC.numbers))


def test_without_a_pull_it_is_the_ordinary_least_squares_solution():
    known, _ = made(50)
    found = solve(known, nothing(), 0.0)
    columns = np.hstack([known.features, np.ones((50, 1))])
    expected = np.linalg.lstsq(columns, known.targets, rcond=None)[0]
    np.testing.assert_allclose(np.vstack([found.kernel, found.bias]), expected, atol=1e-9)


def test_the_strongest_pull_moves_all_faces_by_the_same_amount():
    known, truth = made(50)
    start = Layer(truth.kernel, truth.bias - 0.5)
    found = solve(known, start, 1e9)
    np.testing.assert_allclose(found.kernel, start.kernel, atol=1e-6)
    np.testing.assert_allclose(found.bias, truth.bias, atol=0.05)


def test_fewer_faces_than_features_give_the_solution_of_the_same_equations():
    known, _ = made(20, features=30)
    found = solve(known, nothing(30), 0.1)
    x, y = known.features - known.features.mean(0), known.targets - known.targets.mean(0)
    hold = 0.1 * known.features.var(0).mean()
    expected = np.linalg.solve(x.T @ x / 20 + hold * np.eye(30), x.T @ y / 20)
    np.testing.assert_allclose(found.kernel, expected, atol=1e-9)


def test_a_coordinate_that_no_face_has_stays_as_it_starts_and_gaps_do_not_count():
    known, truth = made(60, noise=0.0)
    known.targets[:, 1] = np.nan
    known.targets[::3, 2] = np.nan
    start = Layer(truth.kernel + 0.1, truth.bias)
    found = solve(known, start, 1e-9)
    np.testing.assert_array_equal(found.kernel[:, 1], start.kernel[:, 1])
    np.testing.assert_allclose(found.kernel[:, [0, 2, 3]], truth.kernel[:, [0, 2, 3]], atol=1e-5)


def test_a_face_without_weight_teaches_nothing():
    known, truth = made(60, noise=0.0)
    known.targets[:10] += 100
    known.weights[:10] = 0
    np.testing.assert_allclose(solve(known, nothing(), 1e-9).kernel, truth.kernel, atol=1e-5)


def test_noise_asks_for_a_stronger_pull_than_clean_labels():
    pulls = {}
    for noise in (0.0, 20.0):
        known, truth = made(40, features=20, noise=noise)
        start = Layer(truth.kernel * 0.9, truth.bias)
        chosen = choose_pull(known, start, SPEC)
        assert chosen.pull in PULLS
        assert chosen.folds == 5
        pulls[noise] = chosen
    assert pulls[0.0].pull < pulls[20.0].pull
    assert pulls[0.0].rmse < pulls[0.0].rmse_before


def test_faces_of_one_person_are_refused():
    known, _ = made(20, persons=1)
    with pytest.raises(EdgefkpError, match="one person"):
        choose_pull(known, nothing(), SPEC)


@pytest.mark.parametrize("persons", [2, 3, 17])
def test_a_person_is_in_one_fold_and_folds_are_of_about_one_size(persons):
    names = np.array([f"p{number % persons}" for number in range(60)])
    fold = folds_of(names)
    assert all(len(set(fold[names == name])) == 1 for name in set(names))
    assert set(fold) == set(range(min(5, len(set(names)))))
    if persons == 17:
        assert np.bincount(fold).max() - np.bincount(fold).min() <= 4  # the faces of one person
