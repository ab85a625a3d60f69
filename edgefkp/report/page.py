"""Pages: one self-contained HTML file each, nothing fetched from anywhere, made from a Jinja2 template."""

import html
import re
from pathlib import Path
from typing import Any

from edgefkp.errors import EnvironmentProblem

TEMPLATES = Path(__file__).with_name("templates")  # base.html is what every page extends
_HEADING = re.compile(r'<section id="([^"]+)">\s*<h2>(.*?)</h2>')


def render(template: Path, **values: Any) -> str:
    """The page that `template` makes of `values`; text is escaped, what has an `html` method is not.

    Raises EnvironmentProblem without Jinja2.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise EnvironmentProblem("HTML pages need Jinja2", "pip install 'edgefkp[train]'") from None
    environment = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["html"] = lambda value: Markup(value.html())
    environment.filters["slug"] = slug
    environment.filters["headings"] = headings
    return environment.get_template(template.name).render(**values) + "\n"


def slug(title: str) -> str:
    """The title as the name of an anchor."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def headings(content: str) -> list[tuple[str, str]]:
    """(anchor, title) of each section of a page's content."""
    return [(name, html.unescape(title)) for name, title in _HEADING.findall(content)]
