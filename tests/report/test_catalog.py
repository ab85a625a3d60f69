import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgefkp.bench import harness, result, timed_images
from edgefkp.bench.plan import TimingSettings, cases_of
from edgefkp.card import TFLITE, Card, CardData, write_card
from edgefkp.cli.models import command
from edgefkp.networks import costs
from edgefkp.networks.registry import NETWORKS
from edgefkp.report import catalog
from edgefkp.report.catalog import read_catalog

FIXTURE = Path(__file__).parents[1] / "fixtures" / "tiny.float32.tflite"
CARD = Card(
    TFLITE,
    "tiny",
    scheme="float32",
    parameters=2718,
    macs=1_234_567,
    data=CardData("LFW", "d", "s", {}, {}, "for research"),
)


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder with one exported file and its card."""
    (tmp_path / "export").mkdir()
    exported = tmp_path / "export" / "tiny.float32.tflite"
    exported.write_bytes(FIXTURE.read_bytes())
    write_card(exported, CARD)
    return tmp_path


def of_root(root):
    (entry,) = [file for file in read_catalog(root).files if Path(file.path).is_relative_to(root)]
    return entry


def test_every_network_of_the_registry_is_listed_with_the_papers_number(tmp_path):
    networks = {network.name: network for network in read_catalog(tmp_path).networks}
    assert list(networks) == list(NETWORKS)
    assert networks["manual"].parameters == networks["manual"].paper_parameters == 235_834
    assert networks["small"].paper_parameters is None


def test_a_file_is_described_by_its_card(root):
    entry = of_root(root)
    assert (entry.parameters, entry.data, entry.license, entry.scheme) == (2718, "LFW", "for research", "float32")
    assert entry.bytes == FIXTURE.stat().st_size
    assert entry.rmse is entry.seconds_per_100 is None


def test_its_time_and_rmse_come_from_the_benchmark_of_that_very_file(root):
    settings = TimingSettings(processes=1, seconds=0.02, warm_seconds=(0.01, 0.02), pause=0)
    drawn = timed_images.drawn_images()
    measured = harness.measure(cases_of([FIXTURE], modes=("invoke",)), drawn, settings, "test")
    measured = replace(measured, rows=[replace(measured.rows[0], rmse=2.5)])
    result.save(measured, root / "bench" / "results" / "test.json")
    entry = of_root(root)
    assert entry.seconds_per_100 == pytest.approx(measured.rows[0].seconds_per_100)
    assert entry.ms == pytest.approx(measured.rows[0].ms.p50)
    assert (entry.rmse, entry.rmse_on) == (2.5, "drawn faces test")
    assert measured.rows[0].runtime in entry.measured
    # Other bytes under the same name: the measurement is not theirs.
    Path(entry.path).write_bytes(FIXTURE.read_bytes() + b"\0")
    assert of_root(root).seconds_per_100 is None


def test_a_damaged_card_or_result_does_not_hide_the_file(root):
    (root / "export" / "tiny.float32.json").write_text("{")
    (root / "bench" / "results").mkdir(parents=True)
    (root / "bench" / "results" / "bad.json").write_text("[1")
    (root / "bench" / "results" / "other.json").write_text('{"schema": "of something else"}')
    assert of_root(root).parameters is None
    done = CliRunner().invoke(command, ["--in", str(root)])
    assert done.exit_code == 0
    warnings = [line for line in done.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert "bad.json is not a readable JSON file" in warnings[0]
    assert "tiny.float32.json is not a readable JSON file" in warnings[1]


def test_the_command_fits_80_columns_and_names_the_terms(root):
    text = CliRunner().invoke(command, ["--in", str(root)]).output
    assert max(map(len, text.splitlines())) <= 80
    assert "export/tiny.float32 " in text
    assert "LFW: for research" in text


def test_json_has_all_of_it(root):
    import json

    shown = json.loads(CliRunner().invoke(command, ["--in", str(root), "--json"]).output)
    assert shown["schema"].startswith("edgefkp.models/")
    assert len(shown["networks"]) == len(NETWORKS)


def test_a_network_without_measured_costs_shows_a_dash(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog, "cost_of", lambda name: None if name == "small" else costs.cost_of(name))
    (entry,) = [network for network in read_catalog(tmp_path).networks if network.name == "small"]
    assert entry.parameters is None
    lines = CliRunner().invoke(command, ["--in", str(tmp_path)]).output.splitlines()
    (line,) = [line for line in lines if line.startswith("small ")]
    assert line.split()[-3:] == ["-", "-", "-"]


def test_an_unfinished_file_is_not_listed(root):
    (root / "export" / ".edgefkp-tiny-1.tflite").write_bytes(b"")
    assert of_root(root).model == "tiny"


def test_damaged_cards_and_unfinished_files_do_not_stop_the_list(tmp_path):
    models, export = tmp_path / "models", tmp_path / "export"
    models.mkdir()
    export.mkdir()
    for name, card in (("json", b"{"), ("deep", b"[" * 100_000)):
        with zipfile.ZipFile(models / f"{name}.keras", "w") as archive:
            archive.writestr("edgefkp_card.json", card)
    (models / "zip.keras").write_bytes(
        (models / "json.keras").read_bytes().replace(b"edgefkp_card", b"edgefkp_carD", 1)
    )
    (models / ".json-abcd.keras").touch()
    (export / "odd.int8.tflite").write_bytes(b"x")
    parity = {"rmse_after": "low", "data": 3}
    write_card(export / "odd.int8.tflite", Card(TFLITE, "odd", scheme="int8", parity=parity))
    listed = [Path(file.path).name for file in read_catalog(tmp_path).files]
    assert listed[:4] == ["deep.keras", "json.keras", "zip.keras", "odd.int8.tflite"]
    assert ".json-abcd.keras" not in listed
