"""Devices by name, and one that is plugged in here."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgefkp.bench import harness, result
from edgefkp.bench.device import Device
from edgefkp.bench.devices import DEVICES, DeviceOptions, Listener, Work, open_device
from edgefkp.bench.devices.ssh import SshDevice, ssh_command
from edgefkp.bench.doctor import EnvironmentCheck, Report
from edgefkp.bench.result import Result
from edgefkp.cli import cli
from edgefkp.errors import UsageError
from tests.bench_parts import INT8, ONE


class Toy:
    """A kind of device, and the one device of that kind: this machine under another name."""

    name, form, help = "toy", "toy://NAME", "a toy"
    is_here = False
    device = Device("toy://shelf", accelerator="npu")

    def matches(self, spec: str) -> bool:
        return spec.startswith("toy://")

    def open(self, spec: str, options: DeviceOptions) -> "Toy":
        self.python = options.python
        return self

    def measure(self, work: Work, listener: Listener) -> Result:
        listener.log("playing")
        return harness.measure(work.cases, work.images, ONE, work.name, self.device)

    def examine(self) -> Report:
        return Report("toy", (3, 11), [EnvironmentCheck("wheels", False, "three", "add one")])


@pytest.fixture
def toy() -> Iterator[Toy]:
    made = Toy()
    DEVICES.add(made)
    yield made
    DEVICES.remove("toy")


def test_a_device_that_is_plugged_in_measures(toy: Toy, tmp_path: Path) -> None:
    words = ["bench", str(INT8), "--mode", "invoke", "--device", "toy://shelf", "--out", str(tmp_path), "--name", "t"]
    done = CliRunner().invoke(cli, [*words, "--remote-python", "py"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "playing" in done.output
    assert toy.python == "py"
    stored = tmp_path / "t-shelf.json"
    assert json.loads(stored.read_text())["device"] == {"name": "toy://shelf", "kind": "toy", "accelerator": "npu"}
    assert result.read(stored).device == Toy.device
    assert result.read(stored).rows[0].file == INT8.name


def test_the_doctor_examines_it_and_help_and_errors_name_it(toy: Toy) -> None:
    done = CliRunner().invoke(cli, ["doctor", "--device", "toy://shelf"])
    assert done.exit_code != 0
    assert "NO wheels: three" in done.output
    for command in ("bench", "doctor"):
        assert "toy://NAME: a toy" in " ".join(CliRunner().invoke(cli, [command, "--help"]).output.split())
    with pytest.raises(UsageError) as caught:
        open_device("gpu")
    assert "use cpu or toy://NAME or ssh://user@board[:port]" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "target", "port"),
    [
        ("ssh://pi@board", "pi@board", None),
        ("ssh://board:2222", "board", 2222),
        ("ssh://pi@192.168.1.7:22/", "pi@192.168.1.7", 22),
        ("ssh://pi@[fe80::1]:22", "pi@fe80::1", 22),
    ],
)
def test_ssh_devices_are_read(spec: str, target: str, port: int | None) -> None:
    opened = open_device(spec, DeviceOptions(python="py", keep=True))
    assert opened == SshDevice(target, port, "py", keep=True)


@pytest.mark.parametrize(
    "spec", ["gpu", "ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://a;reboot", "ssh://a:99x"]
)
def test_what_is_no_device_is_a_usage_error(spec: str) -> None:
    with pytest.raises(UsageError, match="unknown device"):
        open_device(spec)


@pytest.mark.parametrize("port", ["0", "65536", "99999"])
def test_a_port_that_no_machine_has_is_a_usage_error(port: str) -> None:
    with pytest.raises(UsageError, match="1 to 65535"):
        open_device(f"ssh://a:{port}")


@pytest.mark.parametrize("given", ["ssh 'x", " "])
def test_an_ssh_command_that_cannot_be_read_is_a_usage_error(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEFKP_SSH", given)
    with pytest.raises(UsageError, match="EDGEFKP_SSH"):
        ssh_command(SshDevice("board"))


def test_a_device_is_stored_as_its_name_where_that_says_it_all() -> None:
    assert [Device("cpu").to_json(), Device("ssh://pi@board:22").to_json()] == ["cpu", "ssh://pi@board:22"]
    board = Device.from_json("ssh://pi@board:22")
    assert (board.kind, board.accelerator, board.short, board.plain) == ("ssh", "cpu", "pi@board:22", "pi-board-22")
    with pytest.raises(ValueError, match="a device is a name"):
        Device.from_json({"kind": "ssh"})
