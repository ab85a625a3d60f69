"""Options and output that several commands share."""

import difflib
import sys
from collections.abc import Callable, Iterable
from typing import Any

import click

from edgefkp.files import json_text


def nearest(word: str, known: Iterable[str]) -> str:
    """' Did you mean: a, b?' or ''."""
    close = difflib.get_close_matches(word, list(known), n=3)
    return f" Did you mean: {', '.join(close)}?" if close else ""


json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")


def data_option(default: str | None = "sample") -> Callable[[Any], Any]:
    return click.option(
        "--data",
        default=default,
        show_default=default is not None,
        metavar="DATA",
        help="sample, a folder with Kaggle's files, an .npz, or a folder of images with a points CSV.",
    )


def labels_option() -> Callable[[Any], Any]:
    return click.option(
        "--labels",
        type=click.Choice(["csv", "full"]),
        default="csv",
        show_default=True,
        help="Train on the labels of training.csv, or on full_labels.npz beside it.",
    )


class _DeviceOption(click.Option):
    """--device: its help lists the kinds of devices that are registered when it is shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from edgefkp.bench.devices import forms

        self.help = f"{forms()}.{' Repeat the option for several at once.' if self.multiple else ''}"
        return super().get_help_record(ctx)


def device_option(multiple: bool = False) -> Callable[[Any], Any]:
    """--device, as `devices` if several are taken."""
    name, default = ("devices", ["cpu"]) if multiple else ("device", "cpu")
    return click.option(
        "--device", name, cls=_DeviceOption, multiple=multiple, default=default, show_default=True, metavar="DEVICE"
    )


def note(text: str) -> None:
    """A line for people: stderr, so that stdout stays the result."""
    print(text, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    click.echo(json_text(value))
