"""The choice of a plan, with trials and machines that are made up."""

import json

import pytest

pytest.importorskip("tensorflow")

from edgefkp.layout import KAGGLE15, InputSpec, ModelSpec
from edgefkp.training import autotune
from edgefkp.training.autotune import choose_plan
from edgefkp.training.step_plan import Plan

SPEC = ModelSpec()

SPEEDS = {
    Plan("float32", 2): 50.0,
    Plan("float32", 1): 60.0,
    Plan("float32", 2, "products"): 70.0,
    Plan("mixed_bfloat16", 1): 90.0,
    Plan("mixed_bfloat16", 1, "products"): 80.0,
}


@pytest.fixture
def tried(monkeypatch, tmp_path):
    """The plans that had a trial, in turn, on a server with AVX512; the cache is empty."""
    monkeypatch.setenv("EDGEFKP_CACHE", str(tmp_path))
    on(monkeypatch, "avx2", "avx512f")
    plans = []

    def trial(network, options, batch, spec, candidate):
        plans.append(candidate)
        return SPEEDS[candidate]

    monkeypatch.setattr(autotune, "_trial", trial)
    return plans


def on(monkeypatch, *features, processor="a processor"):
    monkeypatch.setattr(autotune, "_processor", lambda: (*processor.split(), *features))


def test_the_fastest_is_taken_and_no_trial_is_made_twice(tried):
    assert choose_plan("manual", {}, 64, SPEC) == Plan("mixed_bfloat16", 1)
    assert tried == list(SPEEDS)
    assert choose_plan("manual", {}, 64, SPEC) == Plan("mixed_bfloat16", 1)
    assert len(tried) == 5
    choose_plan("baseline", {}, 64, SPEC)
    assert len(tried) == 10


def test_another_processor_has_trials_of_its_own(tried, monkeypatch):
    choose_plan("manual", {}, 64, SPEC)
    on(monkeypatch, "avx2", "avx512f", processor="another")
    choose_plan("manual", {}, 64, SPEC)
    assert len(tried) == 10


def test_another_input_has_trials_of_its_own(tried):
    choose_plan("manual", {}, 64, SPEC)
    choose_plan("manual", {}, 64, ModelSpec(KAGGLE15, InputSpec(64)))
    assert len(tried) == 10


def test_this_machine_has_a_processor():
    assert autotune._processor()


def test_a_short_training_has_none(tried):
    assert choose_plan("manual", {}, 64, SPEC, work=autotune.WORTH_TRIALS / 2) == Plan("float32", 2)
    assert choose_plan("manual", {}, 64, SPEC, "mixed_bfloat16", work=1.0) == Plan("mixed_bfloat16", 1)
    assert not tried


@pytest.mark.parametrize(("features", "plans"), [(["avx2"], 3), ([], 3), (["asimd", "bf16"], 5), (["avx512f"], 5)])
def test_bfloat16_is_tried_where_there_are_kernels_for_it(tried, monkeypatch, features, plans):
    on(monkeypatch, *features)
    choose_plan("manual", {}, 64, SPEC)
    assert len(tried) == plans


def test_bfloat16_that_is_asked_for_is_taken_anywhere(tried, monkeypatch):
    on(monkeypatch, "avx2")
    assert choose_plan("manual", {}, 64, SPEC, "mixed_bfloat16") == Plan("mixed_bfloat16", 1)


def test_a_trial_that_failed_is_not_remembered(tried, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(autotune, "_trial", lambda *arguments: 0.0)
        assert choose_plan("manual", {}, 64, SPEC) == Plan("float32", 2)
    assert not (tmp_path / "plans.json").exists()
    assert choose_plan("manual", {}, 64, SPEC) == Plan("mixed_bfloat16", 1)
    assert sorted(json.loads((tmp_path / "plans.json").read_text()).values()) == [50, 60, 70, 80, 90]


@pytest.mark.parametrize("content", ["[", "[]", '{"a": "fast"}', "null", ""])
def test_a_damaged_record_of_speeds_counts_for_nothing(tmp_path, content):
    (tmp_path / "plans.json").write_text(content)
    assert autotune._known(tmp_path / "plans.json") == autotune._known(tmp_path / "none.json") == {}
