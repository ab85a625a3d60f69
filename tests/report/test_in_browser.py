"""Pages in headless Chromium: no sideways scroll on a phone, dark where the system is, tables that sort."""

from dataclasses import replace

import pytest

from edgefkp.evaluation.table import DOUBT, Column, Table
from edgefkp.report import run_page
from edgefkp.report.page import TEMPLATES, render
from edgefkp.report.run_figures import FIGURES
from tests.demo import webdriver

pytestmark = [webdriver.needed, pytest.mark.slow]

NAMES = "[...document.querySelectorAll('table')[0].tBodies[0].rows].map((row) => row.cells[{}].textContent).join(' ')"


@pytest.fixture(scope="module")
def browser():
    with webdriver.Browser(size=(900, 700)) as started:
        yield started


@pytest.fixture
def sorted_page(browser, tmp_path):
    """A page with one table, whose heads are clicked by their number."""
    columns = (Column("file", "left"), Column("KB"), Column("verdict", "left", mark=lambda cell: DOUBT))
    rows = [["b10", "1,200", "VALID"], ["b9", "35.5 ±2", "SUSPECT"], ["a", "-", "INVALID"], ["c", "7", "VALID"]]
    path = tmp_path / "page.html"
    known = {"title": "t", "machines": "m", "verdicts": "v", "sections": [], "notes": ""}
    path.write_text(render(TEMPLATES / "bench.html", results=Table(columns, rows), **known))
    browser.open(f"file://{path}")
    return lambda number: browser.run(f"document.querySelectorAll('th button')[{number}].click()")


def test_numbers_sort_as_numbers_and_what_is_missing_comes_last(browser, sorted_page):
    sorted_page(1)
    assert browser.run(f"return {NAMES.format(1)}") == "7 35.5 ±2 1,200 -"
    sorted_page(1)
    assert browser.run(f"return {NAMES.format(1)}") == "1,200 35.5 ±2 7 -"
    assert browser.run("return document.querySelectorAll('th')[1].getAttribute('aria-sort')") == "descending"
    sorted_page(0)
    assert browser.run(f"return {NAMES.format(0)}") == "a b9 b10 c"
    assert browser.run("return document.querySelectorAll('[aria-sort]').length") == 1


@pytest.mark.parametrize("width", [320, 390, 820, 1366])
def test_no_page_scrolls_sideways(browser, result, shown, tmp_path, monkeypatch, width):
    monkeypatch.setattr(FIGURES, "known", {name: FIGURES[name] for name in ("time-against-error", "worst-faces")})
    long = replace(result.models[0], model="small.finetuned_on_my_own_faces-masked-online", license="x" * 90)
    path = run_page.write_page(tmp_path / "report.html", replace(result, models=[long, *result.models[1:]]), shown)
    browser.open(f"file://{path}")
    browser.resize(width, 800, prefers_color_scheme="dark")
    assert browser.run("return document.documentElement.scrollWidth - innerWidth") <= 0
    heads = "[...document.querySelectorAll('th')].filter((head) => head.offsetParent)"
    assert browser.run(f"return {heads}.filter((head) => head.scrollWidth > head.clientWidth).length") == 0
    for scheme, color in (("dark", "rgb(20, 23, 26)"), ("light", "rgb(246, 247, 248)")):
        browser.resize(width, 800, prefers_color_scheme=scheme)
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == color
