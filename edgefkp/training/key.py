"""The key of an experiment: what of it decides the result, so that a finished or stopped run is known again.

Only differences from the defaults count, so that a new field changes no key of an old result; the fields of the first
results are in with whatever value they have, as their stored keys hold them. A field's metadata may say more: "before"
is the value that results from before the field were made with, if that is not its default; "decides": False leaves the
field out.
"""

import hashlib
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from edgefkp.files import json_text
from edgefkp.records import json_name

FIRST = """
epochs images batch learning_rate warmup weight_decay loss corner batchnorm_momentum ema patience seed
online.degrees online.scale online.stretch online.shift online.mirror online.contrast online.brightness online.gamma
online.noise online.noise_level online.blur online.occlusion online.occlusion_size
"""
_FIRST = frozenset(FIRST.split())


def deciding(record: Any, within: str = "") -> dict[str, Any]:
    """The fields of a record that a key is made of, by their names in files.

    within: what stands before those names in FIRST: "online." for that record of a recipe.
    """
    found: dict[str, Any] = {}
    for field in fields(record):
        name, value = json_name(field), getattr(record, field.name)
        if is_dataclass(value):
            if inner := deciding(value, f"{within}{name}."):
                found[name] = inner
        elif field.metadata.get("decides", True) and (within + name in _FIRST or value != _before(field)):
            # 30 and 30.0 are one recipe
            found[name] = int(value) if isinstance(value, float) and value.is_integer() else value
    return found


def _before(field: "Field[Any]") -> Any:
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return field.metadata.get("before", default)


def key_of(identity: list[Any]) -> str:
    return hashlib.sha256(json_text(identity).encode()).hexdigest()
