"""The command that a command recommends has the options that were given."""

import json
import shlex

import pytest

from edgefkp.cli.next_command import with_the_same_options
from edgefkp.cli.train import command as train
from edgefkp.cli.tune import command as tune

FIRST = ["edgefkp", "train", "found.json"]


def recommended(*words: str) -> list[str]:
    with tune.make_context("tune", list(words)):
        return shlex.split(with_the_same_options(FIRST, train, without=("images", "out", "seed")))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((), ()),
        (("--data", "my faces", "--trials", "3"), ("--data", "my faces")),
        (("--size", "64", "--colors", "rgb", "--images", "9", "--seed", "2"), ("--size", "64", "--colors", "rgb")),
        (("--missing", "-1", "--missing", "0", "--swap-xy"), ("--missing", "-1", "--missing", "0", "--swap-xy")),
        (("--layout", "five", "--imputation", "drop"), ("--layout", "five", "--imputation", "drop")),
    ],
)
def test_what_both_commands_have_is_kept(given, kept):
    words = recommended(*given)
    assert words[:3] == FIRST
    assert sorted(words[3:]) == sorted(kept)
    train.make_context("train", words[2:])  # it can be typed


def test_a_layout_of_a_file_is_named_by_its_file(tmp_path):
    own = tmp_path / "own.json"
    places = [[0.7, 0.3], [0.3, 0.3], [0.5, 0.6]]
    layout = {"name": "mine", "points": ["left_eye", "right_eye", "nose"], "mean_shape": places}
    own.write_text(json.dumps(layout | {"nme_pair": [["left_eye"], ["right_eye"]]}))
    words = recommended("--layout", str(own))
    assert words[3:] == ["--layout", str(own)]
