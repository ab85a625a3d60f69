"""What a run trains: an experiment for each network that was named, and the fine-tuning of one that is trained."""

from typing import Any

from edgefkp.card import read_card
from edgefkp.errors import EdgefkpError
from edgefkp.networks.registry import resolve
from edgefkp.runtime import shipped
from edgefkp.training.experiment import Experiment
from edgefkp.training.recipe import Recipe, read_recipe
from edgefkp.training.start import find_start

# Training images of a network where neither epochs nor images are asked for: the two default networks together fit
# six minutes on two cores.
_IMAGES = {"small": 40_000, "manual": 8_000}
_IMAGES_OF_OTHERS = 5_000
_IMAGES_QUICK = 512
_BATCH = 16  # with few images it is the number of steps that counts


def default_recipe(network: str, quick: bool = False, **changes: Any) -> Recipe:
    """What a run trains `network` by; `changes` that are not None override it, epochs also the number of images."""
    images = _IMAGES_QUICK if quick else _IMAGES.get(network, _IMAGES_OF_OTHERS)
    recipe = Recipe(images=None if changes.get("epochs") else images, batch=_BATCH)
    return recipe.changed(**changes)


def plan_experiments(
    networks: list[str], imputation: str, augment: str, quick: bool = False, **changes: Any
) -> tuple[Experiment, ...]:
    """An experiment for each network, each once. Raises UsageError for an unknown network, imputation or augment."""
    names = dict.fromkeys(resolve(name, imputation, augment).name for name in networks)
    return tuple(Experiment(name, imputation, augment, default_recipe(name, quick, **changes)) for name in names)


def default_start() -> str:
    """The network that own faces are learned from."""
    return shipped.models(".keras")[0].stem


def plan_finetuning(start: str, imputation: str, augment: str, quick: bool = False, **changes: Any) -> Experiment:
    """The fine-tuning of a .keras file or a network that comes with edgefkp. Raises EdgefkpError for an unknown one."""
    card = read_card(find_start(start))
    if card is None or not card.network:
        raise EdgefkpError(f"{start} has no card that names its network", "give a network that edgefkp train wrote")
    recipe = read_recipe("finetune").changed(images=_IMAGES_QUICK if quick else None)
    augment = "online" if augment == "paper" else augment
    return Experiment(card.network, imputation, augment, recipe.changed(**changes), start=start)
