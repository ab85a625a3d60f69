"""The command line: one module per command, imported only when that command is typed."""

import importlib
import sys
from typing import Any, NoReturn

import click

from edgefkp._version import __version__
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError

# Command -> one line of help, in the order of the flow. The module of the same name holds the click command
# `command`; help needs no import.
COMMANDS = {
    "run": "Train, export, bench and report in one go.",
    "data": "Inspect, audit and download data.",
    "models": "List all networks and all model files.",
    "train": "Train a network: labeled faces -> models/.",
    "study": "The paper's study: every network with every imputation.",
    "report": "Write the study's figures, tables and findings.",
    "tune": "Search for a network, optionally within a measured time.",
    "evaluate": "Score a .keras or .tflite file on labeled faces.",
    "export": "Convert trained networks: models/ -> export/.",
    "inspect": "Describe a .tflite file: scheme, operators, runtimes, input and output.",
    "parity": "Compare .tflite files with the models they were converted from.",
    "bench": "Measure .tflite files: export/ -> bench/.",
    "compare": "Compare two measurements: ratio, interval, verdict.",
    "recommend": "Choose a file for a measured device.",
    "predict": "Predict keypoints in images, folders and videos.",
    "demo": "Show keypoints live: camera, video, window, web page.",
    "bundle": "Pack files, images and the benchmark for another machine.",
    "doctor": "Check this machine or a board, and print fixes.",
}


class LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"edgefkp.cli.{cmd_name}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from edgefkp.cli.options import nearest

            ctx.fail(f"no command '{args[0]}'.{nearest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="edgefkp")
def cli() -> None:
    """From labeled faces to a keypoint network measured on the board it will run on."""


def main(args: list[str] | None = None) -> None:
    """Run the command line; errors that a user can cause are two lines on stderr and an exit code."""
    try:
        code = cli.main(args=args, prog_name="edgefkp", standalone_mode=False)
    except EdgefkpError as error:
        _fail(error)
    except ImportError as error:
        _fail(_missing(error))
    except click.UsageError as error:
        words = error.ctx.command_path if error.ctx else "edgefkp"
        _fail(UsageError(" ".join(error.format_message().split()), f"{words} --help"))
    except click.ClickException as error:
        _fail(UsageError(error.format_message()))
    except (click.Abort, KeyboardInterrupt):
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader (head, less) went away: not an error, and nothing more can be printed.
        sys.stderr.close()
        sys.exit(141)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(error: EdgefkpError) -> NoReturn:
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"hint:  {error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)


# Shared library of the system that OpenCV needs -> Debian's package, as on Raspberry Pi OS.
_SYSTEM_LIBRARIES = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0", "libglib-2.0.so.0": "libglib2.0-0"}


def _missing(error: ImportError) -> EnvironmentProblem:
    """What to install for an import that failed: a Python package, or a library that one of them loads."""
    for library, package in _SYSTEM_LIBRARIES.items():
        if library in str(error):
            return EnvironmentProblem(f"OpenCV needs the system's {library}", f"sudo apt install {package}")
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("edgefkp"):
        hint = f"pip install 'edgefkp[train]', or the package that has {error.name}"
        return EnvironmentProblem(f"the Python package {error.name} is not installed", hint)
    raise error
