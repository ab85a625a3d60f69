import csv
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.evaluation.table import Column, Table, significant

COLUMNS = (Column("file", "left", narrowest=10), Column("KB", drop=2), Column("p95", drop=1), Column("ms"))
WORDS = st.text("abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=60)


def table(name: str = "a.int8", *notes: str) -> Table:
    return Table(COLUMNS, [[name, "12,345", "1.25", "1.00"], ["b", "6", "-", "0.50"]], notes)


def test_words_stand_left_and_numbers_right() -> None:
    head, rule, first, second = table().text().splitlines()
    assert head.split() == ["file", "KB", "p95", "ms"]
    assert set(rule) == {"-", " "}
    assert first.endswith("1.00")
    assert second.startswith("b ")
    assert len(head) == len(first) == len(second)


@given(WORDS, st.integers(24, 100))
def test_no_line_is_longer_than_asked_and_the_end_of_a_name_stays(name: str, width: int) -> None:
    text = table(name, "a note of several words that has to be wrapped").text(width)
    assert max(map(len, text.splitlines())) <= width
    assert name[-5:] in text


def test_columns_go_in_their_order_only_where_cutting_is_not_enough() -> None:
    heads = {width: table("x" * 60).text(width).splitlines()[0].split() for width in (80, 30, 23, 17)}
    assert heads[80] == heads[30] == ["file", "KB", "p95", "ms"]
    assert heads[23] == ["file", "KB", "ms"]
    assert heads[17] == ["file", "ms"]


def test_a_table_that_cannot_be_made_narrow_enough_is_shown_all_the_same() -> None:
    assert "0.50" in table().text(5)


def test_a_head_of_two_lines() -> None:
    made = Table([Column("KB\nfloat"), Column("faces")], [["1", "2"]])
    assert [line.split() for line in made.text().splitlines()[:2]] == [["KB", "faces"], ["float"]]
    assert made.markdown().startswith("| KB float | faces |")


def test_what_means_something_in_markdown_is_escaped() -> None:
    lines = table("a|b_c*", "n_1").markdown().splitlines()
    assert lines[1] == "| --- | ---: | ---: | ---: |"
    assert lines[2] == r"| a\|b\_c\* | 12,345 | 1.25 | 1.00 |"
    assert lines[-1] == r"n\_1"


def test_cells_that_are_markdown_stay_as_they_are() -> None:
    lines = table("**a_b**", "n_1").markdown(markup=True).splitlines()
    assert (lines[2], lines[-1]) == ("| **a_b** | 12,345 | 1.25 | 1.00 |", "n_1")


def test_html_holds_the_cells_and_no_foreign_tag() -> None:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            if data.strip():
                found.append(data)

    made = Table(COLUMNS[:2], [["<script>", "1"]], ["a & b"])
    Reader().feed(made.html())
    assert found == ["file", "KB", "<script>", "1", "a & b"]


def test_csv_is_read_back() -> None:
    assert list(csv.reader(table('a,"b"').csv().splitlines()))[1] == ['a,"b"', "12,345", "1.25", "1.00"]


def test_a_row_with_a_cell_too_few_is_an_error() -> None:
    with pytest.raises(ValueError, match="3 cells for 4 columns"):
        Table(COLUMNS, [["a", "b", "c"]])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0145, "0.0145"),
        (3, "3.00"),
        (99.96, "100"),
        (631.0, "631"),
        (999.4, "999"),
        (999.6, "1,000"),
        (12345.6, "12,346"),
    ],
)
def test_three_digits_count_and_no_number_ends_in_a_dot(value, text):
    assert significant(value) == text


@given(st.floats(-1e7, 1e7))
def test_a_number_of_three_digits_is_near_and_whole(value):
    text = significant(value)
    assert not text.endswith(".")
    assert float(text.replace(",", "")) == pytest.approx(value, rel=0.0051, abs=1e-300)
