"""edgefkp bench: measure .tflite and .onnx files."""

import contextlib
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgefkp.cli.network_options import shape_option
from edgefkp.cli.options import (
    data_option,
    device_option,
    folder_option,
    json_option,
    layout_option,
    log,
    print_json,
    reading_options,
    remote_python_option,
    runtime_option,
)
from edgefkp.cli.tflite_files import tflite_files
from edgefkp.cli.timing import timing_options
from edgefkp.data.progress import progress_bar
from edgefkp.errors import EdgefkpError, EnvironmentProblem, UsageError
from edgefkp.runtime.engine import ACCELERATORS

if TYPE_CHECKING:
    from edgefkp.bench.plan import Schedule, TimingSettings
    from edgefkp.bench.result import Result


class _WithShow(click.Command):
    """`edgefkp bench show ...` is a command of its own; everything else names files."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> click.Context:
        if args and args[0] == "show":
            from edgefkp.cli.bench_show import command as show

            return show.make_context(f"{info_name} show", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_WithShow, short_help="Measure .tflite files: export/ -> bench/.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@device_option(multiple=True)
@data_option(default=None)
@layout_option
@reading_options
@timing_options
@shape_option
@click.option(
    "--inputs",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, resolve_path=True),
    metavar="FILE.npz",
    help="Feed files these arrays, (N, *shape) by the input's name. [default: faces, or random numbers]",
)
@runtime_option(many=True)
@click.option(
    "--python",
    "pythons",
    multiple=True,
    metavar="PATH",
    help="Also measure with the runtime of this Python interpreter.",
)
@click.option(
    "--xnnpack",
    type=click.Choice(["on", "off", "both"]),
    default="on",
    show_default=True,
    help="Use XNNPACK, the runtime's fast kernels for CPUs.",
)
@click.option(
    "--delegate",
    "delegates",
    multiple=True,
    metavar="LIB.so[:key=value]",
    help="Delegate library to use instead of the default.",
)
@click.option(
    "--accelerator",
    "accelerators",
    multiple=True,
    type=click.Choice(ACCELERATORS),
    help="Compile the files for this by LiteRT's CompiledModel; its time includes writing the inputs and reading the "
    "outputs. May be repeated. [default: the runtime's interpreter]",
)
@click.option("--profile", is_flag=True, help="Also show the time by operator (LiteRT on the CPU).")
@remote_python_option
@click.option("--install", is_flag=True, help="Install a runtime into a temporary venv on the board.")
@click.option("--keep", is_flag=True, help="Keep the bundle's folder on the board.")
@click.option("--bundle", type=click.Path(path_type=Path, exists=True), help="Run this bundle instead of FILES.")
@click.option(
    "--trust", is_flag=True, help="Let the bundle name a Python and a delegate to start, and take as long as it likes."
)
@click.option(
    "--sweep", is_flag=True, help="Measure every installed runtime, XNNPACK on and off, and 1, 2, 4 ... threads."
)
@click.option("--pin", metavar="CPUS", help="CPUs the workers may use, as 2,3 or 2-3.")
@click.option("--seed", default=0, show_default=True, help="Seed of the measurement order.")
@click.option("--name", help="Name of the result file. [default: the time]")
@folder_option("--out", "bench/results", "Folder for the result's JSON.")
@click.option("--board", "root", type=click.Path(path_type=Path, exists=True), default=Path("/"), hidden=True)
@json_option
def command(
    files: tuple[Path, ...], devices: tuple[str, ...], out: Path, name: str | None, as_json: bool, **options: Any
) -> None:
    """Measure FILES: .tflite files, folders of them, .onnx files, or names of shipped models (default: export/).

    Prints milliseconds an image, for the interpreter alone and from a camera-like frame to keypoints (e2e), and stores
    every raw time. With --data, the same outputs give the RMSE. Files that take no faces are timed on --inputs, or on
    random numbers of their types. Re-run the same command to resume an interrupted run on this machine.

    edgefkp bench show FILE... shows stored results again.
    """
    from edgefkp.bench import result, table
    from edgefkp.bench.operator_table import operator_tables

    if options["trust"] and not options["bundle"]:
        raise UsageError("--trust is about a bundle, and none is given", "edgefkp bench --bundle ZIP --trust")
    name = name or datetime.now(timezone.utc).strftime("%Y%m%d-%H%M%S")
    if options["bundle"]:
        results = [_of_bundle(options["bundle"], name, out, options["root"], options["trust"])]
    else:
        results = _of_devices(files, devices, name, out, options)
    if as_json:
        print_json(results[0] if len(results) == 1 else results)
    else:
        click.echo(table.table_of(results).text())
        for profile in operator_tables(results):
            click.echo(f"\n{profile.text()}")
    for measured in results:
        log(f"stored: {result.save(measured, out / f'{measured.name}.json')}")
    _fail_for_those_that_failed(results, asked=bool(options["modes"]))


def _of_bundle(path: Path, name: str, out: Path, root: Path, trust: bool) -> "Result":
    from edgefkp.bench import unbundle
    from edgefkp.bench.device import CPU
    from edgefkp.bench.devices import DeviceOptions, Listener, Work, open_device

    if not trust:
        log(f"bundle: runs only the files in it, in this Python; at most {unbundle.LIMITS} (--trust for more)")
    with unbundle.opened(path, out, trust) as opened, TimingBar() as bar:
        work = Work(opened.cases, opened.images, opened.settings, name, out, opened.reference)
        return open_device(CPU, DeviceOptions(root=root)).measure(work, Listener(announce, bar, log))


def _of_devices(
    files: tuple[Path, ...], devices: tuple[str, ...], name: str, out: Path, options: dict[str, Any]
) -> "list[Result]":
    """All at once: other machines in threads that wait for them, this machine here."""
    from concurrent.futures import ThreadPoolExecutor
    from dataclasses import replace

    from edgefkp.bench import timed_images
    from edgefkp.bench.devices import DeviceOptions, Listener, Work, open_device
    from edgefkp.bench.plan import cases_of

    given = DeviceOptions(options["remote_python"], options["install"], options["keep"], options["root"])
    if options["inputs"] and any(device != "cpu" for device in devices):
        raise UsageError(
            "--inputs goes with files of this machine, not with --device", "copy FILE.npz and measure there"
        )
    opened = [open_device(device, given) for device in dict.fromkeys(devices)]
    here, others = ([one for one in opened if one.is_here is local] for local in (True, False))
    paths = tflite_files(files)
    images = timed_images.images_for(
        options["data"], options["images"], timed_images.specs_of(paths), options["layout"], options["reading"]
    )
    cases = cases_of(paths, **_axes(options, bool(others)))
    work = Work(cases, images, settings_of(options), name, out)
    with ThreadPoolExecutor(max(1, len(others))) as pool:
        waiting = [
            pool.submit(one.measure, replace(work, name=f"{name}-{one.device.plain}"), Listener(log=log))
            for one in others
        ]
        found = []
        for one in here:
            with TimingBar() as bar:
                found.append(one.measure(work, Listener(announce, bar, log)))
        found += [future.result() for future in waiting]
    order = [one.device.name for one in opened]
    return sorted(found, key=lambda result: order.index(result.device.name))


def settings_of(options: dict[str, Any]) -> "TimingSettings":
    from dataclasses import replace

    from edgefkp.bench import plan

    base = plan.QUICK if options["quick"] else plan.FULL
    given = {name: options[name] for name in ("processes", "seconds") if options[name] is not None}
    given |= {"profile": bool(options.get("profile"))}
    given |= {"shapes": options.get("shapes") or (), "inputs": str(options.get("inputs") or "")}
    return replace(base, **given, pin=_cpus(options.get("pin")), seed=options.get("seed", 0))


def _axes(options: dict[str, Any], remote: bool = False) -> dict[str, Any]:
    """What varies from case to case. A runtime may be missing here where another Python or a board has it."""
    from edgefkp.bench import machine, plan
    from edgefkp.runtime import interpreters

    axes: dict[str, Any] = {
        "runtimes": options["runtimes"] or ("",),
        "pythons": ("", *options["pythons"]),
        "threads": options["threads"] or (1,),
        "xnnpack": {"on": (True,), "off": (False,), "both": (True, False)}[options["xnnpack"]],
        "delegates": options["delegates"] or (() if options["accelerators"] else ("",)),
        "accelerators": options["accelerators"],
        "modes": options["modes"] or plan.MODES,
    }
    if options["sweep"]:
        cores = machine.describe().get("cores", 1)
        swept = [*interpreters.installed(), *interpreters.installed(".onnx")]
        axes["threads"] = options["threads"] or tuple(2**n for n in range(cores.bit_length()))
        axes["runtimes"] = options["runtimes"] or [one.name for one in swept if one.name != "tensorflow"] or ("",)
        axes["xnnpack"] = (True, False)
    for name in axes["runtimes"]:
        if name and not options["pythons"] and not remote:
            interpreters.choose(name)
    return axes


def _cpus(text: str | None) -> tuple[int, ...]:
    """'0,2-3' -> (0, 2, 3)."""
    import os

    if text is None:
        return ()
    try:
        ends = [[int(end) for end in part.split("-")] for part in text.split(",")]
        cpus = tuple(sorted({cpu for part in ends for cpu in range(part[0], part[-1] + 1)}))
    except ValueError:
        raise UsageError(f"cannot read --pin {text}", "name CPUs as 2,3 or 2-3") from None
    usable = os.sched_getaffinity(0)
    if not cpus or not usable.issuperset(cpus):
        raise UsageError(f"a CPU in --pin {text} does not exist", f"choose from: {', '.join(map(str, usable))}")
    return cpus


def announce(schedule: "Schedule", seconds: float) -> None:
    settings = schedule.settings
    time = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
    log(
        f"plan: {len(schedule.cases)} cases x {settings.processes} fresh processes, {settings.seconds:g} s each; "
        f"rounds shuffled (seed {settings.seed}); about {time}"
    )


class TimingBar:
    """A progress bar over processes that begins with the first one."""

    def __enter__(self) -> "TimingBar":
        self._stack = contextlib.ExitStack()
        self._bar: Any = None
        return self

    def __call__(self, done: int, total: int, label: str) -> None:
        if self._bar is None:
            self._bar = self._stack.enter_context(progress_bar("bench", total))
        self._bar.update(done - self._bar.pos, label)

    def __exit__(self, *error: object) -> None:
        self._stack.close()


def _fail_for_those_that_failed(results: "list[Result]", asked: bool) -> None:
    """asked: --mode was given. If not, a device without OpenCV is measured without mode e2e, which is no error."""
    failed = [failure for measured in results for failure in measured.failed]
    if not asked and any(measured.rows for measured in results):
        for failure in (one for one in failed if one.case == "e2e"):
            log(f"left out: {failure.message}\nhint:  {failure.hint}")
        failed = [one for one in failed if one.case != "e2e"]
    if failed:
        first = failed[0]
        kind = EnvironmentProblem if all(one.environment for one in failed) else EdgefkpError
        raise kind(f"{len(failed)} could not be measured: {first.message}", first.hint)
