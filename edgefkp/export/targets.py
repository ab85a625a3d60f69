"""Targets: which runtime a file must run on, known before it is copied to a board."""

import functools
from dataclasses import dataclass
from pathlib import Path

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.export.inspect import Inspection
from edgefkp.export.op_versions import TABLE
from edgefkp.files import read_json
from edgefkp.runtime import interpreters as runtimes
from edgefkp.runtime import safety


@dataclass(frozen=True)
class Target:
    """tables: keys of op_versions.json whose operator versions a file must keep to.

    runtimes: name -> version prefix of the runtimes that stand for the target; where such a one is installed, the
    file is loaded and run in it.
    per_tensor_dense: dense layers of dynamic files get one scale instead of one per output, since the operator
    version for the latter (12) is too new.
    """

    name: str
    tables: tuple[str, ...]
    runtimes: dict[str, str]
    per_tensor_dense: bool = False


TARGETS = {
    target.name: target
    for target in (
        Target("any", ("tflite-runtime-2.14", "litert-2"), {"tflite-runtime": "2.14", "litert": "2."}, True),
        Target("tflite-runtime-2.14", ("tflite-runtime-2.14",), {"tflite-runtime": "2.14"}, True),
        Target("litert-2", ("litert-2",), {"litert": "2."}),
    )
}


def target_of(name: str) -> Target:
    """Raises UsageError for an unknown name."""
    if name not in TARGETS:
        raise UsageError(f"unknown target '{name}'", f"choose one of: {', '.join([*TARGETS, 'micro'])}")
    return TARGETS[name]


def refusals(inspection: Inspection) -> dict[str, tuple[str, ...]]:
    """Runtime (key of op_versions.json) -> why it would not load the file; empty where it would."""
    return {name: tuple(_too_new(inspection, name)) for name in _tables()}


def _too_new(inspection: Inspection, name: str) -> list[str]:
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
    return read_json(TABLE)


def require_target(inspection: Inspection, target: Target, path: Path) -> None:
    """Check operator versions against the target's tables, then load and run the file where a runtime is installed.

    Raises EdgefkpError with what is too new and how to export it instead.
    """
    reasons = refusals(inspection)
    for name in target.tables:
        if reasons[name]:
            raise EdgefkpError(f"{path.name} cannot run on {name}: {'; '.join(reasons[name])}", _fix(target, name))
    for runtime in tried(target):
        safety.check(path, runtime)


def tried(target: Target) -> list[str]:
    """The installed runtimes that stand for the target."""
    return [
        info.name
        for info in runtimes.installed()
        if info.version.startswith(target.runtimes.get(info.name, "no such version")) and _works(info.name)
    ]


def _works(runtime: str) -> bool:
    try:
        runtimes.choose(runtime)
    except EdgefkpError:  # tflite-runtime beside numpy 2
        return False
    return True


def _fix(target: Target, name: str) -> str:
    if target.name == "any":
        others = [other for other in TARGETS if other not in ("any", name)]
        return f"export it for another runtime: --target {' or '.join(others)}; or choose another scheme"
    return "choose another scheme, or another --target"
