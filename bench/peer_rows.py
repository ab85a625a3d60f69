"""What a row of bench/results/peers.json is worth, and what its times stand on."""

from typing import Any

from edgefkp.bench.verdict import DIFFER, SIGNS, SIGNS_EXPLAINED, SUSPECT, VALID
from edgefkp.errors import counted

Content = dict[str, Any]


def verdict_of(row: Content) -> tuple[str, list[str]]:
    """The verdict on a row's time, and its reasons.

    Rows of before rounds were graded have their quartiles alone, and those prove nothing worse than SUSPECT.
    """
    if "verdict" in row:
        return row["verdict"], row["reasons"]
    low, _, high = row["ms"]
    if (spread := high / low - 1) < DIFFER[0]:
        return VALID, []
    return SUSPECT, [f"the middle half of its times differs by {spread:.0%}"]


def time_cell(row: Content, digits: int) -> str:
    """Median and quartiles in milliseconds, with the sign of the verdict."""
    low, middle, high = (f"{value:.{digits}f}" for value in row["ms"])
    return f"{middle}{SIGNS[verdict_of(row)[0]]} ({low}-{high})"


def basis(content: Content) -> str:
    """Processor, threads, and each runtime with its version, as far as the file has them."""
    runtimes = list(dict.fromkeys(row["runtime"] for row in content["rows"] if row.get("runtime")))
    cores = content["machine"].partition(",")[2].strip()
    parts = [processor(content), cores, threads(content), *runtimes]
    others = content.get("busy_cores")
    doing = f"load average {content['load']:.1f}" if others is None else f"{others:.1f} cores busy with other work"
    return ", ".join([*parts, doing])


def processor(content: Content) -> str:
    return str(content.get("processor") or content["machine"].partition(",")[0])


def threads(content: Content) -> str:
    return counted(content.get("threads", 1), "thread")


def doubts(rows: list[Content]) -> list[str]:
    """A line that explains the signs, with the first reason of each row that is not VALID; none where all are."""
    found = [(row["name"], *verdict_of(row)) for row in rows]
    named = [f"{name} {word} ({reasons[0]})" for name, word, reasons in found if word != VALID]
    return [f"Unreliable times ({SIGNS_EXPLAINED}): {', '.join(named)}."] if named else []
