"""Which network of a search to train: its measured candidates, as `recommend` takes them."""

from edgefkp.bench.recommend import SCHEMA, Choice, Recommendation, chosen, is_beaten
from edgefkp.bench.verdict import SUSPECT, VALID
from edgefkp.errors import EdgefkpError, counted
from edgefkp.search.front import Timing, Trial, Tuned

_NOT_KEPT = "the verdict on its time was not kept"


def recommend_network(
    tuned: Tuned, budget_ms: float | None = None, max_rmse: float | None = None, allow_suspect: bool = False
) -> Recommendation:
    """As bench.recommend, among the candidates that were trained to their end; each is named by `name_of`.

    Raises EdgefkpError without a time that counts, GateError if no candidate fits.
    """
    trained = [(trial, _timing(trial)) for trial in tuned.trials if trial.validation_rmse and trial.ms is not None]
    if not trained:
        raise EdgefkpError(
            f"the candidates of {tuned.name} were not timed", "search with --objective ms and another --name"
        )
    counting = (VALID, SUSPECT) if allow_suspect else (VALID,)
    usable = [trial for trial, timing in trained if timing.verdict in counting]
    limited = budget_ms is not None or max_rmse is not None
    if limited and not usable:
        raise EdgefkpError(
            f"{tuned.name}: none of its {counted(len(trained), 'candidate')} has a time that is "
            f"{' or '.join(counting)}",
            "search on a machine that does nothing else, or --allow-suspect",
        )
    times = [(trial.ms or 0.0, trial.validation_rmse) for trial in usable]
    choices = tuple(
        Choice(
            file=name_of(tuned, trial),
            runtime=timing.runtime,
            version=timing.version,
            threads=1,
            xnnpack=True,
            delegate=timing.delegate,
            bytes=trial.bytes or 0,
            ms=timing.ms,
            ms_high=timing.ms_high,
            p95=timing.p95,
            rmse=trial.validation_rmse,
            verdict=timing.verdict,
            pareto=trial in usable and not is_beaten(timing.ms, trial.validation_rmse, times),
        )
        for trial, timing in sorted(trained, key=lambda pair: pair[1].ms)
    )
    return Recommendation(
        schema=SCHEMA,
        result=tuned.name,
        device=tuned.machine or tuned.tuning.device,
        data=f"{tuned.data.get('name', '')}, validation",
        faces=tuned.faces,
        budget_ms=budget_ms,
        max_rmse=max_rmse,
        chosen=chosen(tuple(one for one in choices if one.verdict in counting), budget_ms, max_rmse)
        if limited
        else None,
        choices=choices,
        left_out=len(trained) - len(usable),
        ignored=tuple(
            f"{name_of(tuned, trial)}: {timing.verdict}, {'; '.join(timing.reasons)}"
            for trial, timing in trained
            if trial in usable and timing.verdict != VALID
        ),
    )


def name_of(tuned: Tuned, trial: Trial) -> str:
    """What the candidate is called as a network of its own."""
    return f"{tuned.name}_{trial.trial}"


def trial_of(tuned: Tuned, name: str) -> Trial:
    return next(trial for trial in tuned.trials if name_of(tuned, trial) == name)


def _timing(trial: Trial) -> Timing:
    ms = trial.ms or 0.0
    return trial.timing or Timing(ms, ms, None, "", "", SUSPECT, [_NOT_KEPT])
