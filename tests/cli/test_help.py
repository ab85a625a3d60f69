"""Help texts are whole sentences, for every option of every command."""

import click
import pytest

from edgefkp.cli import COMMANDS, cli


def commands() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found = []
    waiting = [(name, cli.get_command(context, name)) for name in COMMANDS]
    for name, command in waiting:
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            waiting += [
                (f"{name} {inner}", command.get_command(context, inner)) for inner in command.list_commands(context)
            ]
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda one: one if isinstance(one, str) else "")
def test_every_option_has_a_help_that_begins_and_ends_as_a_sentence(name, command):
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            option.get_help_record(click.Context(command))  # makes the help of those that ask a registry
            text = (option.help or "").partition(" [default:")[0]
            assert text[:1].isupper(), f"{name} {option.opts[0]}: {text}"
            assert text.endswith((".", "...")), f"{name} {option.opts[0]}: {text}"


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda one: one if isinstance(one, str) else "")
def test_help_fits_80_columns(name, command):
    text = command.get_help(click.Context(command, info_name=f"edgefkp {name}", terminal_width=80))
    assert [line for line in text.splitlines() if len(line) > 80] == []
