"""edgefkp demo: keypoints live, from a camera or a file."""

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.options import finder_option, json_option, log, model_option, print_json, runtime_option
from edgefkp.errors import UsageError

if TYPE_CHECKING:
    from edgefkp.demo.app import Summary
    from edgefkp.demo.displays import Display
    from edgefkp.demo.jitter import Jitter
    from edgefkp.demo.session import Pipeline

DISPLAYS = ("window", "web", "file", "none", "browser")


@click.command("demo")
@click.option("--source", "spec", default="0", show_default=True, help="0, /dev/videoN, picam, a FILE or a FOLDER.")
@click.option("--display", "shown", type=click.Choice(DISPLAYS), default="window", show_default=True)
@model_option
@finder_option()
@click.option("--faces", default=1, show_default=True, type=click.IntRange(min=1), help="Number of faces to track.")
@click.option("--compare", is_flag=True, help="Start with float and int8 side by side.")
@click.option("--no-smoothing", is_flag=True, help="Start without the One-Euro filter.")
@click.option("--names", is_flag=True, help="Start with the points' names.")
@click.option("--frames", type=click.IntRange(min=1), help="Stop after this many frames.")
@click.option("--loop/--once", default=None, help="Restart a file when it ends. [default: loop for window and web]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The video that --display file writes. [default: demo.mp4]"
)
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("."), help="Folder for snapshots and recordings."
)
@click.option("--measure-jitter", is_flag=True, help="Print the jitter of the points, raw and smoothed, and the lag.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; 0.0.0.0 accepts other machines and requires a token.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--tls", nargs=2, type=click.Path(path_type=Path), metavar="CERT KEY", help="Serve the pages over TLS.")
@click.option(
    "--litertjs",
    "litert",
    type=click.Path(path_type=Path),
    help="Folder of LiteRT.js, installed by npm, for the browser page.",
)
@runtime_option()
@click.option("--threads", default=1, show_default=True, type=click.IntRange(min=1), help="Threads of the runtime.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    spec: str,
    shown: str,
    model: str | None,
    finder: str,
    faces: int,
    compare: bool,
    no_smoothing: bool,
    names: bool,
    frames: int | None,
    loop: bool | None,
    out: Path | None,
    folder: Path,
    measure_jitter: bool,
    as_json: bool,
    runtime: str | None,
    threads: int,
    **web: Any,
) -> None:
    """Show the keypoints of a camera or a file in a window, on a web page, or write them into a video.

    Keys and buttons: m next model, c float against int8, s smoothing, n names, p snapshot, r record, q quit.
    --display browser serves the page on which the visitor's own camera and browser do the work.
    """
    from edgefkp.demo.frames import open_frames
    from edgefkp.demo.session import Pipeline, choices_beside
    from edgefkp.demo.view import ViewOptions
    from edgefkp.files import require_writable
    from edgefkp.runtime.shipped import find_model

    if out is not None and shown != "file":
        raise UsageError("--out is for --display file", "edgefkp demo --display file --out demo.mp4")
    if shown == "browser":
        _say_what_is_ignored(context)
        _serve_browser(choices_beside(find_model(model)), finder, web)
        return
    if shown in ("window", "web") and _is_given(context, "folder"):
        require_writable(folder)  # a snapshot comes later, and then there is nobody at the terminal
    source = open_frames(spec, loop=shown in ("window", "web") if loop is None else loop, log=log)
    try:
        options = ViewOptions(names=names, smoothing=not no_smoothing, compare=compare)
        pipeline = Pipeline(model, finder, runtime, threads, faces, options)
        if measure_jitter:
            jitter = _measured(source, pipeline, frames)
            print_json(jitter) if as_json else click.echo(jitter_table(jitter))
            return
        display = _display(shown, pipeline, out or Path("demo.mp4"), source.fps, finder, web)
    except BaseException:
        source.close()
        raise
    from edgefkp.demo.app import Demo

    summary = Demo(source, pipeline, display, folder, log).run(frames)
    if shown == "file":
        log(f"wrote {out or 'demo.mp4'}")
    print_json(summary) if as_json else click.echo(summary_table(summary))


# What --display browser needs; a source, a pipeline and their options are in the visitor's browser.
_OF_BROWSER = {"shown", "model", "finder", "host", "port", "tls", "litert"}


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _say_what_is_ignored(context: click.Context) -> None:
    given = [option for option in context.command.params if option.name and _is_given(context, option.name)]
    ignored = [option.opts[0] for option in given if option.name not in _OF_BROWSER]
    if ignored:
        log(f"--display browser ignores {', '.join(ignored)}: the visitor's browser has its own camera and controls")


def _measured(source: Any, pipeline: "Pipeline", frames: int | None) -> "Jitter":
    from edgefkp.demo.jitter import measure_jitter

    if source.live and frames is None:
        frames = 300
        log(f"measuring over {frames} frames; --frames changes that")
    return measure_jitter(source, pipeline, frames)


def _display(shown: str, pipeline: "Pipeline", out: Path, fps: float, finder: str, web: dict[str, Any]) -> "Display":
    from edgefkp.demo import displays

    if shown == "window":
        window = displays.Window()
        log("keys: " + ", ".join(f"{key} {what}" for key, what in displays.KEYS.items()))
        return window
    if shown == "file":
        from edgefkp.demo.app import RECORDING_FPS

        return displays.Recorder(out, fps or RECORDING_FPS)
    if shown == "none":
        return displays.Display()
    from edgefkp.demo.browser_finder import finder_file
    from edgefkp.demo.web import WebDisplay

    page = WebDisplay(pipeline, **web, finder=finder_file(finder))
    _announce(page.server.url, web["host"], page.server.port)
    return page


def _serve_browser(choices: list[Path], finder: str, web: dict[str, Any]) -> None:
    from edgefkp.demo.browser import browser_server
    from edgefkp.demo.browser_finder import finder_file

    server = browser_server(choices, **web, finder=finder_file(finder))
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


def summary_table(summary: "Summary") -> str:
    from tabulate import tabulate

    find = "-" if summary.find_ms is None else f"{summary.find_ms:.2f} ms, in {summary.searches} frames"
    rows = [
        ("source", summary.source),
        ("model", f"{summary.model} ({summary.runtime})"),
        ("frames", f"{summary.frames}, {summary.with_face} with a face"),
        ("rate", f"{summary.fps:.1f} frames a second, the first after {summary.first_frame:.2f} s"),
        ("find faces", find),
        ("network", f"{summary.network_ms:.2f} ms (crop, network, presence check; median)"),
        ("smooth", f"{summary.smooth_ms:.2f} ms"),
    ]
    return tabulate(rows, tablefmt="plain")


def jitter_table(jitter: "Jitter") -> str:
    from tabulate import tabulate

    lag = "not measurable: the face hardly moves" if jitter.lag_ms is None else f"{jitter.lag_ms:.0f} ms"
    rows = [
        ("source", f"{jitter.source}, {jitter.frames} frames of one face"),
        ("model", jitter.model),
        ("jitter, raw", f"{jitter.raw_px:.3f} px of the crop"),
        ("jitter, filtered", f"{jitter.filtered_px:.3f} px"),
        ("added lag", lag),
    ]
    return tabulate(rows, tablefmt="plain")
