"""The part of the package that measures, as a folder of its own: for a board, a zip, or another Python environment.

It needs numpy and a runtime, nothing else; no OpenCV, no click. Which files belong to it follows from their imports.
"""

import ast
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
ENTRIES = ("bench.run_bundle", "bench.doctor")  # what runs on a board; workers and the monitor are imported by them
HOST_ONLY = (
    "data.formats",
    "data.photos",
    "data.split",
    "detect",
)  # imported only inside functions that never run on a board


@cache
def modules() -> tuple[str, ...]:
    """Dotted names, without the package's own, of ENTRIES and of every module that one of them imports."""
    found: dict[str, None] = {}
    waiting = list(ENTRIES)
    while waiting:
        name = waiting.pop()
        if name in found or not _file(name):
            continue
        found[name] = None
        waiting += name.rpartition(".")[:1] if name else ()  # the package of a module is imported before it
        waiting += _imported(name)
    return tuple(sorted(found))


def _file(name: str) -> Path | None:
    place = PACKAGE.joinpath(*name.split(".")) if name else PACKAGE
    return next((path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file()), None)


def _imported(name: str) -> Iterator[str]:
    """What a module names in its imports, also inside functions, and the files that fill its registries."""
    path = _file(name)
    assert path is not None
    tree = ast.parse(path.read_text(encoding="utf-8"))
    late = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) or _is_for_types(node)]
    inside = {id(node) for block in late for node in ast.walk(block)}
    for node in ast.walk(tree):
        for module in _named(node, name):
            if id(node) not in inside or not any(f"{module}.".startswith(f"{host}.") for host in HOST_ONLY):
                yield module


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _named(node: ast.AST, name: str) -> Iterator[str]:
    """The modules that one statement of module `name` imports, or that a Registry made there loads."""
    own = f"{PACKAGE.name}."
    if isinstance(node, ast.Import):
        yield from (alias.name.removeprefix(own) for alias in node.names if alias.name.startswith(own))
    elif isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(own):
        module = f"{node.module}."[len(own) :]
        yield module.rstrip(".")
        yield from (module + alias.name for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):  # Python that another process runs
        yield from re.findall(rf"(?:from|import) {own}([\w.]+)", node.value)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).startswith("Registry"):
        words = [name if ast.unparse(word) == "__name__" else ast.literal_eval(word) for word in node.args[1:2]]
        for folder in (str(word).removeprefix(own) for word in words):
            yield from (f"{folder}.{file.stem}" for file in PACKAGE.joinpath(*folder.split(".")).glob("[!_]*.py"))


def copy_into(folder: Path) -> Path:
    """Make `folder`/edgefkp with what measuring needs; put `folder` on a Python's path to use it."""
    for module in modules():
        path = _file(module)
        assert path is not None
        target = folder / PACKAGE.name / path.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder
