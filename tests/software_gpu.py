"""A GPU in software for tests: SwiftShader, which Debian's chromium brings, named to Vulkan by a file of two lines."""

import ctypes
import json
import os
from pathlib import Path

import numpy as np
import pytest

from edgefkp.runtime.vulkan import LIBRARY

PLACES = ("/usr/lib/chromium/libvk_swiftshader.so", "/usr/lib/chromium-browser/libvk_swiftshader.so")
FIXTURES = Path(__file__).parent / "fixtures"


def environment(folder: Path) -> dict[str, str]:
    """The variables with which Vulkan lists SwiftShader alone; skips the test where it is not installed."""
    found = next((place for place in (os.environ.get("SWIFTSHADER", ""), *PLACES) if Path(place).is_file()), None)
    if not found:
        pytest.skip("SwiftShader is not installed: apt install chromium, or SWIFTSHADER=libvk_swiftshader.so")
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"{LIBRARY} is not installed: apt install libvulkan1")
    driver = folder / "driver.json"
    icd = {"library_path": found, "api_version": "1.1.0"}
    driver.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": icd}))
    return {**os.environ, "VK_DRIVER_FILES": str(driver), "VK_LOADER_LAYERS_DISABLE": "*"}


def without_drivers(folder: Path) -> dict[str, str]:
    """The variables with which Vulkan finds no driver."""
    return {**os.environ, "VK_DRIVER_FILES": str(folder / "nowhere.json"), "VK_LOADER_LAYERS_DISABLE": "*"}


def fixed(name: str, folder: Path) -> Path:
    """A copy of a fixture with the batch fixed to 1: a GPU takes no file of open sizes."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs((FIXTURES / name).read_bytes(), 0))
    graph = model.subgraphs[0]
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    kinds = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    of_shapes = {schema.BuiltinOperator.SHAPE, schema.BuiltinOperator.STRIDED_SLICE, schema.BuiltinOperator.PACK}
    graph.operators = [one for one in graph.operators if kinds[one.opcodeIndex] not in of_shapes]
    for operator in graph.operators:
        if kinds[operator.opcodeIndex] == schema.BuiltinOperator.RESHAPE:  # to (1, -1), which these operators computed
            numbers = np.frombuffer(np.array([1, -1], "<i4").tobytes(), np.uint8)
            model.buffers.append(schema.BufferT(data=numbers))
            graph.tensors[operator.inputs[1]].buffer = len(model.buffers) - 1
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path = folder / name
    path.write_bytes(bytes(builder.Output()))
    return path
