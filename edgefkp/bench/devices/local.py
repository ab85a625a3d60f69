"""Measure on this machine's CPU."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgefkp.bench.device import CPU, Device
from edgefkp.bench.devices import DEVICES, DeviceOptions, Listener, Work

if TYPE_CHECKING:
    from edgefkp.bench.doctor import Report
    from edgefkp.bench.result import Result


@dataclass(frozen=True)
class LocalDevice:
    options: DeviceOptions
    device: Device = Device(CPU)  # noqa: RUF009
    is_here: bool = True

    def measure(self, work: Work, listener: Listener) -> "Result":
        """A run that was cut off resumes; the result is stored at once, so that no later failure costs it."""
        from edgefkp.bench import harness, result
        from edgefkp.bench.store import discard, partial_folder

        job = work.cases, work.images, work.settings
        partial = partial_folder(work.out, *job)
        measured = harness.measure(
            *job,
            work.name,
            self.device,
            partial,
            listener.announce,
            listener.progress,
            self.options.root,
            work.reference,
        )
        result.save(measured, work.out / f"{work.name}.json")
        discard(partial)
        return measured

    def examine(self) -> "Report":
        from edgefkp.bench import doctor

        return doctor.report()


class Local:
    name = form = CPU
    help = "this machine"

    def matches(self, spec: str) -> bool:
        return spec == CPU

    def open(self, spec: str, options: DeviceOptions) -> LocalDevice:
        return LocalDevice(options)


DEVICES.add(Local())
