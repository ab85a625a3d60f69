"""What the repository says about itself is current."""

import itertools
import re
import shlex
from pathlib import Path

import click
import pytest

from bench.render_docs import rendered
from edgefkp.cli import COMMANDS
from tests.commands import require_understood

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tables_are_those_of_the_committed_json(document):
    assert document.read_text(encoding="utf-8") == rendered(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_into_the_repository_lead_somewhere(document):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_shown_exist(document):
    shown = re.findall(r"(?:^|[`/])edgefkp ([a-z]+)\b", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name in shown if name not in COMMANDS] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_that_are_shown_are_understood(document):
    for line in shown_lines(document):
        program, *words = line
        try:
            require_understood(program, words)
        except (click.UsageError, SystemExit) as error:
            pytest.fail(f"{shlex.join(line)}: {error}")


def shown_lines(document: Path) -> list[list[str]]:
    """Program and words of each command of ours in blocks of code; those that show alternatives are left out."""
    found = []
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", document.read_text(encoding="utf-8"), re.M | re.S):
        if language not in ("", "sh", "bash", "console"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            if re.search(r"\bedgefkp |python -m bench\.", line):
                words = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
                words.whitespace_split = True
                found += commands(list(words))
    return found


def commands(words: list[str]) -> list[list[str]]:
    """[program, its words] of each command of ours in the words of a line."""
    found = []
    for end, parts in itertools.groupby(words, lambda word: set(word) <= set("|&;<>()")):
        part = list(parts)
        if any("..." in word or "[" in word for word in part):
            continue
        if not end and "-m" in part[:3] and part[part.index("-m") + 1].startswith(("bench.", "edgefkp")):
            found.append(part[part.index("-m") + 1 :])
        elif not end and Path(part[0]).name == "edgefkp":
            found.append(["edgefkp", *part[1:]])
    return found


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_tests_that_are_named_exist(document):
    named = re.findall(r"`(tests/[\w/]+(?:\.py)?)`", document.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
