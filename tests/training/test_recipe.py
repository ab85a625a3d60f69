"""A recipe file names what differs, strictly; those of our own networks are found by name."""

import dataclasses

import pytest

from edgefkp.data.augment import AugmentConfig
from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import plain
from edgefkp.training.recipe import RANGES, RECIPES, Recipe, read_recipe


def test_a_file_names_what_differs(tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text('{"epochs": 3, "corner": 0.05, "online": {"degrees": 5}}')
    recipe = read_recipe(file)
    assert (recipe.epochs, recipe.beta, recipe.online.degrees, recipe.batch) == (3, 0.05, 5, 64)
    assert plain(recipe)["corner"] == 0.05


@pytest.mark.parametrize(
    ("text", "problem", "kind"),
    [
        ('{"epoch": 3}', "no field epoch", EdgefkpError),
        ('{"beta": 0.1}', "no field beta", EdgefkpError),
        ('{"online": {"degree": 5}}', "no field online.degree", EdgefkpError),
        ('{"batch": "64"}', "batch is str, expected integer", EdgefkpError),
        ('{"online": {"peaked": 1}}', "online.peaked is int, expected boolean", EdgefkpError),
        ("[]", "it is list", EdgefkpError),
        ('{"learning_rat": 1}', "did you mean learning_rate", EdgefkpError),
        ('{"online": {"degree": 5}}', "did you mean online.degrees", EdgefkpError),
        ('{"learning_rate": "x"}', "learning_rate is str", EdgefkpError),
        ('{"online": {"degrees": "x"}}', "online.degrees is str", EdgefkpError),
        ('{"seed": "x"}', "seed is str", EdgefkpError),
        ('{"ema": {}}', "ema is dict", EdgefkpError),
        ('{"warmup": ""}', "warmup is str", EdgefkpError),
        ('{"batch": 2.5}', "batch is float, expected integer", EdgefkpError),
        ('{"epochs": true}', "epochs is bool, expected integer", EdgefkpError),
        ('{"loss": "l3"}', "unknown loss 'l3'", UsageError),
        ('{"batch": 1}', "batch is 1, expected 2 to 65536", UsageError),
        ('{"epochs": 0}', "epochs is 0", UsageError),
        ('{"images": 0}', "images is 0", UsageError),
        ('{"learning_rate": -1}', "learning_rate is -1", UsageError),
        ('{"ema": 5}', "ema is 5, expected 0 to 1", UsageError),
        ('{"corner": 0}', "corner is 0", UsageError),
        ('{"seed": -1}', "seed is -1", UsageError),
        ('{"patience": 1e308}', "patience is float", EdgefkpError),
        ('{"online": {"mirror": 2}}', "online.mirror is 2, expected 0 to 1", UsageError),
        ('{"online": {"degrees": -5}}', "online.degrees is -5", UsageError),
    ],
)
def test_what_is_wrong_is_named(text, problem, kind, tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text(text)
    with pytest.raises(EdgefkpError, match=problem) as caught:
        read_recipe(file)
    assert type(caught.value) is kind
    assert caught.value.hint


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_what_is_no_number_is_refused(number, tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text(f'{{"learning_rate": {number}}}')
    with pytest.raises(EdgefkpError):
        read_recipe(file)


def test_every_number_of_a_recipe_has_limits():
    values = vars(Recipe())
    numbers = {name for name, value in values.items() if isinstance(value, int | float) and not isinstance(value, bool)}
    inner = {one.name for one in dataclasses.fields(AugmentConfig) if one.type in ("float", float)}
    assert {"images", *numbers, *(f"online.{name}" for name in inner)} == RANGES.keys()


def test_committed_recipes_are_found_by_name():
    names = [file.stem for file in RECIPES.glob("*.json")]
    assert {"nano", "small", "best"} <= set(names)
    assert all(isinstance(read_recipe(name), Recipe) for name in names)
    with pytest.raises(UsageError, match="no recipe 'nanno'") as caught:
        read_recipe("nanno")
    assert "nano" in caught.value.hint
