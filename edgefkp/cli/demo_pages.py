"""The pages of edgefkp demo: the live one, and the one on which the visitor's browser does the work."""

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.options import log

if TYPE_CHECKING:
    from edgefkp.demo.session import Pipeline
    from edgefkp.demo.web import WebDisplay

# What --display browser needs; a source, a pipeline and their options are in the visitor's browser.
_OF_BROWSER = {"shown", "model", "finder", "host", "port", "tls", "litert"}


def is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def say_what_is_ignored(context: click.Context) -> None:
    given = [option for option in context.command.params if option.name and is_given(context, option.name)]
    ignored = [option.opts[0] for option in given if option.name not in _OF_BROWSER]
    if ignored:
        log(f"--display browser ignores {', '.join(ignored)}: the visitor's browser has its own camera and controls")


def live_page(pipeline: "Pipeline", finder: str, web: dict[str, Any]) -> "WebDisplay":
    """web: host, port, tls and litert, as the options have them."""
    from edgefkp.demo.web import WebDisplay

    page = WebDisplay(pipeline, **web, finder=finder)
    _announce(page.server.url, web["host"], page.server.port)
    return page


def serve_browser(choices: list[Path], finder: str, web: dict[str, Any]) -> None:
    from edgefkp.demo.browser import browser_server

    server = browser_server(choices, **web, finder=finder)
    _announce(server.url, web["host"], server.port)
    if not web["tls"]:
        port = server.port
        log(
            f"browsers open a camera only on this machine or over TLS; elsewhere, use --tls CERT KEY, or run\n"
            f"  ssh -L {port}:127.0.0.1:{port} USER@THIS_MACHINE   and open http://localhost:{port}/"
        )
    try:
        with contextlib.suppress(KeyboardInterrupt):  # the usual way to end it
            threading.Event().wait()
    finally:
        server.close()


def _announce(url: str, host: str, port: int) -> None:
    from edgefkp.demo.server import LOOPBACK

    log(f"open {url}   (Ctrl-C ends)")
    if host in LOOPBACK:
        log(f"from another machine: ssh -L {port}:127.0.0.1:{port} USER@THIS_MACHINE, or --host 0.0.0.0")
