"""Pages: one self-contained HTML file each, nothing fetched from anywhere, made from a Jinja2 template."""

from pathlib import Path
from typing import Any

from edgefkp.errors import EnvironmentProblem

TEMPLATES = Path(__file__).with_name("templates")  # base.html is what every page extends


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
    return environment.get_template(template.name).render(**values) + "\n"
