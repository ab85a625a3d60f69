"""edgefkp demo: keypoints live, from a camera or a file."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.demo_pages import is_given, live_page, say_what_is_ignored, serve_browser
from edgefkp.cli.options import (
    finder_option,
    free_option,
    json_option,
    log,
    log_credits,
    min_face_option,
    model_option,
    print_json,
    runtime_option,
)
from edgefkp.errors import UsageError, counted

if TYPE_CHECKING:
    from edgefkp.demo.app import Summary
    from edgefkp.demo.displays import Display
    from edgefkp.demo.frames import FrameSource
    from edgefkp.demo.jitter import Jitter
    from edgefkp.demo.recording import Recorder
    from edgefkp.demo.session import Pipeline
    from edgefkp.demo.v4l import CameraInfo

_BROWSER_HINT = "for H.264: sudo apt install ffmpeg, or --out NAME.webm"
DISPLAYS = ("window", "web", "file", "none", "browser")


class SizeType(click.ParamType):
    """1280x720 -> (1280, 720)."""

    name = "WxH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,5})[xX*](\d{1,5})", str(value).strip())
        if match is None or not (int(match[1]) and int(match[2])):
            self.fail(f"{value!r} is no size; expected width x height, as 1280x720", param, ctx)
        return int(match[1]), int(match[2])


@click.command("demo")
@click.option(
    "--source",
    "spec",
    default="0",
    show_default=True,
    help="Camera, file or folder: 0, /dev/videoN or a link to it, picam, rtsp:// or http://, a FILE or a FOLDER.",
)
@click.option("--list-cameras", is_flag=True, help="Print the cameras of this machine with their modes.")
@click.option("--size", type=SizeType(), help="Size that a camera is asked for. [default: 640x480]")
@click.option("--fps", "rate", type=click.FloatRange(1, 1000), help="Frames a second that a camera is asked for.")
@click.option("--mirror", is_flag=True, help="Start with left and right of the image swapped, as in a mirror.")
@click.option(
    "--display",
    "shown",
    type=click.Choice(DISPLAYS),
    default="window",
    show_default=True,
    help="Display of the keypoints.",
)
@model_option
@finder_option()
@click.option("--faces", default=1, show_default=True, type=click.IntRange(min=1), help="Number of faces to track.")
@min_face_option
@free_option
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
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
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
    list_cameras: bool,
    size: tuple[int, int] | None,
    rate: float | None,
    mirror: bool,
    shown: str,
    model: str | None,
    finder: str,
    faces: int,
    min_face: float | None,
    free: bool,
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

    Keys and buttons: m next model, c float against int8, f mirror, s smoothing, n names, p snapshot, r record, q quit.
    --display browser serves the page on which the visitor's own camera and browser do the work.
    """
    from edgefkp.demo.cameras import CameraMode
    from edgefkp.demo.frames import open_frames
    from edgefkp.demo.session import Pipeline, choices_beside
    from edgefkp.demo.view import ViewOptions
    from edgefkp.files import require_writable
    from edgefkp.runtime.shipped import find_model

    if list_cameras:
        _print_cameras(as_json)
        return
    if out is not None and shown != "file":
        raise UsageError("--out is for --display file", "edgefkp demo --display file --out demo.mp4")
    if shown == "browser" and free:
        raise UsageError(
            "the browser page has a presence check of its own, which is not of the free set", "--display web --free"
        )
    if shown == "browser":
        say_what_is_ignored(context)
        serve_browser(choices_beside(find_model(model)), finder, web)
        return
    if shown in ("window", "web") and is_given(context, "folder"):
        require_writable(folder)  # a snapshot comes later, and then there is nobody at the terminal
    mode = CameraMode(size, rate)
    source = open_frames(spec, loop=shown in ("window", "web") if loop is None else loop, log=log, mode=mode)
    try:
        options = ViewOptions(names=names, mirror=mirror, smoothing=not no_smoothing, compare=compare)
        pipeline = Pipeline(model, finder, runtime, threads, faces, options, min_face=min_face, free=free)
        log_credits(pipeline.credits)
        if measure_jitter:
            jitter = _measured(source, pipeline, frames)
            print_json(jitter) if as_json else click.echo(jitter_table(jitter))
            return
        display = _display(shown, pipeline, out, source, finder, web)
    except BaseException:
        source.close()
        raise
    from edgefkp.demo.app import Demo, left_out
    from edgefkp.demo.recording import Recorder

    summary = Demo(source, pipeline, display, folder, log).run(frames)
    if isinstance(display, Recorder):
        log(f"wrote {display.path}{left_out(display)}")
    print_json(summary) if as_json else click.echo(summary_table(summary))


def _measured(source: Any, pipeline: "Pipeline", frames: int | None) -> "Jitter":
    from edgefkp.demo.jitter import measure_jitter

    if source.live and frames is None:
        frames = 300
        log(f"measuring over {counted(frames, 'frame')}; --frames changes that")
    return measure_jitter(source, pipeline, frames)


def _display(
    shown: str, pipeline: "Pipeline", out: Path | None, source: "FrameSource", finder: str, web: dict[str, Any]
) -> "Display":
    from edgefkp.demo import displays
    from edgefkp.demo.screen import NoScreen

    if shown == "window":
        try:
            window = displays.Window()
        except NoScreen as error:
            log(f"{error.message}: showing a page instead (--display web)")
        else:
            log("keys: " + ", ".join(f"{key} {what}" for key, what in displays.KEYS.items()))
            return window
    if shown == "file":
        return _recorder(out, source)
    if shown == "none":
        return displays.Display()
    return live_page(pipeline, finder, web)


def _recorder(out: Path | None, source: "FrameSource") -> "Recorder":
    from edgefkp.demo.recording import Recorder
    from edgefkp.detect.encoders import BROWSERS, H264, browser_suffix, codec_name

    path = out or Path("demo").with_suffix(browser_suffix())
    recorder = Recorder(path, source.fps, patient=not source.live)
    suffix = path.suffix.lower()
    plays = suffix in BROWSERS and (suffix != H264 or browser_suffix() == H264)
    hint = "" if plays else f", which browsers do not play; {_BROWSER_HINT}"
    log(f"writing {path} ({codec_name(suffix)}{hint})")
    return recorder


def _print_cameras(as_json: bool) -> None:
    from edgefkp.demo.v4l import cameras

    found = cameras()
    if as_json:
        print_json(found)
    elif not found:
        click.echo("this machine has no camera that Linux knows; a Raspberry Pi's own: --source picam")
    else:
        click.echo(camera_table(found))


def camera_table(found: "list[CameraInfo]") -> str:
    """A line for each camera, its links below it, and its modes, the largest first."""
    lines = []
    for camera in found:
        lines += [f"{camera.device}  {camera.name}{'  (' + camera.note + ')' if camera.note else ''}"]
        lines += [f"  {link}" for link in camera.links]
        for mode in sorted(camera.modes, key=lambda mode: (-mode.width * mode.height, mode.format)):
            rates = ", ".join(f"{rate:g}" for rate in sorted(mode.fps, reverse=True))
            lines.append(
                f"  {mode.format}  {mode.width}x{mode.height}{'  ' + rates + ' frames a second' if rates else ''}"
            )
    return "\n".join(lines)


def summary_table(summary: "Summary") -> str:
    from tabulate import tabulate

    find = "-" if summary.find_ms is None else f"{summary.find_ms:.2f} ms, in {counted(summary.searches, 'frame')}"
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
        ("source", f"{jitter.source}, {counted(jitter.frames, 'frame')} of one face"),
        ("model", jitter.model),
        ("jitter, raw", f"{jitter.raw_px:.3f} px of the crop"),
        ("jitter, filtered", f"{jitter.filtered_px:.3f} px"),
        ("added lag", lag),
    ]
    return tabulate(rows, tablefmt="plain")
