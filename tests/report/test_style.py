"""The one style sheet and the script of all pages."""

import re
from itertools import product

import pytest

from edgefkp.report.page import TEMPLATES, headings, slug

STYLE = (TEMPLATES / "style.css").read_text()
LIGHT, DARK = (dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", part)) for part in STYLE.split("prefers-color-scheme")[:2])


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    bright, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_black_on_white_has_the_contrast_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_all_words_can_be_read_on_all_grounds(colors):
    assert len(colors) == 11
    for text, ground in product(("text", "quiet", "accent", "good", "doubt", "bad"), ("page", "card", "tint")):
        assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)


def test_dark_is_the_readers_choice_and_no_color_stands_outside_of_the_names():
    assert LIGHT.keys() == DARK.keys()
    assert luminance(LIGHT["page"]) > 0.8
    assert luminance(DARK["page"]) < 0.02
    rules = re.sub(r"/\*.*?\*/|:root \{.*?\}", "", STYLE, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,6}\b", rules) == ["#ffffff"]  # behind photographs, whose legends are dark


def test_sections_are_found_with_their_titles():
    name = slug("Table 2. Change of RMSE: the paper's / ours")
    assert name == "table-2-change-of-rmse-the-paper-s-ours"
    content = f'<section id="{name}">\n<h2>Yours &amp; mine</h2>\n</section><section><h2>unnamed</h2></section>'
    assert headings(content) == [(name, "Yours & mine")]
