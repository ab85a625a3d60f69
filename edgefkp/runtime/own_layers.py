"""Layers of a user's own, which Keras knows once the Python that registers them has run: in this process and in its
children."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edgefkp.errors import EdgefkpError, UsageError

VARIABLE = "EDGEFKP_IMPORT"  # what `imported` imports, separated as the paths of PATH are


def use(names: Sequence[str]) -> None:
    """Let every network that is loaded from now on find the layers of these modules or files (.py).

    Raises UsageError for one that is not there.
    """
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys(_found(name) for name in names))


def _found(name: str) -> str:
    """A file by its whole path: children do not have the current folder on their import path."""
    for path in (Path(name), Path(f"{name.replace('.', '/')}.py")):
        if path.is_file():
            return str(path.resolve())
    try:
        known = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        known = None
    if known is None:
        raise UsageError(f"no Python module or file '{name}'", "give --import FILE.py, or an installed module's name")
    return name


def imported() -> None:
    """Import what `use` was given. Raises EdgefkpError where that fails."""
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        try:
            _import(name)
        except Exception as error:  # whatever a stranger's file raises
            cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
            raise EdgefkpError(f"--import {name} fails: {type(error).__name__}: {cause}", "run it by itself") from error


def _import(name: str) -> None:
    if not name.endswith(".py"):
        importlib.import_module(name)
        return
    module = f"edgefkp_import_{Path(name).stem}"
    if module in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(module, name)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[module] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(sys.modules[module])
    except BaseException:
        del sys.modules[module]
        raise
