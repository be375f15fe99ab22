"""Lists, sets and mappings of all kinds: read in full, and written in their own type."""

from __future__ import annotations

import os
from collections import ChainMap, Counter, OrderedDict, UserDict, UserList, defaultdict, deque, namedtuple
from types import MappingProxyType
from typing import Any, NamedTuple, TypedDict

from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request

from guardrails.engine.values.known_types import adapter_of
from guardrails.engine.values.walk import find_leaves
from guardrails.engine.values.writer import replace_values
from tests.cases import each_case


class Pair(NamedTuple):
    """A named tuple with types."""

    left: str
    right: Any


class Row(TypedDict):
    """A dictionary with types."""

    text: str


Old = namedtuple("Old", "a b")


class Words(list[str]):
    """A list of a class of its own, with something beside its entries."""

    def __init__(self, *words: str) -> None:
        super().__init__(words)
        self.language = "en"


def change(value: Any) -> Any:
    """Return a value with each text that can be changed in capitals."""
    found = find_leaves(value)
    return replace_values(
        value,
        {
            (path, None): leaf.upper()
            for path, leaf, editable, _ in found
            if editable and isinstance(leaf, str)
        },
    )


@each_case(
    ("value", "changed"),
    [
        (["a", ["b"]], ["A", ["B"]]),
        (("a", ("b",)), ("A", ("B",))),
        (Pair("a", ["b"]), Pair("A", ["B"])),
        (Old("a", 1), Old("A", 1)),
        (Words("a", "b"), Words("A", "B")),
        (deque(["a"], maxlen=2), deque(["A"], maxlen=2)),
        (UserList(["a"]), UserList(["A"])),
        ({"a"}, {"A"}),
        (frozenset({"a", 1}), frozenset({"A", 1})),
        ({"k": "a"}, {"k": "A"}),
        (Row(text="a"), Row(text="A")),
        (OrderedDict(k="a"), OrderedDict(k="A")),
        (defaultdict(list, k=["a"]), defaultdict(list, k=["A"])),
        (UserDict(k="a"), UserDict(k="A")),
        (ChainMap({"k": "a"}), ChainMap({"k": "A"})),
        (MappingProxyType({"k": "a"}), MappingProxyType({"k": "A"})),
        (QueryParams([("q", "a"), ("q", "b")]), QueryParams([("Q", "A"), ("Q", "B")])),
        ({"k": "a"}.values(), {"A"}),
    ],
)
def test_a_container_keeps_its_type(value: Any, changed: Any) -> None:
    """What is beside its entries stays as well; the value that was given is not touched."""
    before = repr(value)
    made = change(value)
    assert made == changed
    if not isinstance(value, type({}.values())):
        assert type(made) is type(value)
    assert repr(value) == before
    assert getattr(made, "maxlen", 0) == getattr(value, "maxlen", 0)
    assert getattr(made, "language", "") == getattr(value, "language", "")
    assert getattr(made, "default_factory", None) is getattr(value, "default_factory", None)


def test_keys_of_a_mapping_are_read_and_stay() -> None:
    """Numbers of a counter say nothing."""
    value = Counter({"word": 3, "other": 4111111111111111})
    assert [each[:3] for each in find_leaves(value)] == [
        (("word",), "word", False),
        (("other",), "other", False),
        (("other",), "4111111111111111", True),
    ]


def test_the_environment_is_never_written_to() -> None:
    """A mapping of which nobody knows what writing does comes back as a plain one."""
    name = "GUARDRAILS_TEST_ADAPTER"
    os.environ[name] = "a"
    try:
        made = replace_values(os.environ, {((name,), None): "NEW"})
        assert (made[name], os.environ[name]) == ("NEW", "a")
    finally:
        del os.environ[name]


@each_case("value", [Request({"type": "http", "headers": []}), iter("a"), (each for each in "a")])
def test_what_only_looks_like_a_container_is_none(value: Any) -> None:
    """A framework's request compares by identity, as objects do; an iterator can be read once."""
    assert adapter_of(value) is None


def test_a_mapping_with_several_values_for_a_key_is_read_in_full() -> None:
    """None of them hides behind another."""
    params = QueryParams([("q", "a"), ("q", "b")])
    assert [leaf for _, leaf, *_ in find_leaves(params)] == ["q", "a", "q", "b"]
    assert [leaf for _, leaf, *_ in find_leaves(Headers({"x": "a"}))] == ["x", "a"]
