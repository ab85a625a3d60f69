"""Records: dataclasses from JSON and their JSON Schema; registries: values by name, one file each.

A stored record stays readable: a field with a default may be missing in the file, and a field that is unknown here (a
newer version wrote it) is either a named warning or an error. A field whose name in the code differs from that in the
file has metadata {"json": NAME}, one whose stored value is taken over in another form {"read": FUNCTION}; a class that
stands for one JSON value has `to_json` and `from_json`.
"""

import contextlib
import dataclasses
import difflib
import functools
import importlib
import inspect
import pkgutil
import types
import typing
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from edgefkp.errors import EdgefkpError, UsageError

Built = TypeVar("Built")
Value = TypeVar("Value")

_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean", Path: "string", type(None): "null"}


class NewerField(UserWarning):
    """A stored record has a field that this version does not know."""


def read_record(kind: type[Built], value: Any, where: str, hint: str = "", strict: bool = False) -> Built:
    """The dataclass `kind` from a JSON value.

    where: what is read, for messages. strict: an unknown field is an error (recipes, bundles), not a NewerField
    warning (results, cards). Raises EdgefkpError that names the first field that is missing or of another type.
    """
    try:
        return built(kind, value, strict, where)
    except ValueError as error:
        reason = str(error).replace("\n", "\\n")  # of a value that it quotes
        raise EdgefkpError(f"{where} is not a whole {_title(kind)}: {reason}", hint) from error


def _title(kind: type) -> str:
    words = "".join(
        f" {letter.lower()}" if letter.isupper() else letter for letter in getattr(kind, "__name__", "record")
    )
    return words.strip("_ ")


def built(kind: type[Built], value: Any, strict: bool = False, where: str = "") -> Built:
    """The dataclass `kind` from a JSON value; see `read_record`. Raises ValueError that names the field."""
    unknown: list[str] = []
    made: Built = _built(kind, value, "", unknown)
    if unknown and strict:
        close = difflib.get_close_matches(unknown[0], _field_names(kind), n=3)
        known = f"fields: {', '.join(json_name(field) for field in dataclasses.fields(kind))}"  # type: ignore[arg-type]
        raise ValueError(f"there is no field {unknown[0]} ({f'did you mean {close[0]}?' if close else known})")
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        message = f"{where or kind.__name__}: the field {unknown[0]}{more} is of a newer edgefkp, and left out"
        warnings.warn(message, NewerField, stacklevel=3)
    return made


def _field_names(kind: Any) -> list[str]:
    """The fields of a dataclass and of those in it: "online", "online.degrees"."""
    names = []
    for field in dataclasses.fields(kind):
        inner = _hints(kind)[field.name]
        within = _field_names(inner) if dataclasses.is_dataclass(inner) else []
        names += [json_name(field), *(f"{json_name(field)}.{name}" for name in within)]
    return names


def json_name(field: Any) -> str:
    """What a dataclass field is called in the file."""
    return str(field.metadata.get("json", field.name))


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _built(kind: Any, value: Any, where: str, unknown: list[str]) -> Any:
    if kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if hasattr(kind, "from_json"):
        try:
            return kind.from_json(value)
        except ValueError as error:
            raise ValueError(f"{where.rstrip('.') or 'it'}: {error}") from error
    if dataclasses.is_dataclass(kind):
        return _built_dataclass(kind, value, where, unknown)
    if typing.is_typeddict(kind):
        return _built_dict(kind, value, where, unknown)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _built(next(one for one in arguments if one is not type(None)), value, where, unknown)
    if origin is list:
        _require(isinstance(value, list), kind, value, where)
        return _built_items(arguments[0], value, where, unknown)
    if origin is tuple and arguments[-1:] == (Ellipsis,):
        _require(isinstance(value, list), kind, value, where)
        return tuple(_built_items(arguments[0], value, where, unknown))
    if origin is tuple:
        _require(isinstance(value, list) and len(value) == len(arguments), kind, value, where)
        return tuple(_built(one, item, where, unknown) for one, item in zip(arguments, value, strict=True))
    if origin is dict:
        _require(isinstance(value, dict), kind, value, where)
        return {name: _built(arguments[1], item, f"{where}{name}.", unknown) for name, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        _require(abs(value) < 2**1023, kind, value, where)
        return float(value)
    if kind is Path and isinstance(value, str):
        return Path(value)
    kind = origin or kind
    _require(isinstance(value, kind) and not (kind is int and isinstance(value, bool)), kind, value, where)
    return value


def _built_items(kind: Any, items: list[Any], where: str, unknown: list[str]) -> list[Any]:
    if kind in _PLAIN and set(map(type, items)) == {kind}:  # the mass of a large file: scores and times
        return list(items)
    return [_built(kind, item, f"{where}{number}.", unknown) for number, item in enumerate(items)]


def _built_dataclass(kind: Any, value: Any, where: str, unknown: list[str]) -> Any:
    _require(isinstance(value, dict), kind, value, where)
    hints, given = _hints(kind), {}
    for field in dataclasses.fields(kind):
        name = json_name(field)
        if name in value:
            one = _built(hints[field.name], value[name], f"{where}{name}.", unknown)
            given[field.name] = field.metadata["read"](one) if "read" in field.metadata and one else one
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{where}{name} is missing")
    known = {json_name(field) for field in dataclasses.fields(kind)}
    unknown += [f"{where}{name}" for name in value if name not in known]
    try:
        return kind(**given)
    except EdgefkpError as error:  # what the class itself demands of its values
        raise ValueError(f"{where.rstrip('.') or 'it'}: {error.message}") from error


def _built_dict(kind: Any, value: Any, where: str, unknown: list[str]) -> Any:
    """A TypedDict: the JSON object itself, whose named fields are there and of their types; others stay as they are."""
    _require(isinstance(value, dict), kind, value, where)
    if missing := sorted(kind.__required_keys__ - value.keys()):
        raise ValueError(f"{where}{missing[0]} is missing")
    known = {name: one for name, one in _hints(kind).items() if name in value}
    return {**value, **{name: _built(one, value[name], f"{where}{name}.", unknown) for name, one in known.items()}}


def fields_from(kind: type[Built], value: Any) -> Built:
    """For the `from_json` of a dataclass: from an object of its fields. Raises ValueError."""
    made: Built = _built_dataclass(kind, value, "", [])
    return made


def _require(fits: bool, kind: Any, value: Any, where: str) -> None:
    if not fits:
        expected = _PLAIN.get(kind, getattr(kind, "__name__", str(kind)))
        raise ValueError(f"{where.rstrip('.') or 'it'} is {type(value).__name__}, expected {expected}")


def json_schema(kind: Any, title: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of the dataclass `kind`; docstrings and the fields' comments are the descriptions."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **_schema(kind)}


def _schema(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or hasattr(kind, "from_json"):
        return {}
    if typing.is_typeddict(kind):
        return {"type": "object", "required": sorted(kind.__required_keys__)}
    if dataclasses.is_dataclass(kind):
        hints, comments = get_type_hints(kind), _comments(kind)
        return {
            "type": "object",
            "description": " ".join((kind.__doc__ or "").split()),
            "properties": {
                json_name(one): {**_schema(hints[one.name]), **comments.get(one.name, {})}
                for one in dataclasses.fields(kind)
            },
            "required": [json_name(field) for field in dataclasses.fields(kind) if _is_required(field)],
        }
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one) for one in arguments]}
    if origin is list or (origin is tuple and arguments[-1:] == (Ellipsis,)):
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is tuple:
        return {"type": "array", "prefixItems": [_schema(one) for one in arguments], "minItems": len(arguments)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    return {"type": _PLAIN[kind]}


def _comments(kind: Any) -> dict[str, dict[str, str]]:
    """Field name -> the description that the comment above it or behind it gives."""
    found: dict[str, dict[str, str]] = {}
    above: list[str] = []
    with contextlib.suppress(OSError):  # a class without a source file
        for line in inspect.getsource(kind).splitlines():
            code, _, comment = line.strip().partition("# ")
            words = [] if comment.startswith(("noqa", "type:")) or not comment else [comment]
            if (name := code.partition(":")[0]).isidentifier() and (text := " ".join([*above, *words])):
                found[name] = {"description": text}
            above = [] if code else [*above, *words]
    return found


def _is_required(field: Any) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


class Registry(Generic[Value]):
    """Values by name. The files of one folder register theirs when they are imported, which the first question does.

    kind: what one of them is, for messages ("network"). package: the folder, as a dotted name; "" where the values
    stand in one file. order: sorts the values for tables and help; else they come as they were registered.
    """

    def __init__(self, kind: str, package: str = "", order: Callable[[Value], Any] | None = None) -> None:
        self.kind, self.package, self.order = kind, package, order
        self.known: dict[str, Value] = {}
        self._loaded = not package

    def add(self, value: Value, name: str | None = None) -> Value:
        """Register `value` under `name`, by default its own; for classes and functions it serves as a decorator.

        Raises ValueError for a name that is taken by another value.
        """
        name = name or value.name  # type: ignore[attr-defined]
        if self.known.get(name, value) != value:
            raise ValueError(f"there are two {self.kind}s called '{name}'")
        self.known[name] = value
        return value

    def remove(self, name: str) -> None:
        del self.known[name]

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            folder = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(folder.__path__):
                importlib.import_module(f"{self.package}.{module.name}")

    def names(self) -> tuple[str, ...]:
        self._load()
        if self.order is None:
            return tuple(self.known)
        order = self.order
        return tuple(sorted(self.known, key=lambda name: order(self.known[name])))

    def values(self) -> list[Value]:
        return [self.known[name] for name in self.names()]

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __getitem__(self, name: str) -> Value:
        """Raises UsageError for an unknown name, with the nearest ones."""
        if name not in self.known:
            self._load()
        if name not in self.known:
            close = difflib.get_close_matches(name, self.names(), n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"choose one of: {', '.join(self.names())}"
            raise UsageError(f"unknown {self.kind} '{name}'", hint)
        return self.known[name]
