import pytest

pytest.importorskip("tensorflow")

from edgefkp.networks.complexity import parameters
from edgefkp.networks.registry import NETWORKS, build


def test_naimishnet_has_its_papers_parameters_but_for_the_outputs():
    published, outputs, here = 7_488_962, 2, 30
    assert parameters(build(NETWORKS["naimishnet"])) == published + (here - outputs) * (1000 + 1)


def test_gao_has_fourteen_layers_with_its_pools():
    kinds = [type(layer).__name__ for layer in build(NETWORKS["gao"]).layers]
    assert sum(kinds.count(kind) for kind in ("Conv2D", "MaxPooling2D", "Dense")) == 14
