"""A training is stopped where its curve cannot reach the front, and only there."""

import pytest

from edgefkp.search.front import Trial
from edgefkp.search.stopping import FEWEST, verdict
from tests.made_search import trial

OBJECTIVES = ("rmse", "ms", "kb")
# Each fell from twice its error to its error: at 200 of 400 images from 1.5 times that.
FINISHED = [trial(0, 0.1, 40, 2.0), trial(1, 0.2, 80, 1.5), trial(2, 0.3, 90, 1.4), trial(3, 0.4, 99, 1.3)]


def decide(lowest: float, ms: float = 0.25, kb: float = 85, shown: int = 200, finished: list[Trial] = FINISHED) -> str:
    return verdict([(100, 9.0), (shown, lowest)], (ms, 1000 * kb), finished, 400, OBJECTIVES)


def test_beaten_even_with_the_largest_gain():
    why = decide(2.4)
    assert "2.400 px after 200 of 400 images would become 1.600 px at best" in why
    assert "candidate 1, no slower and no larger, has 1.500 px" in why


def test_it_goes_on_while_the_largest_gain_would_do():
    assert not decide(2.2)


def test_the_largest_gain_counts_not_the_usual_one():
    late = trial(4, 5.0, 999, 1.0)
    late = Trial(**{**vars(late), "curve": ((100, 4.0), (200, 4.0), (300, 4.0), (400, 1.0))})
    assert not decide(2.4, finished=[*FINISHED, late])


@pytest.mark.parametrize(("ms", "kb"), [(0.05, 85), (0.25, 30), (0.05, 30)])
def test_the_fastest_and_the_smallest_are_never_stopped(ms, kb):
    assert not decide(100.0, ms, kb)


def test_only_rivals_count_not_whoever_is_best():
    assert not decide(2.4, ms=0.15, kb=50)  # of its kind there is candidate 0 alone, with 2 px
    assert decide(3.1, ms=0.15, kb=50)


def test_not_before_a_quarter_and_not_at_the_end():
    curves = [trial(number, 0.1, 40, 1.0) for number in range(FEWEST)]
    assert decide(9.0, shown=100, finished=curves)
    assert not decide(9.0, shown=99, finished=curves)
    assert not decide(9.0, shown=400, finished=curves)


def test_not_by_a_few_candidates_or_by_epochs_that_nobody_else_had():
    assert not decide(9.0, finished=FINISHED[: FEWEST - 1])
    assert not decide(9.0, shown=201)


def test_with_the_error_alone_everybody_is_a_rival():
    assert "candidate 3, has 1.300 px" in verdict([(200, 9.0)], (), FINISHED, 400, ("rmse",))
