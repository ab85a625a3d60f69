from pathlib import Path
from typing import Any

import pytest

from edgefkp.errors import EdgefkpError
from edgefkp.export.inspect import inspect
from edgefkp.runtime.graph import read_graph
from tests.altered_files import FIXTURES, altered


def with_zero_points(tmp_path: Path, zero_points: list[int]) -> Path:
    def change(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            if tensor.quantization is not None and tensor.quantization.scale is not None:
                tensor.quantization.zeroPoint = zero_points

    path = tmp_path / "altered.int8.tflite"
    path.write_bytes(altered(FIXTURES / "tiny.int8.tflite", change))
    return path


def test_zero_points_that_are_left_out_are_zeros(tmp_path: Path) -> None:
    path = with_zero_points(tmp_path, [])
    quantized = [one for operator in read_graph(path).operators for one in operator.outputs if one.quantized]
    assert quantized
    assert all(one.zero_points == (0,) * len(one.scales) for one in quantized)
    inspect(path)


def test_more_zero_points_than_scales_are_damage(tmp_path: Path) -> None:
    path = with_zero_points(tmp_path, list(range(1000)))
    for read in (read_graph, inspect):
        with pytest.raises(EdgefkpError, match="its graph cannot be read"):
            read(path)


def test_names_in_a_file_are_escaped(tmp_path: Path) -> None:
    def change(model: Any) -> None:
        for tensor in model.subgraphs[0].tensors:
            tensor.name = b"\x1b[2J" + tensor.name

    path = tmp_path / "altered.float32.tflite"
    path.write_bytes(altered(FIXTURES / "tiny.float32.tflite", change))
    names = [one.name for one in (*read_graph(path).inputs, *read_graph(path).outputs)]
    assert all(name.startswith(r"\x1b[2J") for name in names)
