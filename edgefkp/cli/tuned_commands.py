"""The commands to type after a search: train one of its networks in full, export it, time it."""

import shlex
from pathlib import Path

from edgefkp.bench.device import CPU
from edgefkp.search.choices import name_of
from edgefkp.search.front import Trial, Tuned


def next_commands(tuned: Tuned, file: Path, trial: Trial | None = None) -> list[str]:
    """file: the search's OUT/NAME.json. trial: one of its candidates; None for the one with the lowest RMSE."""
    network, name, rate = file, tuned.name, tuned.learning_rate
    if trial:
        name, rate = name_of(tuned, trial), trial.learning_rate
        network = file.with_suffix("") / "trials" / trial.trial / f"{name}.json"
    tuning, given = tuned.tuning, tuned.options_given
    model, scheme = tuned.model.replace(tuned.name, name, 1), tuning.scheme
    device = [] if tuning.device == CPU else ["--device", tuning.device]
    steps = [("train it in full", ["train", str(network), "--learning-rate", f"{rate:.2g}", *given.get("train", [])])]
    if model:  # what was found before that was kept
        steps += [
            ("then export it", ["export", model, "--quant", scheme, *given.get("export", [])]),
            ("and time it", ["bench", f"export/{model}.{scheme}.tflite", *device]),
        ]
    return [f"{words}: {shlex.join(['edgefkp', *command])}" for words, command in steps]
