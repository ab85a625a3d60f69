"""Sources: what `edgefkp import` makes files from. One file of this folder adds one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edgefkp.errors import EdgefkpError, EnvironmentProblem
from edgefkp.records import Registry

Shapes = tuple[tuple[int, ...], ...]  # of each input, the batch first


@dataclass(frozen=True)
class Source:
    """One form in which people have networks."""

    # For messages.
    name: str
    # For help and tables: the form of the argument.
    description: str
    # Place in tables and help.
    order: int
    # Whether the argument is of this form; nothing is opened.
    recognizes: Callable[[str], bool]
    # Write the file of (the argument, shapes of its inputs if they were given) to a path. Runs in a child process.
    write: Callable[[str, Shapes, Path], None]
    # Of the file that is written.
    suffix: str = ".tflite"
    # What is imported for that, and how to get it.
    packages: tuple[str, ...] = ()
    install: str = ""
    # A name of one's own for the argument; by default a file's stem.
    name_of: Callable[[str], str] = lambda given: Path(given).name.partition(".")[0]

    def require_packages(self) -> None:
        """Raise EnvironmentProblem where one is missing."""
        for package in self.packages:
            if find_spec(package) is None:
                raise EnvironmentProblem(
                    f"{self.description} needs {package.replace('_', '-')}, which is not installed", self.install
                )


_PICKLED = (".pt", ".pth", ".ckpt", ".pkl")
SOURCES: Registry[Source] = Registry("source", __name__, order=lambda source: source.order)


def source_of(given: str) -> Source:
    """The source that an argument is of. Raises EdgefkpError for one that none recognizes."""
    for source in SOURCES.values():
        if source.recognizes(given):
            return source
    path = Path(given)
    if path.suffix.lower() in _PICKLED and path.exists():
        raise EdgefkpError(
            f"{given} holds pickled Python objects: reading it may run any code, so it is not read",
            "name a function of yours that makes the network and loads these weights (torch.load(FILE, "
            "weights_only=True)): edgefkp import MODULE:FUNCTION; or give a .pt2 of torch.export.save",
        )
    found = "is of no form that is read" if path.exists() else "does not exist"
    raise EdgefkpError(f"{given} {found}", f"give one of: {'; '.join(one.description for one in SOURCES.values())}")


def has_suffix(*suffixes: str) -> Callable[[str], bool]:
    """Whether an argument is an existing file with one of these suffixes."""
    return lambda given: Path(given).suffix.lower() in suffixes and Path(given).is_file()
