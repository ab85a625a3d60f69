"""The command to type after this one, with the options that both have and that were given to this one."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edgefkp.cli.parameters import LAYOUT_FILES


def with_the_same_options(words: list[str], command: click.Command, without: tuple[str, ...] = ()) -> str:
    """`words`, and what the running command was given of the options that `command` has, ready for a shell.

    without: names of parameters that mean something else there.
    """
    context = click.get_current_context()
    taken = {param.name for param in command.params} - set(without)
    for param in context.command.params:
        given = context.get_parameter_source(param.name or "") is click.core.ParameterSource.COMMANDLINE
        if given and param.name in taken and isinstance(param, click.Option):
            words = [*words, *_typed(param, context)]
    return shlex.join(words)


def _typed(param: click.Option, context: click.Context) -> list[str]:
    value = context.params[param.name or ""]
    if param.is_flag:
        return [param.opts[-1] if value else param.secondary_opts[-1]]
    values = value if param.multiple else [value]
    return [word for one in values for word in (param.opts[-1], _word(one, context))]


def _word(value: object, context: click.Context) -> str:
    """A point layout by its file, or by its name."""
    if not isinstance(value, str | Path) and (name := getattr(value, "name", None)):
        return str(context.meta.get(f"{LAYOUT_FILES}.{name}", name))
    return f"{value:g}" if isinstance(value, float) else str(value)
