"""How comparisons decide about a sentence of the paper: confirmed, refuted or inconclusive.

Ratios of RMSE come with intervals over test persons, ratios of times with intervals over processes. A difference
counts where its interval leaves 1 out and it is larger than what another seed changes. A cell that is missing or has
not converged decides nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edgefkp.bench.verdict import INVALID
from edgefkp.evaluation.table import BAD, DOUBT, GOOD, significant
from edgefkp.study.cell import CellResult
from edgefkp.study.comparison import Interval, compare, converged, rmse_of
from edgefkp.study.evidence import HOWS, Evidence, Timing, seed_noise

# The words of the report and of its JSON.
CONFIRMED, REFUTED, INCONCLUSIVE = "held", "did not hold", "inconclusive"
MARKS = {CONFIRMED: GOOD, REFUTED: BAD, INCONCLUSIVE: DOUBT}  # of cells in HTML
COMPARABLE = 0.05  # RMSE within 5 % is "similar" or "comparable"
ABOUT = 0.25  # "two times" is 1.5 to 2.5 times, "4-5 times" 3 to 6.25 times

Rule = Callable[[float, Interval, float], str]  # ratio, its interval, the noise between seeds -> verdict


@dataclass(frozen=True)
class Part:
    """One comparison."""

    what: str  # is compared with what
    found: str  # the numbers
    verdict: str


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim of the paper and what was found here."""

    short: str  # the claim in a few words
    where: str  # in the paper
    sentence: str  # of the paper
    test: str  # what was compared here
    parts: list[Part] = field(default_factory=list)
    note: str = ""  # what the reader must know beside it

    @property
    def verdict(self) -> str:
        """A sentence that fails in one of its parts did not hold; it held where all of them did."""
        verdicts = [part.verdict for part in self.parts]
        if REFUTED in verdicts:
            return REFUTED
        return CONFIRMED if verdicts and set(verdicts) == {CONFIRMED} else INCONCLUSIVE

    @property
    def outcome(self) -> str:
        """The verdict, and how many parts held where they differ."""
        held = sum(part.verdict == CONFIRMED for part in self.parts)
        if len({part.verdict for part in self.parts}) < 2:
            return self.verdict
        return f"{self.verdict} ({held} of {len(self.parts)} held)"


def mark_of(outcome: str) -> str:
    """The mark of a cell that begins with a verdict."""
    return next((mark for verdict, mark in MARKS.items() if outcome.startswith(verdict)), "")


def lower(ratio: float, interval: Interval, noise: float) -> str:
    """The first is smaller than the second."""
    if interval[1] < 1 and ratio < 1 / (1 + noise):
        return CONFIRMED
    return REFUTED if interval[0] > 1 and ratio > 1 + noise else INCONCLUSIVE


def not_worse(ratio: float, interval: Interval, noise: float) -> str:
    """The first is smaller, or larger by no more than COMPARABLE."""
    if interval[1] < 1 + COMPARABLE:
        return CONFIRMED
    return REFUTED if interval[0] > 1 + COMPARABLE else INCONCLUSIVE


def alike(ratio: float, interval: Interval, noise: float) -> str:
    """No difference that counts, and no room for more than COMPARABLE."""
    if interval[0] > 1 / (1 + COMPARABLE) and interval[1] < 1 + COMPARABLE:
        return CONFIRMED
    outside = (interval[1] < 1 and ratio < 1 / (1 + noise)) or (interval[0] > 1 and ratio > 1 + noise)
    return REFUTED if outside else INCONCLUSIVE


def times(least: float, most: float) -> Rule:
    """The first is `least` to `most` times the second, give or take ABOUT."""
    low, high = least * (1 - ABOUT), most * (1 + ABOUT)

    def rule(ratio: float, interval: Interval, noise: float) -> str:
        if low <= interval[0] and interval[1] <= high:
            return CONFIRMED
        return REFUTED if interval[1] < low or interval[0] > high else INCONCLUSIVE

    return rule


def below(limit: float) -> Rule:
    """The first is less than `limit` times the second."""

    def rule(ratio: float, interval: Interval, noise: float) -> str:
        if interval[1] < limit:
            return CONFIRMED
        return REFUTED if interval[0] > limit else INCONCLUSIVE

    return rule


@dataclass(frozen=True)
class Judge:
    """Applies rules to the evidence."""

    evidence: Evidence

    def cell(self, row: str, column: str) -> CellResult | None:
        name = f"{row}-{column}" if row != "tuned" else f"{_tuned(column)}-{column}"
        return self.evidence.results.get(name)

    def errors(self, first: str, second: str, column: str, rule: Rule, other_column: str = "") -> Part:
        """RMSE of row `first` in `column` over that of `second` in `other_column` (by default the same)."""
        other = other_column or column
        label = f"{first} / {second}, {column}" if other == column else f"{first}, {column} / {other}"
        pair = (self.cell(first, column), self.cell(second, other))
        return self._errors(label, pair, (f"{first}-{column}", f"{second}-{other}"), rule)

    def best(self, candidates: Sequence[tuple[str, str]]) -> tuple[str, str] | str:
        """Of (row, column) the one with the lowest validation RMSE; the name of the first that is missing."""
        cells = {key: self.cell(*key) for key in candidates}
        for (row, column), cell in cells.items():
            if cell is None:
                return f"{row}-{column}"
        return min(cells, key=lambda key: cells[key].scores.validation_rmse)  # type: ignore[union-attr]

    def against_best(self, first: tuple[str, str], others: Sequence[tuple[str, str]], rule: Rule) -> Part:
        """A cell against the one of `others` that is best on validation persons."""
        found = self.best(others)
        name = "-".join(first)
        if isinstance(found, str):
            return Part(f"{name} / the best other", f"{found} is missing", INCONCLUSIVE)
        same = first[0] == found[0]
        label = f"{first[0]}, {first[1]} / {found[1]}" if same else f"{first[0]} / {found[0]}, {first[1]}"
        return self._errors(label, (self.cell(*first), self.cell(*found)), (name, "-".join(found)), rule)

    def _errors(
        self, label: str, pair: tuple[CellResult | None, CellResult | None], names: tuple[str, str], rule: Rule
    ) -> Part:
        first, second = pair
        if first is None or second is None:
            return Part(label, f"{names[0] if first is None else names[1]} is missing", INCONCLUSIVE)
        found = compare(first, second)
        ratio, interval = 1 + found.change, (1 + found.interval[0], 1 + found.interval[1])
        text = f"{rmse_of(first):.2f} / {rmse_of(second):.2f} px = {_ratio(ratio, interval)}"
        if not (converged(first) and converged(second)):
            return Part(label, f"{text}; {not_converged(first, second)}", INCONCLUSIVE)
        return Part(label, text, rule(ratio, interval, seed_noise(self.evidence.results)))

    def seconds(self, first: str, others: Sequence[str], how: str, rule: Rule) -> Part:
        """Time of `first` over that of the fastest of `others`."""
        known = {name: self.evidence.timing(name, how) for name in (first, *others)}
        timed = {name: timing for name, timing in known.items() if timing}
        for name in known:
            if name not in timed:
                return Part(f"{first}, {HOWS[how]}", f"{name} was not timed", INCONCLUSIVE)
        fastest = min(others, key=lambda name: timed[name].seconds)
        return _times(f"{first} / {fastest}, {HOWS[how]}", timed[first], timed[fastest], rule)

    def size(self, first: str, others: Sequence[str], kind: str) -> Part:
        """Bytes of `first`'s file over those of the smallest of `others`. kind: h5, or a scheme's .tflite."""
        known = {name: self.evidence.size(name, kind) for name in (first, *others)}
        sizes = {name: size for name, size in known.items() if size is not None}
        what = ".h5" if kind == "h5" else f"{kind} .tflite"
        for name in known:
            if name not in sizes:
                return Part(f"{what}, {first}", f"the size of {name} is missing", INCONCLUSIVE)
        least = min(others, key=lambda name: sizes[name])
        return exact(f"{what}, {first} / {least}", sizes[first] / 1e6, sizes[least] / 1e6, " MB")

    def trained_seconds(self, model: str, network: str, scheme: str, rule: Rule) -> Part:
        """Time of a trained model's file over that of its untrained network."""
        label = f"{model} / untrained, {HOWS[scheme]}"
        trained, untrained = self.evidence.timings.get((model, scheme)), self.evidence.timing(network, scheme)
        if not (trained and untrained):
            return Part(label, "not timed", INCONCLUSIVE)
        return _times(label, trained, untrained, rule)


def _times(label: str, first: Timing, second: Timing, rule: Rule) -> Part:
    ratio, interval = first.ratio(second)
    found = f"{significant(first.seconds)} / {significant(second.seconds)} s = {_ratio(ratio, interval)}"
    if INVALID in (first.verdict, second.verdict):
        return Part(label, f"{found}; disturbed", INCONCLUSIVE)
    return Part(label, found, rule(ratio, interval, 0.0))


def exact(what: str, first: float, second: float, unit: str = "") -> Part:
    """What is counted, not measured: the first is less than the second."""
    digits = 0 if min(first, second) >= 1000 else 2
    found = f"{first:,.{digits}f} / {second:,.{digits}f}{unit} = {first / second:.2f}"
    return Part(what, found, CONFIRMED if first < second else REFUTED)


def not_converged(first: CellResult, second: CellResult) -> str:
    """Which of the two; at least one has not."""
    if converged(first):
        return "the second not converged"
    return "the first not converged" if converged(second) else "neither converged"


def _ratio(ratio: float, interval: Interval) -> str:
    return f"{ratio:.2f} ({interval[0]:.2f}-{interval[1]:.2f})"


def _tuned(column: str) -> str:
    return "tuned_augment" if column == "masked-online" else f"tuned_{column}"
