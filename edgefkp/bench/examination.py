"""What a time on an accelerator or a delegate is worth: its points at the first and from the fiftieth inference on, and
the adapters that may have computed it.

Drivers are known that compute the first inference right and later ones wrong; and a GPU that is a program on the CPU
gives right points at a time that is no GPU's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgefkp.bench import fed
from edgefkp.bench.acceleration import Acceleration
from edgefkp.bench.verdict import INVALID, SUSPECT, TimingCheck
from edgefkp.export.schemes import SCHEMES
from edgefkp.runtime import interpreters, vulkan
from edgefkp.runtime.engine import GPU
from edgefkp.runtime.reference_vectors import known_vectors
from edgefkp.runtime.tflite_model import TfliteModel

LATER = 50  # the inference after which the points are compared again
COMPARED = 8  # different images, as many as the reference vectors are
WRONG, WRONG_SHARE = 1.0, 0.1  # px, and the share of other outputs, from which on nothing is right
NOTHING = 1e6  # stands for a difference that is no number
NOTICED, NOTICED_SHARE = 0.02, 0.01  # from which on the file is called another network there


def examined(
    model: TfliteModel, images: np.ndarray, given: str = "", shapes: Mapping[str, tuple[int, ...]] | None = None
) -> Acceleration:
    """Run `model`, which has run nothing yet, on the images until after the fiftieth inference.

    images: (N, *image_shape) uint8, for a keypoint network; given: of other files, see fed.input_sets.
    """
    engine, pixels = model.engine, model.is_keypoint_model and not given
    known = known_vectors(model.path) if pixels else None
    tensors: Any = model.tensors(known[0] if known else images[:COMPARED]) if pixels else None
    sets = [[tensor] for tensor in tensors] if pixels else fed.input_sets(model, given)[:COMPARED]
    on_cpu = None if known else interpreters.load(model.path, model.runtime, spec=model.known_spec, shapes=shapes)
    expected = known[1] if known else np.stack([_outputs(on_cpu, one, pixels) for one in sets])  # type: ignore[arg-type]
    size = 1.0 if pixels else max(float(np.abs(expected).max()), 1e-12)
    differences = []
    for number in range(LATER + len(sets) - 1):
        which = number % len(sets)
        found = _outputs(model, sets[which], pixels)
        differences.append(float(np.abs(found - expected[which]).max()) / size)
    first, later = _ends(differences)
    acceleration = Acceleration(engine.on, first=first, later=later, pixels=pixels)
    if model.accelerated:
        acceleration = replace(acceleration, fully=model.accelerated.fully, adapter=model.accelerated.adapter)
    if engine.accelerator == GPU:
        acceleration = _with_adapters(acceleration)
    return acceleration


def _ends(differences: list[float]) -> tuple[float, float]:
    """At the first inference, and from the fiftieth on; NaN and infinity as a number that no network comes to."""
    found = np.nan_to_num(differences, nan=NOTHING, posinf=NOTHING)
    return float(found[0]), float(found[LATER - 1 :].max())


def rounds_activations(scheme: str) -> bool:
    """The CPU rounds activations to integers as they come, which a GPU does not: there the file is another network."""
    return scheme in SCHEMES and SCHEMES[scheme].integer and not SCHEMES[scheme].static


def of_scheme(found: Acceleration, scheme: str) -> Acceleration:
    """With whether a GPU computes another network than the CPU: by the scheme, or as the points show."""
    rounds = rounds_activations(scheme)
    differs = found.worst > (NOTICED if found.pixels else NOTICED_SHARE)
    return replace(found, another_network=found.on == GPU and (rounds or differs))


def _outputs(model: TfliteModel, tensors: Sequence[np.ndarray], pixels: bool) -> np.ndarray:
    model.set_all(tensors)
    model.invoke()
    if pixels:
        return model.keypoints(model.get(model.points_output or 0).reshape(-1))
    return np.concatenate([model.get(which).astype(np.float64).reshape(-1) for which in range(len(model.outputs))])


def _with_adapters(acceleration: Acceleration) -> Acceleration:
    try:
        listed = vulkan.adapters()
    except vulkan.NoVulkan:
        return acceleration
    names = [adapter.name for adapter in listed if adapter.software]
    return replace(acceleration, adapters=[str(adapter) for adapter in listed], software=names)


def checks(found: Acceleration) -> list[TimingCheck]:
    """Reasons against a time, each with SUSPECT or INVALID."""
    reasons = []
    limit = WRONG if found.pixels else WRONG_SHARE
    if found.worst > limit:
        first, later = found.words(found.first), found.words(found.later)
        far = f"{first} from the CPU's at its first inference, {later} at the {LATER}th"
        reasons.append((INVALID, f"its outputs on {found.on} are {far}"))
    if found.on != GPU:
        return reasons
    if found.adapter in found.software or (found.adapters and len(found.software) == len(found.adapters)):
        name = found.adapter or " and ".join(found.software)
        reasons.append((INVALID, f"{name} is a GPU in software: this is a time of the CPU"))
    if len(found.adapters) > 1:
        listed = " and ".join(found.adapters)
        reasons.append((SUSPECT, f"Vulkan lists {listed}: name the driver of one, VK_DRIVER_FILES=FILE.json"))
    if not found.adapters:
        reasons.append((SUSPECT, "Vulkan lists no adapter, so what computed is not known"))
    return reasons
