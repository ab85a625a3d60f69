"""Limits that a user sets on scores, of all faces or of a part: "nme<=6", "|turn|>30: nme<=8", "glasses=yes: rmse<1.5".

GATE      = [CONDITION [and CONDITION ...]:] METRIC OP NUMBER
CONDITION = PROPERTY OP NUMBER, |PROPERTY| OP NUMBER, or COLUMN=VALUE
OP        = <, <=, >, >=
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgefkp.data.faces import Faces
from edgefkp.errors import GateError, UsageError, counted
from edgefkp.evaluation.metrics import Score
from edgefkp.evaluation.normalized import LIMITS, TITLES
from edgefkp.evaluation.properties import measured
from edgefkp.evaluation.slices import score_of

EXAMPLES = '"nme<=6", "|turn|>30: nme<=8", "glasses=yes: rmse<1.5"'
Value = Callable[[Score], float | None]  # None where it is not known
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": lambda value, limit: value <= limit,
    ">=": lambda value, limit: value >= limit,
    "<": lambda value, limit: value < limit,
    ">": lambda value, limit: value > limit,
}
_LIMIT = re.compile(r"\s*([\w ]+?)\s*(<=|>=|<|>)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(?:%|px)?\s*")
_NUMBER = re.compile(r"\s*(\|?)\s*([^<>=|:]+?)\s*(\|?)\s*(<=|>=|<|>)\s*([-+]?[\d.]+)\s*°?\s*")


def _nme(length: str) -> Value:
    def value(score: Score) -> float | None:
        own = score.normalized.get(length)
        return own.nme if own else None

    return value


def _failure_rate(limit: int) -> Value:
    return lambda score: score.own.failure_rate[str(limit)] if score.own else None


def _area(limit: int) -> Value:
    return lambda score: score.own.auc[str(limit)] if score.own else None


# Name -> (unit, value of a score).
METRICS: dict[str, tuple[str, Value]] = {
    "rmse": (" px", lambda score: score.rmse),
    "p95": (" px", lambda score: score.percentiles["p95"]),
    "nme": (" %", lambda score: score.nme),
    **{f"nme_{length}": (" %", _nme(length)) for length in TITLES},
    **{f"failure{limit}": (" %", _failure_rate(limit)) for limit in LIMITS},
    **{f"auc{limit}": ("", _area(limit)) for limit in LIMITS},
}


@dataclass(frozen=True)
class Gate:
    text: str  # as it was given
    conditions: tuple[str, ...]
    metric: str  # one of METRICS
    comparison: str
    limit: float


@dataclass(frozen=True)
class GateResult:
    gate: str
    faces: int  # that it is about
    value: float | None  # of the metric; None where no face is left, or the metric is not known
    limit: float
    met: bool

    @property
    def off(self) -> float | None:
        """How far the value is beyond the limit."""
        return None if self.value is None else abs(self.value - self.limit)


def parse_gate(text: str) -> Gate:
    """Raises UsageError for what is no gate."""
    condition, colon, limit = text.rpartition(":")
    found = _LIMIT.fullmatch(limit)
    conditions = tuple(part.strip() for part in re.split(r"\band\b|,|&", condition)) if colon else ()
    if not found or "" in conditions:
        raise _malformed(text, f"it should end in METRIC<=NUMBER; metrics: {', '.join(METRICS)}")
    metric = found[1].lower()
    if metric not in METRICS:
        raise _malformed(text, f"there is no metric '{found[1]}', but {', '.join(METRICS)}")
    for part in conditions:
        if not _NUMBER.fullmatch(part) and not re.fullmatch(r"[^<>=|:]+=[^=:]+", part):
            raise _malformed(text, f"'{part}' is no condition, as |turn|>30 or COLUMN=VALUE")
    return Gate(text, conditions, metric, found[2], _number(text, found[3]))


def _malformed(text: str, cause: str) -> UsageError:
    return UsageError(f"--gate {text!r}: {cause}", f"for example: --gate {EXAMPLES}")


def _number(text: str, digits: str) -> float:
    try:
        return float(digits)
    except ValueError:
        raise _malformed(text, f"'{digits}' is not a number") from None


def check_gate(gate: Gate, predicted: np.ndarray, faces: Faces) -> GateResult:
    """Whether predicted points of (N, K, 2) meet the gate. Raises UsageError for a property that the faces do not have.

    A gate that no face is left for, or whose metric is not known, is not met: nothing shows that it is.
    """
    rows = np.ones(len(faces), bool)
    for condition in gate.conditions:
        rows &= _holds(gate.text, condition, faces)
    rows &= faces.labeled
    value = None
    if rows.any():
        value = METRICS[gate.metric][1](score_of(predicted[rows], faces.take(rows)))
    met = value is not None and _COMPARE[gate.comparison](value, gate.limit)
    return GateResult(gate.text, int(rows.sum()), value, gate.limit, met)


def _holds(text: str, condition: str, faces: Faces) -> np.ndarray:
    """(N,) bool: the faces of which the condition is true; not those of which the property is not known."""
    number = _NUMBER.fullmatch(condition)
    name = (number[2] if number else condition.partition("=")[0]).strip()
    columns = measured(name, faces)
    if len(columns) > 1:
        raise _malformed(text, f"'{name}' is several: {', '.join(one.name for one in columns)}")
    values = columns[0].values
    if number is None:
        value = condition.partition("=")[2].strip()
        return values == (value if columns[0].is_text else _number(text, value))
    if columns[0].is_text or number[1] != number[3]:
        raise _malformed(text, f"'{condition}' compares what is no number")
    values = np.abs(values) if number[1] else values
    with np.errstate(invalid="ignore"):
        holds: np.ndarray = np.vectorize(_COMPARE[number[4]], otypes=[bool])(values, _number(text, number[5]))
    return holds & ~np.isnan(values)


def require_gates(results: list[GateResult], file: str = "") -> None:
    """Raise GateError that names each gate that is not met, and by how much."""
    failed = [result for result in results if not result.met]
    if failed:
        named = f"{file}: " if file else ""
        raise GateError(
            f"{named}{len(failed)} of {len(results)} gates not met: {'; '.join(map(_failure, failed))}",
            "see which faces are off: edgefkp evaluate --by pose,blur,darkness --worst worst.png",
        )


def _failure(result: GateResult) -> str:
    if not result.faces:
        return f"'{result.gate}' (no face is of this kind)"
    if result.value is None or result.off is None:
        return f"'{result.gate}' (not known of these {counted(result.faces, 'face')})"
    unit = METRICS[parse_gate(result.gate).metric][0]
    return f"'{result.gate}' ({result.value:.3g}{unit}, {result.off:.2g}{unit} off, {counted(result.faces, 'face')})"
