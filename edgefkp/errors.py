"""The errors that a user can cause, and the exit codes of every command."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

FAILED = 1  # the work could not be done
USAGE = 2  # the command line was wrong (click's own code)
GATE = 3  # the work was done, and a limit that the user set is not met
ENVIRONMENT = 4  # a package, a library or the network is missing


def printable(text: str) -> str:
    """`text` with what a terminal would obey, or could not show, as an escape: \\x1b, \\u202e, \\udce4.

    Names and messages may come from a file or a board of somebody else's.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in _SHOWN else _escaped(letter) for letter in text)


_SHOWN = "\n\N{NO-BREAK SPACE}"


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


class EdgefkpError(Exception):
    """An error for people: what was found against what was expected, and what to type next.

    The command line prints it in two lines and exits with `exit_code`.
    """

    exit_code = FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = printable(message)
        self.hint = printable(hint)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(EdgefkpError):
    exit_code = USAGE


class GateError(EdgefkpError):
    exit_code = GATE


class EnvironmentProblem(EdgefkpError):
    exit_code = ENVIRONMENT


@contextlib.contextmanager
def reading(path: Any, kind: str, hint: str) -> Iterator[None]:
    """For a block that opens and decodes the content of `path`, and does nothing else.

    Whatever goes wrong in it becomes an EdgefkpError that names the file: decoders raise errors of many kinds for
    damaged content, and document few of them. kind: what the file should be ("a readable JSON file").
    """
    try:
        yield
    except (EdgefkpError, ImportError, NameError):
        raise
    except FileNotFoundError:
        raise EdgefkpError(f"{path} does not exist", hint) from None
    except MemoryError as error:  # which a whole file may cause, too: nobody shall throw that away
        message = f"there is not enough memory to read {path}"
        raise EdgefkpError(message, f"close other programs; if that does not help: {hint}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # else a decoder's own
            message = f"cannot read {path}: {error.strerror or error}"
            raise EdgefkpError(message, "make it readable, or copy it again") from error
        cause = (str(error).strip().splitlines() or [""])[0][:150] or type(error).__name__
        raise EdgefkpError(f"{path} is not {kind}: {cause}", hint) from error


@contextlib.contextmanager
def writing(path: Any) -> Iterator[None]:
    """For a block that writes `path`: what the disk refuses becomes an EdgefkpError of two lines.

    A zip or an array that is cut off by a full disk, or by Ctrl-C, complains of its closed stream: what came before
    counts.
    """
    outer = sys.exc_info()[1]
    try:
        yield
    except EdgefkpError:
        raise
    except Exception as error:
        began: BaseException | None = error
        while began is not None and began is not outer:
            if not isinstance(began, Exception):
                raise began from None
            if isinstance(began, OSError):
                raise EdgefkpError(
                    f"cannot write {path}: {began.strerror or began}",
                    "choose a folder that you can write to, on a disk with space left",
                ) from error
            began = began.__context__
        raise


def some(names: Sequence[str], most: int = 5) -> str:
    """The first of them, each on one line and not too long, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(" ".join(name.split())[:80] for name in names[:most]) + more


def counted(number: int, what: str) -> str:
    """ "1 image", "2 processes", "no face"."""
    plural = "" if number in (0, 1) else "es" if what.endswith("s") else "s"
    return f"{f'{number:,}' if number else 'no'} {what}{plural}"


def warn(message: str) -> None:
    """A line on stderr for what was left out while the rest went on."""
    text = f"warning: {message}".encode(errors="backslashreplace").decode()  # a file's name may be no UTF-8
    print(text, file=sys.stderr, flush=True)


# Shared library of the system that OpenCV needs -> Debian's package, as on Raspberry Pi OS.
_SYSTEM_LIBRARIES = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0", "libglib-2.0.so.0": "libglib2.0-0"}
NEWER_OPENCV = "pip install -U 'opencv-python>=4.10,<6'"


def missing(error: ImportError) -> EnvironmentProblem:
    """What to install for an import that failed: a Python package, or a library that one of them loads."""
    for library, package in _SYSTEM_LIBRARIES.items():
        if library in str(error):
            return EnvironmentProblem(f"OpenCV needs the system's {library}", f"sudo apt install {package}")
    if "numpy.core.multiarray failed to import" in str(error):  # OpenCV before 4.10, beside numpy 2
        return EnvironmentProblem("the installed OpenCV was built for numpy 1, numpy 2 is installed", NEWER_OPENCV)
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("edgefkp"):
        hint = f"pip install 'edgefkp[train]', or the package that has {error.name}"
        return EnvironmentProblem(f"the Python package {error.name} is not installed", hint)
    cause = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    hint = "install it again, or give this process more memory if it cannot be mapped; --debug shows the traceback"
    return EnvironmentProblem(f"an installed package cannot be loaded: {cause}", hint)
