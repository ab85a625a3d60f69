"""What a search keeps: the file of its networks, and the journal from which it goes on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.faults import KINDS, Kind, Sample, Wrong
from bench.faults.calls import command, samples_of
from bench.faults.mutate import alter_bytes, alter_json, pick
from edgefkp.files import write_json
from edgefkp.search.front import STOPPED, TRAINED, Timing, Trial, Tuned, Tuning, with_front
from edgefkp.search.space import SPACES

TUNING = Tuning("found", "wide", trials=5, images=400)
MEAN_SHAPE = 4.0  # px


def _values(number: int) -> dict[str, Any]:
    """A candidate's place in the space."""
    values = {name: axis.high if number % 2 else axis.low for name, axis in SPACES["wide"].axes.items()}  # type: ignore[union-attr]
    return {**values, "learning_rate": 0.001 * (1 + number)}


def _facts(number: int) -> dict[str, Any]:
    timing = Timing(0.1 + number, 0.2 + number, 0.3 + number, "litert", "2.3.0", "VALID", [])
    rmse = 2.0 - number / 10
    curve = tuple((images, rmse + 1) for images in (100, 200, 300))
    return {
        **{"parameters": 1000, "macs": 10_000, "bytes": 4000, "ms": 0.1 + number, "timing": timing, "curve": curve},
        **({"outcome": TRAINED, "validation_rmse": rmse} if number else {"outcome": STOPPED, "reason": "beaten"}),
    }


def make_found(folder: Path) -> list[Sample]:
    trials = []
    for number in range(4):
        point = SPACES["wide"].at(_values(number))
        facts = {"validation_rmse": None, **_facts(number)}
        options: dict[str, Any] = dict(point.options)
        trials.append(Trial(str(number), point.space, options, point.learning_rate, **facts))
    found = with_front(trials, TUNING.objectives, MEAN_SHAPE)
    best, data = found[0], {"name": "made", "hash": "h" * 64, "split": "s" * 64}
    given = {"train": ["--data", "faces"], "export": ["--data", "faces"]}
    about = (30, "a machine", "found-masked-online", given)
    tuned = Tuned("found", best.space, best.options, best.learning_rate, TUNING, data, MEAN_SHAPE, found, *about)
    write_json(folder / "found.json", tuned)
    return samples_of(folder, "found.json")


def use_found(path: Path) -> list[Any]:
    """Chosen from, shown, and taken as the network of a training."""
    from edgefkp.report.search_table import candidates, table
    from edgefkp.search.front import read_tuned
    from edgefkp.training.experiment import Experiment

    tuned = read_tuned(path)
    if any(value is not None and value <= 0 for one in tuned.trials for value in (one.ms, one.validation_rmse)):
        raise Wrong("a time or an error that is not above 0")
    shown = [table(tuned).text(), candidates(tuned).markdown()]
    command("recommend", path, "--allow-suspect")
    return [len(shown), len(Experiment(str(path)).model_name())]


def make_journal(folder: Path) -> list[Sample]:
    """Three candidates that are finished, and one that was cut off."""
    from edgefkp.search.trials import Trials, record_of

    trials = Trials(folder, TUNING)
    for number in range(4):
        with trials.taken() as taken:
            if taken and number < 3:
                trials.finish(taken, record_of(taken.number, taken.point, _facts(number)))
    return samples_of(folder, "journal.log")


def alter_lines(content: bytes, random: np.random.Generator) -> tuple[bytes, str]:
    """Mostly the JSON of a line; else a line twice, gone or cut, or bytes anywhere."""
    lines = content.splitlines(keepends=True)
    place, way = int(random.integers(len(lines))), random.random()
    if way < 0.1:
        return alter_bytes(content, random)
    if way < 0.2:
        twice = int(pick(random, (0, 2)))
        return b"".join([*lines[:place], lines[place] * twice, *lines[place + 1 :]]), f"line {place}, {twice} times"
    if way < 0.3:
        end = int(random.integers(1, len(lines[place])))
        return b"".join([*lines[:place], lines[place][:end]]), f"cut in line {place}"
    changed, what = alter_json(lines[place], random)
    json.loads(lines[place])
    return b"".join([*lines[:place], changed, b"\n", *lines[place + 1 :]]), f"line {place}: {what}"


def go_on(path: Path) -> list[Any]:
    """Read, and gone on from: what was cut off or a new candidate is handed out, and finished."""
    from edgefkp.search.trials import Trials, record_of

    trials = Trials(path.parent, replace(TUNING, trials=6))
    before = trials.all()
    with trials.taken() as taken:
        if taken:
            facts = {**_facts(3), **taken.facts}
            trials.finish(taken, record_of(taken.number, taken.point, facts))
    after = Trials(path.parent, TUNING).all()
    if len(after) - len(before) > 1 or any(one.ms is not None and one.ms <= 0 for one in after):
        raise Wrong("candidates that nobody finished, or a time that is not above 0")
    return []


KINDS.add(
    Kind("search", "networks that tune found: recommend, train, its tables", make_found, alter_json, use_found, 80)
)
KINDS.add(
    Kind(
        "journal",
        "the journal of a search: tune goes on from it",
        make_journal,
        alter_lines,
        go_on,
        80,
        seconds=30,
        needs="optuna",
    )
)
