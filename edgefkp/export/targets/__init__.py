"""Targets: which runtime a file must run on, known before it is copied to a board. One file of this folder adds one."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edgefkp.errors import EdgefkpError
from edgefkp.export.schemes import CAST, DEFAULT_SCHEMES
from edgefkp.records import Registry
from edgefkp.runtime.defects import complaints

if TYPE_CHECKING:
    from edgefkp.export.inspect import Inspection

TABLE = Path(__file__).parent / "op_versions.json"  # runtime -> operator -> the highest version that it knows
DEFAULT_TARGET = "any"


@dataclass(frozen=True)
class Npu:
    """An NPU as the compiler is told of it."""

    # As Vela's --accelerator-config: the number at the end is how many multiply-accumulates it does in a cycle.
    accelerator: str
    # Clock and memories: a name of Vela's --system-config.
    system: str
    # What lies where: a name of Vela's --memory-mode.
    memory: str


@dataclass(frozen=True)
class Target:
    # As in --target.
    name: str
    # For help and tables.
    description: str
    # Place in tables and help.
    order: int
    # Keys of TABLE whose operator versions a file must keep to.
    tables: tuple[str, ...]
    # Name -> version prefix of the runtimes that stand for the target: the file runs in those that are installed.
    runtimes: dict[str, str] = field(default_factory=dict)
    # Dense layers of dynamic files get one scale instead of one per output, as the operator version for the latter (12)
    # is too new.
    per_tensor_dense: bool = False
    # The operator that leads from 8 into 16 bits, in front of a soft argmax of full int8.
    widen: str = CAST
    # The target whose files it takes if it adds something to them; "" for files of its own.
    files_as: str = ""
    # The schemes that are exported if none is named.
    schemes: tuple[str, ...] = DEFAULT_SCHEMES
    # Each file is run in TensorFlow Lite Micro and written as a C array.
    micro: bool = False
    # Each file is compiled for this NPU, and the compiler's estimate written in its card.
    npu: Npu | None = None


TARGETS: Registry[Target] = Registry("target", __name__, order=lambda target: target.order)


def refusals(inspection: "Inspection") -> dict[str, tuple[str, ...]]:
    """Runtime (key of TABLE) -> why it would not load the file, or compute it wrongly; empty if all is well."""
    return {name: (*_too_new(inspection, name), *complaints(inspection.defects, name)) for name in _tables()}


def _too_new(inspection: "Inspection", name: str) -> list[str]:
    operators = _tables()[name]["operators"]
    found = []
    for operator in inspection.operators:
        newest = operators.get(operator.name)
        if operator.name.startswith("CUSTOM "):
            found.append(f"no custom operator {operator.name[7:]}")
        elif newest is None:
            found.append(f"no {operator.name}")
        elif operator.version > newest:
            found.append(f"{operator.name} {operator.version} is newer than its {newest}")
    return list(dict.fromkeys(found))


@functools.cache
def _tables() -> dict[str, dict[str, dict[str, int]]]:
    from edgefkp.files import read_json

    return read_json(TABLE)


def require_target(inspection: "Inspection", target: Target, path: Path) -> None:
    """Check the graph against what the target's runtimes know and compute rightly, then run the file in each runtime of
    `tried`, and compare what they make of it.

    Raises EdgefkpError with what is too new or wrong and how to export it instead.
    """
    from edgefkp.runtime import agreement, safety

    reasons = refusals(inspection)
    for name in target.tables:
        if reasons[name]:
            raise EdgefkpError(f"{path.name} cannot run on {name}: {'; '.join(reasons[name])}", _fix(target, name))
    present = tried(target)
    for runtime in present:
        safety.check(path, runtime)
    agreement.require_agreement(path, present)


def tried(target: Target) -> list[str]:
    """The installed runtimes that stand for the target."""
    from edgefkp.runtime import interpreters as runtimes

    return [
        info.name
        for info in runtimes.installed()
        if info.version.startswith(target.runtimes.get(info.name, "no such version")) and _works(info.name)
    ]


def _works(runtime: str) -> bool:
    from edgefkp.runtime import interpreters as runtimes

    try:
        runtimes.choose(runtime)
    except EdgefkpError:  # tflite-runtime beside numpy 2
        return False
    return True


def _fix(target: Target, name: str) -> str:
    """What to do about a file that cannot run on the runtime `name`."""
    others = [one.name for one in TARGETS.values() if name not in one.tables]
    if len(target.tables) > 1 and others:
        return f"export it for another runtime: --target {' or '.join(others)}; or choose another scheme"
    return "choose another scheme, or another --target"
