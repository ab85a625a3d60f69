"""onnxruntime behind the calls that an interpreter of .tflite files has: set a tensor, invoke, get a tensor.

Tensors are bound to memory beforehand, so that `invoke` copies nothing: it takes what the network takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.runtime.graph import Tensor
from edgefkp.runtime.onnx_file import read_onnx

_ERRORS_ALONE = 3  # of onnxruntime's log


class OnnxSession:
    """An .onnx file on one CPU. Raises RuntimeError with onnxruntime's words for what it cannot run.

    shapes: of inputs that leave sizes open beside the batch, by name; "" for the only one.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        self._runtime = onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = _ERRORS_ALONE
        graph = read_onnx(path)
        self._inputs, self._outputs = ([_detail(one) for one in ports] for ports in (graph.inputs, graph.outputs))
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its errors have no class of their own below Exception
            raise RuntimeError(_cause(error)) from error

    def resize(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        for detail in self._inputs:
            shape = shapes.get(detail["name"], shapes.get("") if len(self._inputs) == 1 else None)
            if shape is not None:
                detail["shape"] = np.array(shape)

    def allocate_tensors(self) -> None:
        """Bind the inputs to memory of their own; outputs are bound to what the session allocates."""
        value = self._runtime.OrtValue.ortvalue_from_numpy
        self._bound = [value(np.zeros(detail["shape"], detail["dtype"])) for detail in self._inputs]
        self._binding = self._session.io_binding()
        for detail, bound in zip(self._inputs, self._bound, strict=True):
            self._binding.bind_ortvalue_input(detail["name"], bound)
        for detail in self._outputs:
            self._binding.bind_output(detail["name"])

    def get_input_details(self) -> list[dict[str, Any]]:
        return [{**detail, "index": number} for number, detail in enumerate(self._inputs)]

    def get_output_details(self) -> list[dict[str, Any]]:
        return [{**detail, "index": number} for number, detail in enumerate(self._outputs)]

    def set_tensor(self, index: int, tensor: np.ndarray) -> None:
        self._bound[index].update_inplace(np.ascontiguousarray(tensor))

    def invoke(self) -> None:
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as error:
            raise RuntimeError(_cause(error)) from error

    def get_tensor(self, index: int) -> np.ndarray:
        """A copy of the output."""
        return np.array(self._binding.get_outputs()[index].numpy())


def _detail(tensor: Tensor) -> dict[str, Any]:
    """As interpreters of .tflite files describe a tensor."""
    try:
        dtype = np.dtype(tensor.dtype).type
    except TypeError:
        raise RuntimeError(f"its tensor {tensor.name} is {tensor.dtype}, which is no number that numpy has") from None
    if np.dtype(dtype).kind not in "fiub":
        raise RuntimeError(f"its tensor {tensor.name} holds {tensor.dtype}, not numbers")
    return {
        "name": tensor.name,
        "shape": np.array(tensor.shape, int),
        "shape_signature": np.array(tensor.signature, int),
        "dtype": dtype,
        "quantization": (0.0, 0),
    }


def _cause(error: Exception) -> str:
    """Without the numbers of its kind in front: "[ONNXRuntimeError] : 10 : INVALID_GRAPH : ..."."""
    text = " ".join(str(error).split())
    return text.removeprefix("[ONNXRuntimeError] : ")[:300]
