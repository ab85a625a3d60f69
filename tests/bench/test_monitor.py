from collections.abc import Callable
from pathlib import Path

import pytest

from edgefkp.bench import harness, machine, monitor
from edgefkp.bench.monitor import Sample
from edgefkp.bench.plan import TimingSettings, cases_of
from tests.bench_parts import INT8, labeled

Files = dict[str, str]
PI: Files = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/device-tree/compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
    "proc/cpuinfo": "".join(
        f"processor : {n}\nFeatures : fp asimd evtstrm crc32\nCPU part : 0xd08\n\n" for n in range(4)
    ),
    "proc/meminfo": "MemTotal:        3884636 kB\n",
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1500000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_min_freq": "600000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1800000\n",
    "sys/class/thermal/thermal_zone0/temp": "48312\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
}


@pytest.fixture
def board_with(tmp_path: Path) -> Callable[[Files], Path]:
    def make(files: Files) -> Path:
        for name, content in files.items():
            path = tmp_path / "board" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return tmp_path / "board"

    return make


def test_a_raspberry_pi_is_described(board_with: Callable[[Files], Path]) -> None:
    root = board_with(PI)
    found = machine.describe(root)
    assert found["model"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert found["soc"] == "brcm,bcm2711"
    assert found["cores"] == 4
    assert found["features"] == ["asimd"]
    assert found["governor"] == "ondemand"
    assert found["clock_mhz"] == [600, 1800]
    assert found["memory_mib"] == 3793
    one = monitor.sample(root)
    assert (one.clock_mhz, one.temperature_c, one.throttled, one.joules) == (1500, 48.312, 0, None)


def test_a_bare_folder_yields_nothing_and_no_error(tmp_path: Path) -> None:
    one = monitor.sample(tmp_path)
    assert (one.clock_mhz, one.temperature_c, one.throttled, one.throttle_count, one.joules) == (None,) * 5
    assert "model" not in machine.describe(tmp_path)
    assert "no energy counter" in monitor.describe(tmp_path, [one], 0)["energy"]


def test_throttling_without_a_raspberry_pi(board_with: Callable[[Files], Path]) -> None:
    root = board_with(
        {
            "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
            "sys/class/thermal/cooling_device0/cur_state": "3",
            "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1",
        }
    )
    assert monitor.sample(root).throttled == 0b11


def test_vcgencmd_is_asked_first(board_with: Callable[[Files], Path]) -> None:
    root = board_with({**PI, "usr/bin/vcgencmd": "#!/bin/sh\necho throttled=0x50005\n"})
    (root / "usr/bin/vcgencmd").chmod(0o755)
    assert monitor.sample(root).throttled == 0x50005


def trace(*bits: int, clock: float = 1800) -> list[Sample]:
    return [Sample(float(at), clock, 50.0, throttled, None, None) for at, throttled in enumerate(bits)]


def reasons(samples: list[Sample], *windows: tuple[float, float]) -> list[tuple[str, str]]:
    return monitor.checks(samples, windows)


def test_bits_from_before_the_run_do_not_spoil_it() -> None:
    assert reasons(trace(0x50000, 0x50000, 0x50000), (0.5, 1.5)) == []


@pytest.mark.parametrize(
    ("bits", "named"),
    [(0x1, "under-voltage"), (0x2, "frequency capped"), (0x4, "throttled"), (0x20002, "frequency capped")],
)
def test_bits_that_are_set_while_it_runs_do(bits: int, named: str) -> None:
    assert reasons(trace(0, bits, 0), (0.5, 1.5)) == [("INVALID", f"the board reported: {named}")]


@pytest.mark.parametrize(("bit", "named"), [(17, "frequency capped"), (18, "throttled")])
def test_a_short_event_between_two_samples_is_seen_by_its_lasting_bit(bit: int, named: str) -> None:
    assert reasons(trace(0, 0, 1 << bit), (0.5, 1.5)) == [("INVALID", f"the board reported: {named}")]


def test_only_the_cell_that_ran_meanwhile_is_spoilt() -> None:
    samples = trace(0, 0, 0x4, 0x40000, 0x40000, 0x40000)
    assert reasons(samples, (1.5, 2.5)) != []
    assert reasons(samples, (4.1, 4.9)) == []


def test_the_soft_limit_makes_suspect() -> None:
    assert reasons(trace(0, 0x8, 0), (0.5, 1.5)) == [("SUSPECT", "the board reported: soft temperature limit")]


def test_a_clock_below_that_of_other_times_makes_suspect() -> None:
    samples = trace(0, 0) + [Sample(2.0 + n, 600, 50, 0, None, None) for n in range(3)]
    assert reasons(samples, (2.0, 4.0)) == [("SUSPECT", "the clock was 600 MHz, and 1800 MHz at other times")]


def test_x86_throttle_counts_are_differences() -> None:
    samples = [Sample(float(at), None, None, None, count, None) for at, count in enumerate((7, 7, 9))]
    assert reasons(samples, (0.1, 0.9)) == []
    assert reasons(samples, (1.1, 1.9)) == [("INVALID", "the processor was throttled 2 times")]


def test_energy_is_interpolated_over_the_windows() -> None:
    samples = [Sample(float(at), None, None, None, None, 10.0 * at) for at in range(5)]
    assert monitor.joules_in(samples, [(0.5, 1.0), (2.0, 2.5)]) == pytest.approx(10.0)
    assert monitor.joules_in(samples[:1], [(0, 1)]) is None
    wrapped = [*samples, Sample(5.0, None, None, None, None, 0.0)]
    assert monitor.joules_in(wrapped, [(0, 1)]) is None


def test_a_fake_board_that_throttles_makes_the_run_invalid(board_with: Callable[[Files], Path]) -> None:
    """vcgencmd of the fake board reports throttling from its third call on."""
    root = board_with({**PI, "calls": ""})
    script = root / "usr/bin/vcgencmd"
    script.parent.mkdir(parents=True)
    count = f"echo x >> {root}/calls; [ $(wc -l < {root}/calls) -ge 3 ]"
    script.write_text(f"#!/bin/sh\n{count} && echo throttled=0x60006 || echo throttled=0x0\n")
    script.chmod(0o755)
    settings = TimingSettings(processes=2, seconds=1.0, warm_seconds=(0.01, 0.05), pause=0)
    measured = harness.measure(cases_of([INT8], modes=("invoke",)), labeled(), settings, "test", root=root)
    assert measured.machine["model"] == "Raspberry Pi 4 Model B Rev 1.4"
    assert measured.verdict == "INVALID"
    assert any("the board reported: frequency capped, throttled" in reason for reason in measured.rows[0].reasons)
    assert 0x60006 in measured.trace["throttled"]


def test_the_same_board_without_throttling_is_not_spoilt_by_it(board_with: Callable[[Files], Path]) -> None:
    settings = TimingSettings(processes=1, seconds=0.2, warm_seconds=(0.01, 0.05), pause=0)
    cases = cases_of([INT8], modes=("invoke",))
    measured = harness.measure(cases, labeled(), settings, "test", root=board_with(PI))
    assert not any("the board reported" in reason for reason in measured.rows[0].reasons)
    assert measured.rows[0].millijoules is None
