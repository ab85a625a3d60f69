"""A key changes with everything that decides the result, and with no field that a later version adds."""

import json
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgefkp.data.augment import AugmentConfig
from edgefkp.data.faces import Dataset, faces_of
from edgefkp.data.split import split
from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.records import built
from edgefkp.study.cell import StudyCell
from edgefkp.training import experiment as module
from edgefkp.training.experiment import Experiment
from edgefkp.training.key import FIRST, deciding
from edgefkp.training.recipe import Recipe
from edgefkp.training.schedule import AUTO

MODELS = Path(__file__).parents[2] / "models"
START = "a start.keras"  # stands for what a network was trained from
BASE = Experiment("small", recipe=Recipe(images=64))


@pytest.fixture(scope="module")
def source() -> Dataset:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 96, 96), np.uint8)
    return Dataset("made", faces_of(images, rng.uniform(0, 95, (40, 15, 2))), None, "drawn; free")


def key(experiment, source):
    return experiment.key(source, split(source))


def test_it_changes_with_everything_that_decides_the_result(source, tmp_path):
    teacher, namesake = tmp_path / "teacher.keras", tmp_path / "b/teacher.keras"
    teacher.write_bytes(b"network")
    namesake.parent.mkdir()
    namesake.write_bytes(b"another")
    changed = replace(source, train=replace(source.train, images=source.train.images ^ 1))
    others = [
        replace(BASE, network="manual"),
        replace(BASE, imputation="drop"),
        replace(BASE, augment="none"),
        replace(BASE, options={"maps": 32}),
        replace(BASE, automatic_weight=0.5),
        replace(BASE, teachers=(teacher,)),
        replace(BASE, teachers=(namesake,)),
        replace(BASE, teachers=(teacher, namesake)),
        replace(BASE, teachers=(teacher,), teacher_share=0.7),
        replace(BASE, teachers=(teacher,), teacher_copies=2),
        replace(BASE, teachers=(teacher,), teacher_online=True),
        replace(BASE, teachers=(teacher,), teacher_online=True, teacher_copies=2),
        *(replace(BASE, recipe=replace(BASE.recipe, **one)) for one in (
            {"seed": 1}, {"learning_rate": 1e-3}, {"beta": 0.03}, {"start": "random"}, {"loss": "wing"},
            {"settled": 0.2}, {"solved": True},
            {"online": AugmentConfig(degrees=21)}, {"online": AugmentConfig(dark=0.2)},
            {"online": AugmentConfig(unmoved=0.2)},
        )),
    ]  # fmt: skip
    keys = [key(one, source) for one in [BASE, *others]] + [key(BASE, changed)]
    assert len(set(keys)) == len(others) + 2


def test_the_precision_and_how_a_number_is_written_decide_nothing(source):
    alike = (
        replace(BASE.recipe, precision="float32"),
        replace(BASE.recipe, online=AugmentConfig(degrees=20.0)),
        replace(BASE.recipe, epochs=40),
    )
    assert {key(replace(BASE, recipe=recipe), source) for recipe in alike} == {key(BASE, source)}


def with_field(kind, name, type_, default):
    return make_dataclass(f"Newer{kind.__name__}", [(name, type_, field(default=default))], bases=(kind,), frozen=True)


def test_a_new_neutral_field_of_the_augmentation_changes_no_key(source):
    newer = with_field(AugmentConfig, "fog", float, 0.0)
    same = replace(BASE, recipe=replace(BASE.recipe, online=newer()))
    foggy = replace(BASE, recipe=replace(BASE.recipe, online=newer(fog=0.5)))
    assert key(same, source) == key(BASE, source)
    assert key(foggy, source) != key(BASE, source)


def test_nor_does_one_of_the_recipe_or_of_the_experiment(source):
    recipe = with_field(Recipe, "clip", float, 1.0)
    assert key(replace(BASE, recipe=recipe(images=64)), source) == key(BASE, source)
    assert key(replace(BASE, recipe=recipe(images=64, clip=0.5)), source) != key(BASE, source)
    experiment = with_field(Experiment, "repeats", int, 1)
    assert key(experiment("small", recipe=BASE.recipe), source) == key(BASE, source)
    assert key(experiment("small", recipe=BASE.recipe, repeats=2), source) != key(BASE, source)


def test_a_whole_new_record_of_neutral_fields_is_left_out():
    @dataclass(frozen=True)
    class Warmth:
        degrees: float = 0.0

    newer = make_dataclass("Newer", [("warmth", Warmth, field(default=Warmth()))], bases=(Recipe,), frozen=True)
    assert deciding(newer()) == deciding(Recipe())
    assert deciding(newer(warmth=Warmth(2.5)))["warmth"] == {"degrees": 2.5}


def test_other_points_and_another_input_have_other_keys(source):
    def of(layout, spec):
        about = SimpleNamespace(hash="faces")
        given = SimpleNamespace(train=about, spec=ModelSpec(layout, spec), extra_training_faces=None)
        return BASE.key(given, about)

    part = KAGGLE15.part("nose_tip")
    keys = {of(*kind) for kind in ((KAGGLE15, InputSpec()), (part, InputSpec()), (KAGGLE15, InputSpec(64)))}
    assert len(keys) == 3
    assert of(KAGGLE15, InputSpec()) in keys


def stored_source(data, more=None, spec=ModelSpec()):  # noqa: B008
    """Stands for the faces that a stored result was made of, by their hashes."""
    added = SimpleNamespace(hash=more) if more else None
    train = SimpleNamespace(hash=data["hash"])
    whole = SimpleNamespace(train=train, spec=spec, extra_training_faces=added)
    return whole, SimpleNamespace(hash=data["split"])


def test_the_committed_cells_of_the_study_keep_their_keys(monkeypatch, tmp_path):
    weights = tmp_path / "weights.h5"
    weights.write_bytes(b"")
    cells = [json.loads(file.read_text()) for file in sorted((MODELS / "study").glob("*.json"))]
    cells = [cell for cell in cells if "identity" in cell]
    assert len(cells) == 47
    for stored in cells:
        if stored["weights"]:
            monkeypatch.setattr(module, "sha256_file", lambda path, digest=stored["weights"]["sha256"]: digest)
        experiment = built(StudyCell, stored["identity"]).experiment(str(weights))
        assert experiment.key(*stored_source(stored["data"])) == stored["key"], stored["cell"]


def test_the_committed_models_keep_their_keys(monkeypatch):
    found = 0
    for file in sorted(MODELS.glob("*.json")):
        stored = json.loads(file.read_text())
        if "training" not in stored or stored.get("weights"):
            continue  # the hash of the weights stands in its cell of the study alone
        training = stored["training"]
        teachers, start = training.get("teachers", {}), stored.get("start") or {}
        known = {**teachers, START: start.get("sha256")}
        monkeypatch.setattr(module, "sha256_file", lambda path, known=known: known[path.name])
        monkeypatch.setattr(module, "find_start", Path)
        # Before the field `start` there were random starts alone.
        recipe = built(Recipe, {"start": "random"} | training["recipe"], strict=True)
        experiment = Experiment(
            stored["network"],
            stored["treatment"],
            stored["augment"],
            recipe,
            teachers=tuple(map(Path, teachers)),
            teacher_share=training.get("teacher_share", 0.5),
            teacher_copies=training.get("teacher_copies", 0),
            teacher_online=training.get("teacher_online", False),
            start=START if start else None,
            schedule=training["finetuning"]["asked"] if start else AUTO,
        )
        spec = built(ModelSpec, {name: stored[name] for name in ("layout", "input") if name in stored})
        source = stored_source(stored["data"], training.get("more"), spec)
        # Deviations, which are learned afterwards, have a key of their own, and keep that of the training.
        assert experiment.key(*source) == training.get("deviation", {"of_key": stored["key"]})["of_key"], file.name
        found += 1
    assert found >= 5


def test_each_field_that_the_first_results_had_is_there_still():
    names = {"corner" if one.name == "beta" else one.name for one in fields(Recipe)}
    names |= {f"online.{one.name}" for one in fields(AugmentConfig)}
    assert names >= set(FIRST.split())
