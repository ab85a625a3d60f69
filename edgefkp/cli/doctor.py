"""edgefkp doctor: what runs here or on a board, and the line that fixes what does not."""

from typing import Any

import click

from edgefkp.cli.options import json_option, print_json
from edgefkp.errors import EnvironmentProblem


@click.command(short_help="Say what runs here or on a board, and how to fix what does not.")
@click.option("--device", default="cpu", show_default=True, help="cpu, or ssh://user@board[:port].")
@click.option("--remote-python", default="python3", show_default=True, help="The board's Python.")
@json_option
def command(device: str, remote_python: str, as_json: bool) -> None:
    """Try Python, libc, numpy, the runtimes and OpenCV, each in a process of its own. Exit 4 where bench cannot run."""
    facts = _here() if device == "cpu" else _there(device, remote_python)
    bad = [check for check in facts["checks"] if check["ok"] is False and "not for bench" not in check["name"]]
    if as_json:
        print_json(facts)
    else:
        click.echo("\n".join(_line(check) for check in facts["checks"]))
    if bad:
        raise EnvironmentProblem(f"{bad[0]['name']}: {bad[0]['found']}", bad[0]["fix"])


def _here() -> dict[str, Any]:
    import platform
    import sys
    from dataclasses import asdict

    from edgefkp.bench.doctor import examine

    checks = [asdict(check) for check in examine()]
    return {"machine": platform.machine(), "python": list(sys.version_info[:2]), "checks": checks}


def _there(device: str, python: str) -> dict[str, Any]:
    from edgefkp.bench.devices import ssh

    return ssh.examine(ssh.board_of(device, python=python))


def _line(check: dict[str, Any]) -> str:
    mark = {True: "ok", False: "NO", None: "--"}[check["ok"]]
    fix = f"\n   fix: {check['fix']}" if check["fix"] and check["ok"] is not True else ""
    return f"{mark} {check['name']}: {check['found']}{fix}"
