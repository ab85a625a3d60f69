"""Whether a command that is written somewhere is understood by its program."""

import argparse
import contextlib
import importlib
from collections.abc import Sequence

import click
import pytest

from edgefkp.cli import cli


class Parsed(Exception):
    """The words of a command were understood."""


def require_understood(program: str, words: Sequence[str]) -> None:
    """Let the program parse its words; it runs nothing. Files that the commands make themselves are not there yet."""
    command = cli if program == "edgefkp" else _main_of(program)
    while isinstance(command, click.Group):
        command, words = command.commands.get(words[0]) or command.get_command(None, words[0]), words[1:]
        assert command, words
    if isinstance(command, click.Command):
        with contextlib.suppress(click.BadParameter):
            command.make_context(program, list(words))
        return
    with pytest.MonkeyPatch.context() as patch:
        for name in ("parse_args", "parse_intermixed_args"):
            patch.setattr(argparse.ArgumentParser, name, _parsed_alone(name, words))
        with pytest.raises(Parsed):
            command()


def _main_of(program: str):
    module = importlib.import_module(program)
    return (importlib.import_module(f"{program}.__main__") if hasattr(module, "__path__") else module).main


def _parsed_alone(name: str, words: Sequence[str]):
    parse = getattr(argparse.ArgumentParser, name)

    def instead(parser, *_):
        parse(parser, list(words))
        raise Parsed

    return instead
