"""What mkdocs.yml adds to the pages of docs/: the root's own pages, and those that are generated."""

from __future__ import annotations

import html
import inspect
import re
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from edgefkp.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
# Page of the site -> file of the root.
FROM_ROOT = {"index.md": "README.md", "CHANGELOG.md": "CHANGELOG.md", "MODEL_LICENSES.md": "MODEL_LICENSES.md"}
# Where the public names are defined.
API = (
    "edgefkp.detect.detector.KeypointDetector",
    "edgefkp.detect.detector.Face",
    "edgefkp.detect.tracker.Tracker",
    "edgefkp.errors.EdgefkpError",
)
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/."""
    pages = {page: (ROOT / file).read_text(encoding="utf-8") for page, file in FROM_ROOT.items()}
    pages |= {"CLI.md": command_line(), "API.md": public_names()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links that lead out of docs/ go to the page of the site, or stay as text where there is no page."""
    return _LINK.sub(lambda match: _link(match, page.file.src_uri), markdown)


def _link(match: re.Match[str], page: str) -> str:
    base = ROOT if page in FROM_ROOT else ROOT / "docs"
    target = (base / match["target"]).resolve()
    pages = {(ROOT / file).resolve(): name for name, file in FROM_ROOT.items()}
    text = match["text"]
    if text == match["target"] and text.endswith(".md") and target.is_file():  # a reader of the site sees no files
        text = _title(target)
    if target in pages:
        return f"[{text}]({pages[target]}{match['anchor'] or ''})"
    if target.is_relative_to(ROOT / "docs"):
        return f"[{text}]({target.relative_to(ROOT / 'docs').as_posix()}{match['anchor'] or ''})"
    return match["text"] if match["text"].startswith("`") else f"`{match['text']}`"


def _title(page: Path) -> str:
    """Its first heading."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return next((line.removeprefix("# ") for line in lines if line.startswith("# ")), page.name)


def command_line() -> str:
    """Every command with its --help."""
    parts = [
        "# Command line",
        "Made from `--help`. Every command takes `--debug`, which shows the traceback of an error.",
    ]
    context = click.Context(cli, info_name="edgefkp")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        parts += _command(command, click.Context(command, info_name=name, parent=context), 2)
    return "\n\n".join(parts) + "\n"


def _command(command: click.Command, context: click.Context, level: int) -> list[str]:
    parts = [f"{'#' * level} {context.command_path}"]
    parts.append(f"```text\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```")
    parts.append(_escaped(inspect.cleandoc((command.help or "").replace("\b", ""))))
    options = [record for one in command.get_params(context) if (record := _record(one, context))]
    if options:
        rows = [f"| <code>{_cell(name)}</code> | {_cell(text)} |" for name, text in options]
        parts.append("\n".join(["| option | |", "| --- | --- |", *rows]))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            parts += _command(inner, click.Context(inner, info_name=name, parent=context), level + 1)
    return parts


def _record(option: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record: Any = option.get_help_record(context)
    if record is None or "--help" in record[0]:
        return None
    return record[0], record[1]


def _cell(text: str) -> str:
    return html.escape(_escaped(" ".join(text.split())), quote=False).replace("|", "&#124;")


def _escaped(text: str) -> str:
    """As it stands: no emphasis, and no link to `[x>=1]`."""
    return re.sub(r"[*_\[\]]", lambda match: f"\\{match[0]}", text)


def public_names() -> str:
    """The public names by their docstrings."""
    head = "# Python\n\nThe public names of `edgefkp`; everything else may change from version to version."
    parts = [f"::: {name}\n    options:\n      heading: edgefkp.{name.rpartition('.')[2]}" for name in API]
    return "\n\n".join([head, *parts]) + "\n"
