"""Samples on which a network runs away do not decide the ranges of all others."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgefkp.export.calibration import CalibrationSet
from edgefkp.export.range_outliers import left_out, note_of, widening, without

COUNT, ODD = 100, 37  # samples, and the one on which the network runs away


def extremes(*widths: np.ndarray) -> dict[str, np.ndarray]:
    return {f"tensor {i}": np.stack([np.zeros(len(width)), width])[..., None] for i, width in enumerate(widths)}


def test_a_sample_that_widens_a_range_alone_is_found() -> None:
    usual, odd = np.linspace(1, 1.9, COUNT), np.linspace(1, 1.9, COUNT)
    odd[ODD] = 5.0
    assert widening(extremes(usual)) == ()
    assert widening(extremes(usual, odd)) == (ODD,)
    assert widening({name: -both[::-1] for name, both in extremes(odd).items()}) == (ODD,)


def test_two_of_a_hundred_are_found_together_and_three_are_no_outliers() -> None:
    width = np.ones(COUNT)
    width[[5, 9]] = 4.0, 4.1
    assert widening(extremes(width)) == (5, 9)
    width[11] = 4.2
    assert widening(extremes(width)) == ()


def test_the_first_sample_holds_the_range_of_the_input() -> None:
    width = np.ones(COUNT)
    width[0] = 9.0
    assert widening(extremes(width), always=1) == ()
    assert widening(extremes(width)) == (0,)  # of one's own samples none is special


def test_a_tensor_that_is_zero_for_all_others_keeps_its_range() -> None:
    usual, only = np.ones(COUNT), np.zeros(COUNT)
    usual[ODD] = only[ODD] = 9.0
    assert widening(extremes(usual, np.zeros(COUNT))) == (ODD,)
    assert widening(extremes(usual, only)) == ()


def test_few_samples_have_no_outliers() -> None:
    width = np.ones(20)
    width[3] = 9.0
    assert widening(extremes(width)) == ()


@pytest.mark.parametrize(("error_without", "rows"), [(0.5, (ODD,)), (0.95, ()), (2.0, ())])
def test_they_are_left_out_where_the_outputs_are_measured_to_be_closer(error_without: float, rows: tuple[int]) -> None:
    width = np.ones(COUNT)
    width[ODD] = 9.0
    noise = np.random.default_rng(0).normal(size=(COUNT, 4))

    def outputs(some: Any) -> np.ndarray:
        return 3.0 + noise * (error_without if some else 1.0)  # what all have in common does not count

    assert left_out(extremes(width), outputs, lambda: np.zeros((COUNT, 4))) == rows


def test_nothing_is_computed_without_them() -> None:
    assert left_out(extremes(np.ones(COUNT)), pytest.fail, pytest.fail) == ()


def test_a_calibration_keeps_its_hash_and_names_what_was_left_out() -> None:
    samples = np.arange(6.0).reshape(3, 2)
    whole, part = CalibrationSet("six", (samples,)), CalibrationSet("six", (samples,), (1,))
    np.testing.assert_array_equal(part.ranging[0], samples[[0, 2]])
    assert part.entry == whole.entry | {"left_out": [1]}
    assert without([samples], ())[0] is samples
    assert note_of((1,), 256).startswith("1 of 256 calibration samples (row 1) would make")


def running_away() -> Any:
    """A network whose layer `wide` is small, and 30 times as large where an image is nearly white."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((8, 8, 1), name="pixels")
    x = layers.Conv2D(8, 3, activation="relu", name="first")(x)
    white = layers.Dense(
        8, name="white", kernel_initializer="ones", bias_initializer=keras.initializers.Constant(-60.0)
    )
    lifted = layers.LeakyReLU(0.01, name="lifted")(white(layers.Flatten()(inputs)))
    x = layers.Add(name="wide")([x, layers.Reshape((1, 1, 8))(lifted)])
    x = layers.Conv2D(8, 3, activation="relu", name="second")(x)
    return keras.Model(inputs, layers.Dense(4, name="numbers")(layers.Flatten()(x)))


def samples() -> np.ndarray:
    found = np.random.default_rng(0).random((COUNT, 8, 8, 1), np.float32) / 2
    found[0, 0, 0], found[0, 0, 1] = 0, 1
    found[ODD] = 1 - found[ODD] / 10
    return found


def test_export_leaves_out_what_a_network_runs_away_on(tmp_path: Path, source: Any) -> None:
    pytest.importorskip("tensorflow")
    from edgefkp.card import read_card
    from edgefkp.export.bias_correction import float_outputs, outputs_of
    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.export.exporter import export_network
    from edgefkp.export.options import ExportOptions, ExportProgress

    model, notes = running_away(), list[str]()
    model.save(tmp_path / "away.keras")
    np.save(tmp_path / "samples.npy", samples())
    options = ExportOptions(parity=False, calibration=tmp_path / "samples.npy")
    progress = ExportProgress(on_note=notes.append)
    narrow, wide = export_network(tmp_path / "away.keras", tmp_path, ["int8", "int16x8"], source, options, progress)
    cards = [read_card(path) for path in (narrow, wide)]
    assert [(card.calibration or {}).get("left_out") for card in cards if card] == [[ODD], None]
    assert [note for note in notes if "1 of 100 calibration samples (row 37) would make" in note]
    usual = [np.delete(samples(), ODD, 0)]
    truth = float_outputs(model, usual)
    before = outputs_of(convert(model, ConversionSettings("int8"), [samples()]), usual) - truth
    after = outputs_of(narrow.read_bytes(), usual) - truth
    assert after.std() < 0.3 * before.std()
    assert (outputs_of(wide.read_bytes(), usual) - truth).std() < 0.1 * before.std()


@pytest.mark.skipif(find_spec("litert_quantizer") is None, reason="litert-quantizer is not installed")
def test_a_tflite_is_quantized_without_them(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from edgefkp.export.convert import ConversionSettings, convert
    from edgefkp.export.quantize import quantize
    from edgefkp.export.schemes import SCHEMES

    path = tmp_path / "away.float32.tflite"
    path.write_bytes(convert(running_away(), ConversionSettings("float32")))
    found = {name: quantize(path, SCHEMES[name], [samples()]) for name in ("int8", "int8io", "int16x8")}
    assert {name: made.left_out for name, made in found.items()} == {"int8": (ODD,), "int8io": (ODD,), "int16x8": ()}
