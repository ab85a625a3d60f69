"""torch: a PyTorch network, as module:function or as an exported program (.pt2), by litert-torch."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.sources import SOURCES, Shapes, Source

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
INSTALL = "pip install 'edgefkp[torch]'"


def _recognizes(given: str) -> bool:
    return bool(_FUNCTION.fullmatch(given)) or (Path(given).suffix == ".pt2" and Path(given).is_file())


def _write(given: str, shapes: Shapes, target: Path) -> None:
    from edgefkp.files import captured_fds

    network, samples = _of_file(given) if given.endswith(".pt2") else _of_function(given, shapes)
    with captured_fds():
        try:
            import litert_torch

            litert_torch.convert(network, samples).export(str(target))
        except Exception as error:  # of many kinds
            cause = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise EdgefkpError(
                f"{given} cannot be converted by litert-torch: {cause[:150]}", "see which operator it names"
            ) from error


def _of_function(given: str, shapes: Shapes) -> tuple[Any, tuple[Any, ...]]:
    """The network that the user's function returns, and inputs of noise."""
    import torch

    if not shapes:
        raise UsageError(f"{given}: the shape of its input is not known", "give it: --shape 1,3,112,112")
    module, _, name = given.partition(":")
    sys.path.insert(0, os.getcwd())  # the user's own code, which was named
    try:
        network = getattr(importlib.import_module(module), name)()
    except Exception as error:
        cause = (str(error).strip().splitlines() or [""])[0][:150] or type(error).__name__
        raise EdgefkpError(
            f"{given} returned no network: {type(error).__name__}: {cause}",
            "name a function without arguments that returns a torch.nn.Module with its weights",
        ) from error
    if not isinstance(network, torch.nn.Module):
        raise EdgefkpError(
            f"{given} returned no network but {type(network).__name__}", "let it return a torch.nn.Module"
        )
    return network.eval(), tuple(torch.rand(shape) for shape in shapes)


def _of_file(given: str) -> tuple[Any, tuple[Any, ...]]:
    from edgefkp.errors import reading

    with reading(
        given, "a program of torch.export", "save it again: torch.export.save(torch.export.export(...), FILE)"
    ):
        import torch

        with _tensors_alone(given):
            program = torch.export.load(given)
        if program.example_inputs is None:
            raise UsageError(f"{given} holds no inputs that it was exported with", "export it again with them")
        samples, _ = program.example_inputs
        with contextlib.suppress(NotImplementedError):  # exported programs have no modes of their own
            return program.module().eval(), tuple(samples)
        return program.module(), tuple(samples)


@contextlib.contextmanager
def _tensors_alone(given: str) -> Iterator[None]:
    """torch.export.load unpickles what a file holds beside tensors, which may run any code: such files are refused."""
    import pickle

    import torch

    def refuse(*_: Any, **__: Any) -> None:
        raise pickle.UnpicklingError("objects that are no tensors")

    load, unpickle, unpickle_object = torch.load, pickle.loads, torch._C._pickle_load_obj

    def load_tensors(*arguments: Any, **options: Any) -> Any:
        return load(*arguments, **{**options, "weights_only": True})

    torch.load, pickle.loads, torch._C._pickle_load_obj = load_tensors, refuse, refuse
    try:
        yield
    except pickle.UnpicklingError as error:
        raise EdgefkpError(
            f"{given} holds pickled Python objects beside its tensors: reading them may run any code",
            "save the program again with tensors alone; or name a function of yours: edgefkp import MODULE:FUNCTION",
        ) from error
    finally:
        torch.load, pickle.loads, torch._C._pickle_load_obj = load, unpickle, unpickle_object


TORCH = SOURCES.add(
    Source(
        "torch",
        "module:function that returns a PyTorch network, or a .pt2 file",
        4,
        _recognizes,
        _write,
        packages=("torch", "litert_torch"),
        install=INSTALL,
        name_of=lambda given: given.rpartition(":")[2] if ":" in given else Path(given).stem,
    )
)
