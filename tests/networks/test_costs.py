"""The generated table of costs is that of the networks, and one that lacks a network breaks nothing."""

import pytest

from edgefkp.networks.costs import Cost, cost_of
from edgefkp.networks.registry import NETWORKS, Network, build

# Table 1 of the paper, with its errata: tuned_knn's printed number is the trainable count of tuned_ffill, and
# MobileNetV2's leaves out the head, global average pooling and a dense layer of 30.
TOTALS = {
    "baseline": 1_890_366,
    "manual": 235_834,
    "tuned_drop": 306_750,
    "tuned_ffill": 246_478,
    "tuned_knn": 383_742,
    "tuned_augment": 364_318,
    "mobilenetv2": 2_257_984 + 1280 * 30 + 30,
    "nasnetmobile": 4_301_426,
}
MILLION_MACS = {"baseline": 390, "manual": 209, "tuned_drop": 662, "tuned_ffill": 246, "tuned_knn": 1044, "small": 22}


def test_every_network_has_its_cost():
    assert [name for name in NETWORKS if cost_of(name) is None] == []


def test_parameters_are_those_of_table_1():
    assert {name: cost_of(name).parameters for name in TOTALS} == TOTALS


def test_multiplications():
    assert {name: round(cost_of(name).macs / 1e6) for name in MILLION_MACS} == MILLION_MACS


@pytest.mark.parametrize("name", [name for name in NETWORKS if not name.endswith("_frozen")])
def test_costs_are_those_of_the_built_network(name):
    pytest.importorskip("tensorflow")
    from edgefkp.networks.complexity import macs, parameters

    model = build(NETWORKS[name])
    assert cost_of(name) == Cost(parameters(model), macs(model)), "run: python -m bench.measure_costs"


@pytest.mark.parametrize("name", [name for name in NETWORKS if name.endswith("_frozen")])
def test_freezing_changes_no_cost(name):
    assert cost_of(name) == cost_of(name.removesuffix("_frozen"))


def test_a_network_that_was_not_measured_is_listed_without_numbers(tmp_path):
    from click.testing import CliRunner

    from edgefkp.cli.models import command

    NETWORKS.add(Network("pico", "Ours, to 60 KB", lambda spec: None))
    try:
        assert cost_of("pico") is None
        shown = CliRunner().invoke(command, ["--in", str(tmp_path)], catch_exceptions=False)
    finally:
        NETWORKS.remove("pico")
    line = next(line for line in shown.output.splitlines() if line.startswith("pico"))
    assert line.split()[-3:] == ["-", "-", "-"]
