"""A recipe file names what differs, strictly; those of our own networks are found by name."""

import pytest

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import plain
from edgefkp.training.recipe import RECIPES, Recipe, read_recipe


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
        ('{"loss": "l3"}', "unknown loss 'l3'", UsageError),
        ('{"batch": 1}', "batch >= 2", UsageError),
    ],
)
def test_what_is_wrong_is_named(text, problem, kind, tmp_path):
    file = tmp_path / "recipe.json"
    file.write_text(text)
    with pytest.raises(EdgefkpError, match=problem) as caught:
        read_recipe(file)
    assert type(caught.value) is kind
    assert caught.value.hint


def test_committed_recipes_are_found_by_name():
    names = [file.stem for file in RECIPES.glob("*.json")]
    assert {"nano", "small", "best"} <= set(names)
    assert all(isinstance(read_recipe(name), Recipe) for name in names)
    with pytest.raises(UsageError, match="no recipe 'nanno'") as caught:
        read_recipe("nanno")
    assert "nano" in caught.value.hint
