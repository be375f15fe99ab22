"""Frozen dataclasses that are built quickly are what they were."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any, Generic, TypeVar

import pytest

from guardrails.types import Action, Place, PolicyRef, Stage, Text, Verdict
from guardrails.verdicts.frozen_records import quick_init
from tests.cases import each_case

T = TypeVar("T")


@quick_init
@dataclass(frozen=True, slots=True)
class Record(Generic[T]):
    """One of each kind of field."""

    given: T
    kept: str = "kept"
    made: list[int] = field(default_factory=list)
    hidden: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Plain(Generic[T]):
    """The same, as `dataclasses` builds it."""

    given: T
    kept: str = "kept"
    made: list[int] = field(default_factory=list)
    hidden: str = field(default="", compare=False, repr=False)


class Dated(Record[int]):
    """One with room for more."""


ARGUMENTS = (
    ((1,), {}),
    ((1, "b", [2], "c"), {}),
    ((), {"given": 1}),
    ((1,), {"made": [3], "hidden": "x"}),
)


@each_case(("positional", "named"), ARGUMENTS)
def test_arguments_become_fields(positional: tuple[Any, ...], named: dict[str, Any]) -> None:
    """By position and by name, with what they are by default; what is made is made for each."""
    quick, plain = Record(*positional, **named), Plain(*positional, **named)
    assert [getattr(quick, each.name) for each in fields(quick)] == [
        getattr(plain, each.name) for each in fields(plain)
    ]
    assert type(quick) is Record
    assert repr(quick) == repr(plain).replace("Plain", "Record")
    assert quick == Record(*positional, **named)
    assert Record(1).made is not Record(1).made


def test_signature_and_errors_are_those_of_the_dataclass() -> None:
    """Editors show the same parameters, and wrong arguments are refused."""
    assert str(inspect.signature(Record)) == str(inspect.signature(Plain))
    with pytest.raises(TypeError, match="given"):
        Record()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="other"):
        Record(1, other=2)  # type: ignore[call-arg]


PLACE = Place(Stage.OUTPUT, role="assistant", path="/a")
VERDICT: Verdict[str] = Verdict("vd_1", Action.ALLOW, Stage.INPUT, PolicyRef("p", "1", "sha256:0"), None)


@each_case("record", [Record(1), PLACE, Text("a", PLACE), VERDICT])
def test_records_are_frozen_values(record: Any) -> None:
    """No field can be set or deleted; copies, pickles and replacements are equal."""
    name = fields(record)[0].name
    with pytest.raises(FrozenInstanceError):
        setattr(record, name, 2)
    with pytest.raises(FrozenInstanceError):
        delattr(record, name)
    with pytest.raises((AttributeError, TypeError)):
        record.other = 1
    same = [copy.copy(record), copy.deepcopy(record), pickle.loads(pickle.dumps(record)), replace(record)]
    assert all(each == record and type(each) is type(record) for each in same)


def test_derived_classes_are_built_as_before() -> None:
    """Theirs may be another layout."""
    dated = Dated(3, "x")
    assert (type(dated), dated.given, dated.kept, dated.made) == (Dated, 3, "x", [])
    with pytest.raises(FrozenInstanceError):
        dated.kept = "y"  # type: ignore[misc]


def test_other_classes_are_refused() -> None:
    """Fields by keyword, without slots, or with something to do afterwards."""

    @dataclass(frozen=True)
    class Open:
        a: int

    @dataclass(frozen=True, slots=True)
    class Named:
        a: int = field(kw_only=True)

    @dataclass(frozen=True, slots=True)
    class Careful:
        a: int

        def __post_init__(self) -> None:
            assert self.a

    for cls in (Open, Named, Careful):
        with pytest.raises(TypeError, match=cls.__name__):
            quick_init(cls)
