"""Dataclasses from JSON by their annotations, and the JSON Schema that says the same."""

import dataclasses
import types
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Built = TypeVar("Built")

_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean", type(None): "null"}


def built(kind: type[Built], value: Any) -> Built:
    """The dataclass `kind` from a JSON object.

    Raises ValueError that names the member which is missing or of another type; members that are unknown are left out,
    so that later versions may add some.
    """
    return _built(kind, value, "")


def _built(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    make: Any = kind
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        _require(isinstance(value, dict), kind, value, where)
        hints = get_type_hints(kind)
        for field in dataclasses.fields(kind):
            if field.name not in value:
                raise ValueError(f"{where}{field.name} is missing")
        return make(**{name: _built(hints[name], value[name], f"{where}{name}.") for name in hints})
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _built(next(one for one in arguments if one is not type(None)), value, where)
    if origin is list:
        _require(isinstance(value, list), kind, value, where)
        return [_built(arguments[0], item, f"{where}{number}.") for number, item in enumerate(value)]
    if origin is tuple:
        _require(isinstance(value, list) and len(value) == len(arguments), kind, value, where)
        return tuple(_built(one, item, where) for one, item in zip(arguments, value, strict=True))
    if origin is dict:
        _require(isinstance(value, dict), kind, value, where)
        return {name: _built(arguments[1], item, f"{where}{name}.") for name, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    _require(isinstance(value, kind) and not (kind is int and isinstance(value, bool)), kind, value, where)
    return value


def _require(fits: bool, kind: Any, value: Any, where: str) -> None:
    if not fits:
        expected = _PLAIN.get(kind, getattr(kind, "__name__", str(kind)))
        raise ValueError(f"{where.rstrip('.') or 'it'} is {type(value).__name__}, expected {expected}")


def json_schema(kind: Any, title: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the dataclass `kind`; its docstrings are the descriptions."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_schema(kind)}


def _schema(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind)
        return {
            "type": "object",
            "description": " ".join((kind.__doc__ or "").split()),
            "properties": {name: _schema(hint) for name, hint in hints.items()},
            "required": list(hints),
        }
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one) for one in arguments]}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_schema(one) for one in arguments], "minItems": len(arguments)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    return {"type": _PLAIN[kind]}
