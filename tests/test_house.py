"""The structure that docs/CONTRIBUTING.md promises: floors, no import circle, a small hall."""

import ast
import functools
from pathlib import Path

import edgefkp

ROOT = Path(edgefkp.__file__).parent
# Low to high; rooms of one floor do not import each other.
FLOORS = (
    ("",),
    ("data",),
    ("networks",),
    ("runtime",),
    ("evaluation",),
    ("training",),
    ("export",),
    ("detect",),
    ("bench",),
    ("search",),
    ("report",),
    ("run",),
    ("study", "demo"),
    ("cli",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
HALL = {"errors", "files", "records", "layout", "layouts", "geometry", "card", "_version"}
FACE = {"__init__", "__main__"}  # what users import and run: above everything


def modules() -> dict[str, Path]:
    """Dotted name -> file."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = (ROOT.name, *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def graph() -> dict[str, set[str]]:
    """Module -> the modules of the package that it imports anywhere, inside functions too."""
    known = modules()
    arrows = {}
    for name, path in known.items():
        targets: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                inside = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
                targets |= inside or {node.module}
                if len(inside) < len(node.names):
                    targets.add(node.module)
        arrows[name] = (targets & known.keys()) - {name}
    return arrows


def room_of(module: str) -> str:
    """The folder, or "run" for run.py, "" for the hall and "cli" for what stands above everything."""
    parts = module.split(".")
    if len(parts) == 1 or parts[1] in FACE:
        return "cli"
    return "" if parts[1] in HALL else parts[1]


def test_every_module_stands_in_a_known_room():
    assert {room_of(module) for module in modules()} == set(FLOOR)


def test_the_root_has_at_most_ten_modules():
    assert len(list(ROOT.glob("*.py"))) <= 10


def test_no_arrow_runs_up():
    up = [
        f"{module} -> {target}"
        for module, targets in graph().items()
        for target in sorted(targets)
        if room_of(target) != room_of(module) and FLOOR[room_of(target)] >= FLOOR[room_of(module)]
    ]
    assert up == []


def test_no_import_circle():
    state: dict[str, int] = {}
    circles = []

    def visit(module: str, path: tuple[str, ...]) -> None:
        if state.get(module) == 1:
            circles.append(" -> ".join((*path[path.index(module) :], module)))
        if state.get(module):
            return
        state[module] = 1
        for target in sorted(graph()[module]):
            visit(target, (*path, module))
        state[module] = 2

    for module in graph():
        visit(module, ())
    assert circles == []


def test_no_file_is_longer_than_300_lines():
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in modules().items()}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_no_test_module_imports_another():
    tests = Path(__file__).parent
    found = [
        f"{path.relative_to(tests)}: {node.module}"
        for path in tests.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2].startswith("test_")
    ]
    assert found == []
