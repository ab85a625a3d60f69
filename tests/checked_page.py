"""What tests of HTML pages share: a parser that sees what a page fetches and whether its tags are whole."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}


class Checked(HTMLParser):
    """Collects what a page would fetch, its text, and tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.addresses, self.text, self.open, self.wrong = [], "", [], []
        self.anchors, self.untitled, self.empty_heads, self.head = set(), 0, 0, None

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        named = dict(attributes)
        self.anchors.add(named.get("id"))
        self.untitled += tag == "svg" and named.get("role") != "img"
        self.head = "" if tag == "th" else self.head
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "action") or "url(" in (value or ""):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        self.empty_heads += tag == "th" and not (self.head or "").strip()
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data
        if self.head is not None:
            self.head += data


def check(text):
    """The page parsed, after the tests that every page of the project has to pass."""
    checked = Checked()
    checked.feed(text)
    assert checked.wrong == checked.open == []
    assert [where for where in checked.addresses if not re.match(r"data:|#|[^(]*url\(#", where)] == []
    assert "prefers-color-scheme: dark" in checked.text
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in text
    links = re.findall(r'<li><a href="#([^"]+)">', text)
    assert len(links) == len(set(links)) == text.count("<h2>")  # the contents list has each section
    assert set(links) <= checked.anchors
    assert checked.untitled == checked.empty_heads == 0
    assert text.count("<title>") >= 1 + text.count("<svg ")
    return checked
