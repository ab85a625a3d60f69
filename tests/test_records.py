"""Records stay readable when they grow, and say by name what is wrong; registries give values by name."""

import contextlib
import json
from dataclasses import dataclass, field, make_dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgefkp.errors import EdgefkpError, UsageError
from edgefkp.files import json_text
from edgefkp.records import NewerField, Registry, built, json_schema, read_record


@dataclass(frozen=True)
class Part:
    name: str
    weights: tuple[float, ...] = ()


@dataclass(frozen=True)
class Whole:
    parts: list[Part]
    size: tuple[int, int]
    license: str = field(default="", metadata={"json": "licence"})
    score: float | None = None
    facts: dict[str, float] = field(default_factory=dict)


STORED = {
    "parts": [{"name": "a", "weights": [1, 2.5]}],
    "size": [3, 4],
    "licence": "free",
    "score": 1,
    "facts": {"x": 1},
}


def test_a_record_is_what_was_written():
    whole = Whole([Part("a", (1.0, 2.5))], (3, 4), "free", 1.0, {"x": 1.0})
    assert built(Whole, STORED) == whole
    assert json.loads(json_text(whole)) == STORED
    assert built(Whole, json.loads(json_text(whole))) == whole


@pytest.mark.parametrize("name", ["licence", "score", "facts"])
def test_a_field_with_a_default_may_be_missing(name):
    stored = {key: value for key, value in STORED.items() if key != name}
    default = Whole([], (0, 0))
    attribute = "license" if name == "licence" else name
    assert getattr(built(Whole, stored), attribute) == getattr(default, attribute)


def test_a_new_field_with_a_default_leaves_every_old_file_readable():
    newer = make_dataclass("Whole", [("nme", float | None, field(default=None))], bases=(Whole,), frozen=True)
    assert built(newer, STORED).nme is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"parts": None}, "parts is NoneType, expected list"),
        ({"parts": [{"name": 3}]}, "parts.0.name is int, expected string"),
        ({"parts": [{}]}, "parts.0.name is missing"),
        ({"size": [1, 2, 3]}, "size is list, expected tuple"),
        ({"score": "high"}, "score is str, expected number"),
        ({"score": True}, "score is bool, expected number"),
        ({"facts": {"x": []}}, "facts.x is list, expected number"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    with pytest.raises(EdgefkpError) as caught:
        read_record(Whole, {**STORED, **change}, "some.json", "make it again")
    assert caught.value.message == f"some.json is not a whole whole: {message}"
    assert caught.value.hint == "make it again"


def test_a_field_of_a_newer_version_is_a_named_warning_or_an_error():
    newer = {**STORED, "parts": [{"name": "a", "shade": 3}]}
    with pytest.warns(NewerField, match=r"some.json: the field parts.0.shade is of a newer edgefkp"):
        assert read_record(Whole, newer, "some.json").parts == [Part("a")]
    with pytest.raises(EdgefkpError, match=r"there is no field parts.0.shade \(fields: parts, size, licence"):
        read_record(Whole, newer, "some.json", strict=True)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_json_makes_reading_crash(value: Any):
    for stored in (value, {**STORED, "size": value}, {**STORED, "facts": {"x": value}}):
        with contextlib.suppress(ValueError):
            assert isinstance(built(Whole, stored), Whole)


def test_the_schema_says_what_is_required_and_what_it_is_called():
    schema = json_schema(Whole, "edgefkp.whole/1")
    assert schema["required"] == ["parts", "size"]
    assert list(schema["properties"]) == ["parts", "size", "licence", "score", "facts"]
    assert schema["properties"]["parts"]["items"]["properties"]["weights"]["items"] == {"type": "number"}


def test_a_class_of_its_own_form_reads_and_writes_itself():
    @dataclass(frozen=True)
    class Degrees:
        value: float

        def to_json(self) -> str:
            return f"{self.value:g} deg"

        @classmethod
        def from_json(cls, text: str) -> "Degrees":
            number, _, unit = text.partition(" ")
            if unit != "deg":
                raise ValueError(f"'{text}' has no unit")
            return cls(float(number))

    box = make_dataclass("Turned", [("angle", Degrees)], frozen=True)
    assert json.loads(json_text(box(Degrees(2.5)))) == {"angle": "2.5 deg"}
    assert built(box, {"angle": "2.5 deg"}) == box(Degrees(2.5))
    with pytest.raises(ValueError, match="angle: '3' has no unit"):
        built(box, {"angle": "3"})


def test_a_registry_knows_names_and_the_nearest_ones():
    registry: Registry[Part] = Registry("part", order=lambda part: -len(part.weights))
    small, large = registry.add(Part("small", (1.0,))), registry.add(Part("large", (1.0, 2.0)))
    assert list(registry) == ["large", "small"]
    assert registry.values() == [large, small]
    assert registry["small"] is small
    assert "tiny" not in registry
    with pytest.raises(UsageError) as caught:
        registry["smal"]
    assert (caught.value.message, caught.value.hint) == ("unknown part 'smal'", "did you mean small?")
    with pytest.raises(ValueError, match="two parts called 'small'"):
        registry.add(Part("small", (3.0,)))
    registry.remove("small")
    assert list(registry) == ["large"]


def test_arrays_are_taken_as_they_are():
    @dataclass(frozen=True)
    class Arrays:
        images: np.ndarray
        groups: np.ndarray | None = None

    images = np.zeros((2, 3))
    assert read_record(Arrays, {"images": images, "groups": images}, "the faces").groups is images
