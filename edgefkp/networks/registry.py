"""Every network by name. The files of this folder register their own, beside the functions that build them."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import read_json
from edgefkp.layout import ModelSpec
from edgefkp.networks.tensorflow import require_tensorflow
from edgefkp.records import Registry, read_record

Make = Callable[..., Any]  # (spec: ModelSpec, **options) -> keras.Model; the layer of its points is called "keypoints"


@dataclass(frozen=True)
class Network:
    """An architecture: what builds it, and what the paper's tables print of it."""

    name: str
    title: str  # in tables
    make: Make
    options: dict[str, Any] = field(default_factory=dict)  # of `make`
    paper_parameters: int | None = None  # the total that the paper's Table 1 prints; it has errors (docs/STUDY.md)
    paper_megabytes: float | None = None  # size of the .h5, by the same table
    pretrained: bool = False  # takes --weights
    order: int = 50  # place in tables and help; networks of one place stand by their names

    @property
    def from_paper(self) -> bool:
        return self.paper_parameters is not None

    @property
    def frozen(self) -> bool:
        """Only the head learns."""
        return bool(self.options.get("frozen"))


NETWORKS: Registry[Network] = Registry("network", "edgefkp.networks", lambda network: (network.order, network.name))
# The functions that build any network of a space that `edgefkp tune` searches.
SPACES: Registry[Make] = Registry("space of networks", "edgefkp.networks")

TUNED = "tuned"  # stands for the network that was tuned for the imputation


def resolve(name: str, imputation: str, augment: str) -> Network:
    """The network called `name`; "tuned" is the one that was tuned for the imputation, `tuned_augment` for `masked`.

    A name that ends in .json is a file that `edgefkp tune` wrote.
    Raises UsageError for an unknown name, with the nearest ones.
    """
    if name.endswith(".json"):
        return read_point(name)
    if name == TUNED:
        return NETWORKS[f"{TUNED}_{'augment' if augment == 'paper' or imputation == 'masked' else imputation}"]
    return NETWORKS[name]


@dataclass(frozen=True)
class _NetworkPoint:
    """A point of a space as a file names it."""

    name: str
    space: str
    options: dict[str, Any]


def read_point(path: str) -> Network:
    """The network in a .json file: {"name", "space": one of SPACES, "options"}, and how it was found.

    Raises EdgefkpError for a file that is not of this form.
    """
    stored = read_json(path)
    hint = "give a .json that edgefkp tune wrote"
    if isinstance(stored, dict):
        stored = {name: stored[name] for name in ("name", "space", "options") if name in stored}
    point = read_record(_NetworkPoint, stored, path, hint)
    if point.space not in SPACES:
        raise EdgefkpError(
            f"{path} is not a network: there is no space '{point.space}' (spaces: {', '.join(SPACES)})", hint
        )
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in point.options.items()}
    return Network(point.name, "found by edgefkp tune", SPACES[point.space], options)


def build(
    network: Network,
    spec: ModelSpec = ModelSpec(),  # noqa: B008 (it is frozen)
    weights: str | None = None,
    **changes: Any,
) -> Any:
    """A new keras.Model of `network` for the points and the input of `spec`; `changes` override its options.

    weights: for pretrained networks None, "imagenet" or a path.
    Raises UsageError if the network does not fit the input, EnvironmentProblem without TensorFlow.
    """
    require_tensorflow("building a network")
    options = {**network.options, **changes}
    if network.pretrained:
        options["weights"] = weights
    elif weights is not None:
        raise UsageError(f"'{network.name}' has no pretrained weights", "leave --weights away")
    try:
        return _renumbered(network.make(spec, **options))
    except (ValueError, TypeError) as error:  # a convolution or a pooling that leaves no pixel; a wrong option
        plain = re.sub(r"\x1b\[\d*m", "", str(error))  # Keras prints its errors in bold
        raise UsageError(
            f"'{network.name}' cannot be built for {spec}: {' '.join(plain.split())[:200]}",
            "choose a larger input, other options or another network",
        ) from error


def _renumbered(model: Any) -> Any:
    """The model with the names that a fresh process gives it.

    Keras numbers what has no name of its own through a whole process, so that a training that was resumed would write
    other names than one that was not.
    """
    seen: Counter[str] = Counter()
    for part in (model, *model.layers):
        words = re.sub("([a-z])([A-Z])", r"\1_\2", re.sub("(.)([A-Z][a-z]+)", r"\1_\2", type(part).__name__))
        kind = words.lower()  # as Keras begins the names that it makes up
        if re.fullmatch(rf"{kind}(_\d+)?", part.name):
            part.name = f"{kind}_{seen[kind]}" if seen[kind] else kind
            seen[kind] += 1
        if part is not model and hasattr(part, "layers"):
            _renumbered(part)
    return model
