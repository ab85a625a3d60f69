"""A search of tiny networks, with real trainings: one that was cut off ends as one that was not."""

from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
pytest.importorskip("optuna")

from bench.kills.contents import contents, difference
from edgefkp.search.candidate import Watcher
from edgefkp.search.front import TRAINED, Tuned, Tuning
from edgefkp.search.space import EVENLY, SPACES, Choice, Point, Space, Steps
from edgefkp.search.tune import tune
from edgefkp.training.batches import EPOCH_IMAGES
from tests.tiny_network import own_faces

TINY = Space(
    "tiny",
    {"width": Steps(4, 12, 4), "learning_rate": Choice((1e-2, 1e-3))},
    lambda values: Point("plain", {"channels": (values["width"], 8), "strides": (4, 4)}, values["learning_rate"]),
    EVENLY,
    2,
)


@pytest.fixture
def tiny_space():
    yield SPACES.add(TINY)
    SPACES.remove("tiny")


@pytest.mark.slow
def test_a_search_that_was_cut_off_ends_as_one_that_was_not(tiny_space, tmp_path):
    source = own_faces()
    heard: list[str] = []
    tuning = Tuning("found", "tiny", trials=2, images=2 * EPOCH_IMAGES, objectives=("rmse", "kb"))

    def search(name: str, watcher: Watcher) -> Tuned:
        return tune(tuning, source, tmp_path / name, watcher)

    def stop(text: str) -> None:
        heard.append(text)
        if text.startswith("candidate 1: ") and "%" in text:
            raise KeyboardInterrupt

    whole = search("whole", Watcher())
    assert [trial.done for trial in whole.trials] == [TRAINED] * 2
    with pytest.raises(KeyboardInterrupt):
        search("cut", Watcher(state=stop))
    assert list((tmp_path / "cut/found/trials/1/.checkpoints").iterdir())
    heard.clear()
    assert search("cut", Watcher(state=heard.append)) == whole
    assert not any(text.startswith("candidate 0") for text in heard)
    assert difference(contents(Path(tmp_path / "cut")), contents(Path(tmp_path / "whole"))) == ""
