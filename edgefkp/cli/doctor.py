"""edgefkp doctor: check this machine or a board, and print fixes."""

from typing import TYPE_CHECKING

import click

from edgefkp.cli.options import device_option, json_option, print_json, remote_python_option
from edgefkp.errors import EnvironmentProblem

if TYPE_CHECKING:
    from edgefkp.bench.doctor import EnvironmentCheck


@click.command(short_help="Check this machine or a board, and print fixes.")
@device_option()
@remote_python_option
@json_option
def command(device: str, remote_python: str, as_json: bool) -> None:
    """Try Python, libc, numpy, the runtimes, OpenCV, and list GPU adapters and NPU libraries, each in a process of its
    own. Exit 4 where bench cannot run."""
    from edgefkp.bench.devices import DeviceOptions, open_device

    report = open_device(device, DeviceOptions(python=remote_python)).examine()
    bad = [check for check in report.checks if check.ok is False and check.required]
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(_line(check) for check in report.checks))
    if bad:
        raise EnvironmentProblem(f"{bad[0].name}: {bad[0].found}", bad[0].fix)


def _line(check: "EnvironmentCheck") -> str:
    mark = {True: "ok", False: "NO", None: "--"}[check.ok]
    fix = f"\n   fix: {check.fix}" if check.fix and check.ok is not True else ""
    return f"{mark} {check.name}: {check.found}{fix}"
