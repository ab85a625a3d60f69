"""The command line: one module per command, imported only when that command is typed; every exception ends here."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import types
import warnings
from typing import Any, NoReturn

import click

from edgefkp._version import __version__
from edgefkp.errors import EdgefkpError, UsageError, missing, printable
from edgefkp.runtime import signals

# Command -> one line of help, in the order of the flow. The module of the same name holds the click command
# `command`; help needs no import.
COMMANDS = {
    "run": "Train, export, bench and report in one go.",
    "data": "Inspect, audit and download data.",
    "models": "List all networks and all model files.",
    "train": "Train a network: labeled faces -> models/.",
    "study": "The paper's study: every network with every imputation.",
    "report": "Write the study's figures, tables and findings.",
    "tune": "Search for networks: error, measured time and size.",
    "evaluate": "Score a .keras or .tflite file on labeled faces.",
    "export": "Convert trained networks: models/ -> export/.",
    "import": "Take anyone's network: .tflite, .keras, .h5, SavedModel, PyTorch -> export/.",
    "inspect": "Describe a .tflite file: scheme, operators, runtimes, input and output.",
    "parity": "Compare .tflite files with the models they were converted from.",
    "bench": "Measure .tflite files: export/ -> bench/.",
    "compare": "Compare two measurements: ratio, interval, verdict.",
    "recommend": "Choose a file for a measured device.",
    "predict": "Predict keypoints in images, folders and videos.",
    "demo": "Show keypoints live: camera, video, window, web page.",
    "bundle": "Pack files, images and the benchmark for another machine.",
    "publish": "Show or publish a model's files, with their terms, on a hub.",
    "doctor": "Check this machine or a board, and print fixes.",
    "cache": "Show what is kept in the cache folder, or remove it.",
}


_MODULES = {"import": "import_network"}  # a name that a module cannot have


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"edgefkp.cli.{_MODULES.get(cmd_name, cmd_name)}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from edgefkp.cli.parameters import nearest

            ctx.fail(f"no command '{args[0]}'.{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="edgefkp")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, as EDGEFKP_DEBUG=1 does.")
def cli(debug: bool) -> None:
    """From labeled faces to a keypoint network measured on the board it will run on."""


_SHOW_TRACEBACK = "the same command with --debug shows the traceback"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main(args: list[str] | None = None) -> None:
    """Run the command line. Whatever goes wrong is two lines on stderr and an exit code; --debug adds the traceback."""
    words, debug = _without_debug(sys.argv[1:] if args is None else args)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # names of files that are not UTF-8
            stream.reconfigure(errors="backslashreplace")
    warnings.formatwarning = _format_warning
    _warn_of_other_systems()
    if {"--help", "-h"}.intersection(words):  # what is registered is listed, and nothing is computed
        sys.modules.setdefault("numpy", _OnFirstUse("numpy"))
    try:
        if "_EDGEFKP_COMPLETE" in os.environ:  # the shell asks
            cli.main(words, "edgefkp")
        with cli.make_context("edgefkp", words) as context:
            code = cli.invoke(context)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        code = done.exit_code
    except BrokenPipeError:
        # The reader (head, less) went away: not an error, and nothing more can be printed.
        _drop(sys.stdout)
        sys.exit(141)
    except (Exception, KeyboardInterrupt) as error:
        signals.end_at_once()
        if debug:
            import traceback

            traceback.print_exc()
        if isinstance(error, KeyboardInterrupt | click.Abort) or signals.received():
            _end_stopped(error)
        _fail(_described(error))
    signals.end_at_once()
    number = signals.received()
    if number in signals.ENDING:  # for a command that Ctrl-C ends in the usual way, too
        sys.exit(128 + number)
    sys.exit(code if isinstance(code, int) else 0)


def _without_debug(words: list[str]) -> tuple[list[str], bool]:
    """The words without --debug, which may stand anywhere before a --, and whether it is asked for."""
    end = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:end] if word != "--debug"]
    return [*kept, *words[end:]], len(kept) < end or os.environ.get("EDGEFKP_DEBUG", "0") not in ("", "0")


_usual_format = warnings.formatwarning


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A line without the place in the code, for warnings of this package: they are of the user's files."""
    if category.__module__.startswith("edgefkp."):
        return f"warning: {printable(str(message))}\n"
    return _usual_format(message, category, filename, lineno, line)


class _OnFirstUse(types.ModuleType):
    """Stands for a package that is imported when something of it is asked for (importlib's LazyLoader imports it when
    a second module names it)."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _warn_of_other_systems() -> None:
    if not sys.platform.startswith("linux"):
        system = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
        _print(f"warning: edgefkp was tried on Linux only; this is {system}")
        _print("hint:    if a command fails here, use Linux: another machine, a virtual one, or WSL 2")


def _end_stopped(error: BaseException) -> NoReturn:
    """What to type next is the exception's argument, where a command gave one: see options.if_stopped."""
    _print("\n" + "; ".join(["stopped", *(str(hint) for hint in error.args if isinstance(error, KeyboardInterrupt))]))
    number = error.number if isinstance(error, signals.Stopped) else signals.received()
    sys.exit(128 + (number or 2))


def _fail(error: EdgefkpError) -> NoReturn:
    _print(f"error: {error.message}")
    if error.hint:
        _print(f"hint:  {error.hint}")
    sys.exit(error.exit_code)


def _print(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # stderr is closed, or on a full disk
        print(line, file=sys.stderr, flush=True)


def _drop(stream: Any) -> None:
    """What is left in the stream cannot be written; Python would complain about that at its end."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _described(error: BaseException) -> EdgefkpError:
    """The error in two lines, whatever it is."""
    if isinstance(error, EdgefkpError):
        return error
    if isinstance(error, click.UsageError):
        words = error.ctx.command_path if error.ctx else "edgefkp"
        return UsageError(" ".join(error.format_message().split()), f"{words} --help")
    if isinstance(error, click.ClickException):
        return UsageError(error.format_message(), _SHOW_TRACEBACK)
    if isinstance(error, ImportError):
        return missing(error)
    cause = (str(error).strip().splitlines() or [""])[0][:200]
    if isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError":  # TensorFlow's
        return EdgefkpError("there is not enough memory for this", "close other programs, or ask for less at once")
    if isinstance(error, OSError):
        if error.errno in _FULL:
            _drop(sys.stdout)
            where = f", and {os.fsdecode(error.filename)} cannot be written" if error.filename else ""
            return EdgefkpError(f"the disk is full{where}", "make room, or choose a folder on another disk")
        name = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return EdgefkpError(f"{name}{error.strerror or cause}", _SHOW_TRACEBACK)
    if isinstance(error, UnicodeError):
        return EdgefkpError(f"text that is not UTF-8, or cannot be: {cause}", _SHOW_TRACEBACK)
    name = type(error).__name__
    return EdgefkpError(f"this is an error of edgefkp: {name}{': ' if cause else ''}{cause}", _SHOW_TRACEBACK)
