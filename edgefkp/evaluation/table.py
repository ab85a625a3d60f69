"""One table of text cells, rendered for a terminal, Markdown, HTML or as CSV."""

import csv
import html
import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

WIDTH = 80  # characters of a terminal's line
GOOD, DOUBT, BAD = "good", "doubt", "bad"  # classes of cells in HTML, which color them and give them a sign
_NARROW = 4  # columns of a table that a phone shows as it is
_FEW = 8  # rows of a wider one that a phone shows as cards; one with more scrolls
_MARKDOWN = str.maketrans({mark: rf"\{mark}" for mark in r"\|*_<`"} | {"\n": " "})


@dataclass(frozen=True)
class Column:
    """The head of a column, and what it gives up where a terminal is too narrow."""

    name: str  # in a terminal a line break in it makes a second line of heads
    align: str = "right"  # "left" for words
    narrowest: int = 0  # characters that longer cells may be cut to, in the middle; 0: never cut
    drop: int = 0  # the column is left out of a line that is too long, those with 1 first; 0: never
    title: str = ""  # the whole head, with its unit, for pages; "": the name
    mark: Callable[[str], str] = lambda cell: ""  # a cell's class in HTML: GOOD, DOUBT, BAD or ""

    @property
    def head(self) -> str:
        """What pages call the column, in one line."""
        return self.title or self.name.replace("\n", " ")


@dataclass(frozen=True)
class Table:
    """Rows of text under columns. Rendering changes nothing of it.

    Raises ValueError if a row has not one cell for each column.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()  # lines below the table; one that begins with spaces continues the one before it

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row has {len(row)} cells for {len(self.columns)} columns")

    @classmethod
    def of(
        cls, heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), words: int = 1
    ) -> "Table":
        """`words` columns of words, then columns of numbers."""
        columns = [Column(head, "left" if number < words else "right") for number, head in enumerate(heads)]
        return cls(columns, rows, notes)

    def text(self, width: int | None = WIDTH) -> str:
        """For a terminal: lines of at most `width` characters where the columns allow that; None: as long as needed."""
        body = next(text for text in self._attempts(width) if text is not None)
        notes = [line for note in self.notes for line in _wrapped(note, width)]
        return "\n".join([body, "", *notes]) if notes else body

    def markdown(self, markup: bool = False) -> str:
        """markup: the cells are Markdown themselves, and stay as they are."""
        rule = ["---" if column.align == "left" else "---:" for column in self.columns]
        marks = {} if markup else _MARKDOWN
        rows = [[cell.translate(marks) for cell in row] for row in ([c.name for c in self.columns], *self.rows)]
        lines = [f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:])]
        notes = "  \n".join(note.translate(marks) for note in self.notes)
        return "\n".join([*lines, "", notes] if notes else lines)

    def html(self) -> str:
        """A <table> in a <div> that scrolls, and a <p> for each note. Words have the class "l" (left), columns
        that a narrow screen leaves out "less". Each cell names its column (data-label), for the cards that a narrow
        screen makes of a wide table with few rows."""
        heads = "".join(
            f'<th scope="col"{_class(_names(column))}>{html.escape(column.head)}</th>' for column in self.columns
        )
        body = "\n".join(f"<tr>{''.join(map(_cell, self.columns, row))}</tr>" for row in self.rows)
        notes = "".join(f'\n<p class="soft">{html.escape(note)}</p>' for note in self.notes)
        cards = len(self.columns) > _NARROW and len(self.rows) <= _FEW
        table = (
            f"<table{_class('cards' * cards)}>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
        )
        return f'<div class="table">\n{table}\n</div>{notes}'

    def csv(self) -> str:
        """The rows without the notes."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(
            [[column.name.replace("\n", " ") for column in self.columns], *self.rows]
        )
        return out.getvalue().rstrip("\n")

    def _attempts(self, width: int | None) -> Iterator[str | None]:
        """The table's text with ever less in it, None for each that is too wide; the last one always is a text."""
        for level in sorted({0, *(column.drop for column in self.columns)}):
            kept = [number for number, column in enumerate(self.columns) if not 0 < column.drop <= level]
            for cut, gap in ((False, 2), (False, 1), (True, 2), (True, 1)):  # a narrow table, but whole names
                yield self._fitted(kept, gap, width, cut)
        yield self._fitted(kept, 1, width, anyway=True)

    def _fitted(
        self, kept: list[int], gap: int, width: int | None, cut: bool = True, anyway: bool = False
    ) -> str | None:
        """These columns, the widest of those that may be cut only as wide as fits; None where that is not enough.

        cut: whether cells may be cut. anyway: rather too wide a text than None.
        """
        heads = [self.columns[number].name.split("\n") for number in kept]
        depth = max(map(len, heads))
        above = [[head[line] if line < len(head) else "" for head in heads] for line in range(depth)]
        below = [[row[number] for number in kept] for row in self.rows]
        widths = [max(map(len, cells)) for cells in zip(*above, *below, strict=True)]
        least = [
            max([min(wide, (cut and self.columns[number].narrowest) or wide), *map(len, head)])
            for number, wide, head in zip(kept, widths, heads, strict=True)
        ]
        while width is not None and sum(widths) + gap * (len(widths) - 1) > width:
            spare = [(wide - low, place) for place, (wide, low) in enumerate(zip(widths, least, strict=True))]
            most, place = max(spare)
            if not most:
                if anyway:
                    break
                return None
            widths[place] -= 1
        rule = ["-" * wide for wide in widths]
        aligns = [self.columns[number].align for number in kept]
        lines = [
            (" " * gap).join(
                _padded(_cut(cell, wide), wide, align) for cell, wide, align in zip(row, widths, aligns, strict=True)
            )
            for row in (*above, rule, *below)
        ]
        return "\n".join(map(str.rstrip, lines))


def _padded(cell: str, width: int, align: str) -> str:
    return cell.ljust(width) if align == "left" else cell.rjust(width)


def _cut(text: str, width: int) -> str:
    """`text` in `width` characters, the middle replaced by an ellipsis: names differ at their ends."""
    if len(text) <= width:
        return text
    tail = (width - 1) * 2 // 3
    return text[: width - 1 - tail] + "…" + text[len(text) - tail :]


def _wrapped(note: str, width: int | None) -> list[str]:
    return [note] if width is None else textwrap.wrap(note, width, subsequent_indent="    ")


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""


def _names(column: Column) -> str:
    """The classes of a column's cells: words, and what a narrow screen leaves out."""
    return " ".join(["l"] * (column.align == "left") + ["less"] * (column.drop > 0))


def _cell(column: Column, cell: str) -> str:
    """A cell in HTML."""
    text = html.escape(cell).replace("\n", "<br>")
    if mark := column.mark(cell):
        text = f'<span class="{mark}">{text}</span>'
    return f'<td{_class(_names(column))} data-label="{html.escape(column.head)}">{text}</td>'


def significant(value: float) -> str:
    """Three digits that count, closing zeros included: 0.0360, 3.00, 631, 12,345."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:#.3g}".rstrip(".")
