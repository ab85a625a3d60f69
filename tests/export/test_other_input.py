"""Three points of 64x64 color images: nothing in export knows the default layout or input."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgefkp.card import NETWORK, Card, read_card, write_card
from edgefkp.data.faces import Dataset
from edgefkp.data.synthetic import drawn_faces
from edgefkp.export.exporter import export_network
from edgefkp.export.inspect import inspect
from edgefkp.export.micro import Micro, write_c
from edgefkp.export.parity import parity_of
from edgefkp.export.schemes import DEFAULT_SCHEMES
from edgefkp.runtime.metadata import read_metadata
from tests.export.conftest import tiny_network
from tests.layouts import SMALL_RGB, THREE


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("other")
    network = tiny_network(folder / "tiny.three-masked.keras", SMALL_RGB)
    write_card(network, Card(NETWORK, network.stem, layout=THREE, input=SMALL_RGB.input))
    faces = drawn_faces(60, SMALL_RGB)
    rows = np.arange(60)
    source = Dataset("drawn", faces.take(rows[:45]), faces.take(rows[45:]), "drawn by a program")
    return export_network(network, folder, DEFAULT_SCHEMES, source)


def test_parity_is_measured_in_pixels_of_the_networks_image(written: list[Path]) -> None:
    for path, most in zip(written, (1e-3, 1.0), strict=True):
        card = read_card(path)
        assert card is not None
        found = parity_of(card)
        assert found is not None
        assert (found.faces, found.coordinates) == (15, 15 * 6)
        assert list(found.shift_per_point) == list(THREE.points)
        assert found.shift.max < most
    assert "fills a 64x64 rgb crop" in (written[0].parent / "tiny.three-masked.md").read_text()


def test_the_file_alone_is_enough(written: list[Path]) -> None:
    for path in written:
        known = read_metadata(path)
        assert known is not None
        assert known.spec == SMALL_RGB
        assert inspect(path).inputs[0].shape == (1, 64, 64, 3)
    output = inspect(written[1]).outputs[0]
    assert inspect(written[1]).pixels
    assert output.step is not None
    assert output.range is not None
    assert output.range[1] - output.range[0] == pytest.approx(255 * output.step)


def test_the_c_header_states_the_input(written: list[Path]) -> None:
    measured = Micro("1", 1000, written[0].stat().st_size, ("AddConv2D()",), 1, 6, 6, 0.0, 0.0)
    header = write_c(written[0], measured)[1].read_text()
    assert "pixels scaled to 0..1, rgb." in header
    assert "x = 32 * value + 31.5 pixels of the 64x64 image." in header
