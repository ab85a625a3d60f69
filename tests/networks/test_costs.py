import pytest

pytest.importorskip("tensorflow")

from edgefkp.networks.complexity import macs, parameters
from edgefkp.networks.costs import COSTS, Cost
from edgefkp.networks.registry import NETWORKS, build


def test_every_network_has_its_cost():
    assert COSTS.keys() == NETWORKS.keys()


@pytest.mark.parametrize("name", [name for name in NETWORKS if not name.endswith("_frozen")])
def test_costs_are_those_of_the_built_network(name):
    model = build(NETWORKS[name])
    assert COSTS[name] == Cost(parameters(model), macs(model))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.endswith("_frozen")])
def test_freezing_changes_no_cost(name):
    assert COSTS[name] == COSTS[name.removesuffix("_frozen")]
