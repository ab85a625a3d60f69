"""What runs a file: a runtime, and what it computes on. Importable in no time: --help lists the choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgefkp.errors import UsageError

CPU, GPU, NPU = "cpu", "gpu", "npu"
ACCELERATORS = (CPU, GPU, NPU)  # of LiteRT's CompiledModel
COMPILING = "litert"  # the runtime that has CompiledModel


@dataclass(frozen=True)
class Engine:
    """A runtime with an accelerator or a delegate.

    Raises UsageError for an unknown accelerator, one of a runtime that has none, and both at once.
    """

    # One of packages.RUNTIMES; None for the first that is installed.
    runtime: str | None = None
    # One of ACCELERATORS, through LiteRT's CompiledModel; "": the runtime's interpreter, on the CPU.
    accelerator: str = ""
    # LIB.so[:key=value[,key=value]], loaded instead of the runtime's default one.
    delegate: str = ""

    def __post_init__(self) -> None:
        if not self.accelerator:
            return
        if self.accelerator not in ACCELERATORS:
            raise UsageError(f"unknown accelerator '{self.accelerator}'", f"choose one of: {', '.join(ACCELERATORS)}")
        if self.delegate:
            raise UsageError("an accelerator and a delegate cannot be used together", "leave out one of them")
        if self.runtime not in (None, COMPILING):
            raise UsageError(
                f"{self.runtime} has no accelerators; {COMPILING} has them", f"leave out --runtime {self.runtime}"
            )
        object.__setattr__(self, "runtime", COMPILING)

    @property
    def on(self) -> str:
        """For tables and results: the accelerator, or the file name of the delegate; "" for the CPU's own kernels."""
        return self.accelerator or self.delegate.partition(":")[0].rpartition("/")[2]

    @property
    def facts(self) -> tuple[str, ...]:
        """What besides the runtime decides which numbers come out; nothing for the runtime's own CPU kernels."""
        return tuple(part for part in (self.accelerator, self.delegate) if part)

    @staticmethod
    def of(choice: RuntimeChoice) -> Engine:
        """From what functions take as `runtime`, also as JSON brought it from another process."""
        if isinstance(choice, Engine):
            return choice
        return Engine(**choice) if isinstance(choice, dict) else Engine(choice)


RuntimeChoice = Engine | dict[str, Any] | str | None
