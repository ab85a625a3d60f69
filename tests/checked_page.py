"""What tests of HTML pages share: a parser that sees what a page fetches and whether its tags are whole."""

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br"}


class Checked(HTMLParser):
    """Collects what a page would fetch, its text, and tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.addresses, self.text, self.open, self.wrong = [], "", [], []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "action") or "url(" in (value or ""):
                self.addresses.append(value)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data
