"""Kinds of options: names out of a registry, help that is made when it is shown."""

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

LAYOUT_FILES = f"{__name__}.layout"  # begins the keys of a context's meta: the JSON file of a layout, by its name


def nearest(word: str, known: Iterable[str]) -> str:
    """' Did you mean: a, b?' or ''."""
    close = difflib.get_close_matches(word, list(known), n=3)
    return f" Did you mean: {', '.join(close)}?" if close else ""


class NameChoice(click.ParamType):
    """One of the names that `names` gives when the option is read or shown: what is registered later counts, too.

    A name may carry an argument after a colon ("yunet:FILE") if `arguments` is set.
    """

    name = "name"

    def __init__(self, kind: str, names: Callable[[], Iterable[str]], arguments: bool = False) -> None:
        self.kind, self.names, self.arguments = kind, names, arguments

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"[{'|'.join(self.names())}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        known = tuple(self.names())
        if (str(value).partition(":")[0] if self.arguments else value) in known:
            return value
        found = nearest(str(value), known) or f" Choose one of: {', '.join(known)}."
        self.fail(f"unknown {self.kind} '{value}'.{found}", param, ctx)


class LayoutChoice(click.ParamType):
    """The name of a point layout, or a JSON file that defines one: a `PointLayout`."""

    name = "layout"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from edgefkp.layout import LAYOUTS, PointLayout
        from edgefkp.layouts.own import read_layout

        if isinstance(value, PointLayout):
            return value
        if value in LAYOUTS:
            return LAYOUTS[value]
        if value.endswith(".json") or Path(value).exists():
            layout = read_layout(Path(value))
            if ctx:
                ctx.meta[f"{LAYOUT_FILES}.{layout.name}"] = value
            return layout
        known = LAYOUTS.names()
        found = nearest(value, known) or f" Choose one of: {', '.join(known)}; or give a JSON file."
        self.fail(f"unknown point layout '{value}'.{found}", param, ctx)


class SharedOption(click.Option):
    """An option whose help is made when it is shown, and that hidden old spellings still find."""

    def __init__(
        self, *declarations: Any, old: tuple[str, ...] = (), help_from: Callable[[], str] | None = None, **options: Any
    ) -> None:
        super().__init__(*declarations, **options)
        self.old, self.help_from = old, help_from

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        shown = self.opts
        self.opts = [*shown, *self.old]
        super().add_to_parser(parser, ctx)
        self.opts = shown

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        if self.help_from:
            self.help = self.help_from()
        return super().get_help_record(ctx)
