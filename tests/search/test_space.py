"""The spaces hold the networks that they should, and nothing else."""

import pytest

from edgefkp.networks.registry import NETWORKS
from edgefkp.search.space import SPACES, Steps, words_of

WIDE = {f"width{stage}": 48 if stage > 2 else 16 for stage in range(1, 5)} | {
    **{f"depth{stage}": 1 for stage in range(1, 4)},
    "depth4": 2,
    "learning_rate": 1e-3,
}


@pytest.mark.parametrize("name", ["tuned_drop", "tuned_ffill", "tuned_knn", "tuned_augment"])
def test_the_authors_space_holds_their_networks(name):
    options = NETWORKS[name].options
    values = {"filters1": options["filters"][0], "filters2": options["filters"][1], "learning_rate": 1e-3}
    values |= {f"kernel{index}": kernel for index, kernel in enumerate(options["kernels"], start=1)}
    assert SPACES["authors"].at(values).options == options


def test_the_authors_space_has_as_many_networks_as_theirs():
    assert SPACES["authors"].size == 3 * 2 * 2**4 * 2


def test_values_of_the_wide_space_become_a_network():
    point = SPACES["wide"].at(WIDE)
    assert point.options == {"channels": (16, 16, 48, 48, 48), "strides": (2, 2, 2, 2, 1)}
    assert words_of(point.options) == "16 16 48 48,48"


@pytest.mark.parametrize(
    ("name", "value"),
    [("width1", 9), ("width1", 10**9), ("depth2", True), ("depth2", "2"), ("learning_rate", 1), ("width4", None)],
)
def test_other_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        SPACES["wide"].at({**WIDE, name: value})


def test_steps_count_what_they_hold():
    steps = Steps(8, 32, 8)
    assert steps.count == sum(steps.holds(value) for value in range(100)) == 4
