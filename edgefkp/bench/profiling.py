"""Profile the cases of a benchmark, each in a process of its own, after everything is timed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from edgefkp.bench.operator_times import OperatorTimes
from edgefkp.bench.plan import PROFILE, Case
from edgefkp.bench.summary import ProbeResult, WorkerResult
from edgefkp.errors import EdgefkpError
from edgefkp.layout import ModelSpec
from edgefkp.records import built

LIMIT = 300.0  # seconds for one file


class Work(Protocol):
    def __call__(self, case: Case, timeout: float, *, spec: ModelSpec | None) -> WorkerResult: ...


def profiled(probed: Mapping[Case, ProbeResult], work: Work) -> tuple[dict[Case, OperatorTimes], list[str]]:
    """The time by operator of each case of mode invoke, and why there is none of the others."""
    found, notes = {}, []
    for case, one in probed.items():
        if case.mode == "invoke":
            try:
                metadata = work(replace(case, mode=PROFILE), LIMIT, spec=one.spec).metadata
                found[case] = built(OperatorTimes, metadata["operators"])
            except EdgefkpError as error:
                notes.append(f"no time by operator: {case.label.removesuffix(', invoke')}: {error.message}")
    return found, notes
