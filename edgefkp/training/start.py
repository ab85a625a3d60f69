"""A trained network to start from: which file it is, and what another network keeps of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgefkp.card import CardStart, read_card
from edgefkp.data.license import NOT_STATED
from edgefkp.errors import EdgefkpError, UsageError, counted
from edgefkp.files import sha256_file
from edgefkp.layout import ModelSpec, PointLayout
from edgefkp.networks.complexity import leaves
from edgefkp.networks.deviation import points_only
from edgefkp.runtime import shipped
from edgefkp.runtime.keras_model import load_keras
from edgefkp.runtime.keras_safety import check_keras
from edgefkp.training.features import HEAD

_LEAST_KEPT = 0.5  # of the body's weights: below, the file holds another network


@dataclass(frozen=True)
class Kept:
    """What a network keeps of the one that it starts from."""

    layers: int  # layers with the same weights
    points: tuple[str, ...]  # points whose weights in the last layer are kept
    recolored: tuple[str, ...] = ()  # layers whose weights were made to fit other colors
    new: tuple[str, ...] = ()  # layers that start without training

    def __str__(self) -> str:
        text = f"{counted(self.layers, 'layer')} and the output of {len(self.points)} points"
        text += f"; fitted to other colors: {', '.join(self.recolored)}" if self.recolored else ""
        return text + (f"; new: {', '.join(self.new)}" if self.new else "")


@dataclass(frozen=True, eq=False)
class Start:
    """A trained network that others start from."""

    facts: CardStart
    network: str  # the architecture's name; "" if its card does not name it
    spec: ModelSpec
    model: Any = field(repr=False)  # keras.Model


def find_start(name: str) -> Path:
    """The .keras file of `name`: a path, or a network that comes with edgefkp by the name of its file or architecture.

    Raises UsageError for a .tflite, EdgefkpError where there is no such file.
    """
    path = Path(name)
    names = [one.stem for one in shipped.models(".keras")]
    if path.suffix == ".tflite":
        card = read_card(path) if path.is_file() else None
        made_from = f"the network that it was made from, {card.parent}" if card and card.parent else "a .keras file"
        raise UsageError(
            f"{name} is a .tflite file: its weights were converted and cannot learn",
            f"give {made_from}, or one that comes with edgefkp: {', '.join(names)}",
        )
    if path.is_file() and path.suffix == ".keras":
        return path
    for one in shipped.models(".keras"):
        card = read_card(one)
        if name in (one.name, one.stem, card.network if card else ""):
            return one
    raise EdgefkpError(
        f"no network to start from at {name}",
        f"give a .keras file that edgefkp train wrote, or one that comes with edgefkp: {', '.join(names)}",
    )


def facts_of(path: Path) -> CardStart:
    """What the cards of networks that start from `path` hold of it."""
    card = read_card(path)
    data = card.data if card else None
    return CardStart(path.name, sha256_file(path), data.name if data else None, data.license if data else NOT_STATED)


def open_start(path: Path) -> Start:
    """Raises EdgefkpError for a file that is no keypoint network, or that ends the process that tries it."""
    check_keras(path)
    loaded = load_keras(path)
    model = points_only(loaded.model)
    if not loaded.is_keypoint_model or model.layers[-1].name != HEAD:
        raise EdgefkpError(
            f"{path} takes {model.input_shape} and gives {model.output_shape} in a last layer "
            f"'{model.layers[-1].name}'; a start has the form of its card and a last layer '{HEAD}'",
            "give a network that edgefkp train wrote",
        )
    card = read_card(path)
    spec = replace(loaded.spec, output=loaded.spec.output.points_only)
    return Start(facts_of(path), card.network if card else "", spec, model)


def inherited(own: str, start: CardStart) -> str:
    """The terms of a model that was trained on faces under the terms `own`, and on what it started from."""
    return f"{own}; inherited from {start.file}: {start.license}"


def carry_over(start: Start, model: Any, spec: ModelSpec, network: str) -> Kept:
    """Give `model`, a new network for `spec`, the weights of `start` wherever they fit.

    The body is kept, also for another size of the input. Other colors: the first kernel is spread over the channels,
    or summed up. The last layer keeps the rows of the points that both have; for the others it gives 0, the middle.
    network: the architecture's name, for messages.
    Raises UsageError if the start is another architecture.
    """
    if start.network and start.network != network:
        raise UsageError(
            f"{start.facts.file} is a network '{start.network}', and '{network}' was asked for",
            f"train that one, edgefkp train {start.network} --from ..., or start '{network}' from one of its own kind",
        )
    pairs = list(zip(_weighted(start.model), _weighted(model), strict=False))
    alike = len(list(_weighted(start.model))) == len(list(_weighted(model)))
    kept, recolored, new, weights, possible = 0, [], [], 0, 0
    for old, layer in pairs:
        if layer.name == HEAD:
            continue
        size = layer.count_params() if layer.trainable_weights else 0
        possible += size
        shapes = [[tuple(w.shape) for w in one.weights] for one in (old, layer)]
        fits = shapes[0] == shapes[1]
        if fits:
            layer.set_weights(old.get_weights())
            kept += 1
        elif (changed := _recolored(old, layer)) is not None:
            layer.set_weights(changed)
            recolored.append(layer.name)
        elif layer.trainable_weights:  # the cells of a soft argmax depend on the size alone
            new.append(layer.name)
        weights += size if layer.name not in new else 0
    if not alike or weights < _LEAST_KEPT * possible:
        raise UsageError(
            f"{start.facts.file} does not have the layers of '{network}'",
            "give a network that was trained under that name, with the same options",
        )
    points, whole = _carry_head(start, model.get_layer(HEAD), spec.layout)
    return Kept(kept, points, tuple(recolored), tuple(new if whole else [*new, HEAD]))


def _weighted(model: Any) -> Iterator[Any]:
    return (layer for layer in leaves(model) if layer.weights)


def _recolored(old: Any, layer: Any) -> list[np.ndarray] | None:
    """The weights of the first convolution for another number of channels; None for any other change of shape."""
    kernel, *others = old.get_weights()
    shape = tuple(layer.weights[0].shape)
    if kernel.ndim != 4 or kernel.shape[:2] + kernel.shape[3:] != shape[:2] + shape[3:]:
        return None
    if {kernel.shape[2], shape[2]} != {1, 3}:
        return None
    # A gray image as three equal channels gives the same sums in either direction.
    changed = np.repeat(kernel / shape[2], shape[2], 2) if shape[2] > 1 else kernel.sum(2, keepdims=True)
    return [changed, *others]


def _carry_head(start: Start, head: Any, layout: PointLayout) -> tuple[tuple[str, ...], bool]:
    """(points whose weights are kept, whether these are all points)."""
    kernel, bias = (np.zeros_like(part) for part in head.get_weights())
    old_kernel, old_bias = start.model.layers[-1].get_weights()
    if len(kernel) != len(old_kernel):  # a body whose output has another size
        head.set_weights([kernel, bias])
        return (), False
    shared = tuple(name for name in layout.points if start.spec.layout.has(name))
    for name in shared:
        (row,), (old,) = layout.rows(name), start.spec.layout.rows(name)
        columns, old_columns = slice(2 * row, 2 * row + 2), slice(2 * old, 2 * old + 2)
        kernel[:, columns], bias[columns] = old_kernel[:, old_columns], old_bias[old_columns]
    head.set_weights([kernel, bias])
    return shared, len(shared) == layout.count
