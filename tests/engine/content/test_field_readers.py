"""The readers that all field tables are made of: what each takes, and what it makes of everything else."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.engine.content import field_readers
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.values.walk import find_strings
from guardrails.errors import RequestError
from guardrails.text.structure import is_structure
from guardrails.types import Place, Stage, Text
from tests.cases import each_case

SEALED = "RWFzdGVyIGVnZ3MgYXJlIGhpZGRlbiBoZXJlLCB0cnVseQ=="
NOISE = b64encode(bytes(range(128, 256))).decode()
"""Stands for what a provider has encrypted or signed: no text."""

PLACE = Place(Stage.INPUT, role="user")


def read(reader: field_readers.Reader, value: object) -> ContentTree:
    """Return what a reader collects of a value at `/x`."""
    tree = ContentTree()
    reader(tree, value, ("x",), PLACE)
    return tree


def texts(tree: ContentTree) -> list[str]:
    """Return the texts that were collected."""
    return [leaf.content.text for leaf in tree.leaves if isinstance(leaf.content, Text)]


@each_case(
    ("reader", "value", "found", "editable"),
    [
        (field_readers.keep, "chat.completion", [], None),
        (field_readers.keep, "zqxbomb", ["zqxbomb"], False),
        (field_readers.keep, "jo@example.com", ["jo@example.com"], False),
        (field_readers.keep, "two words", ["two words"], False),
        (field_readers.keep, "x" * 200, ["x" * 200], False),
        (field_readers.keep, 1.5, [], None),
        (field_readers.flag, True, [], None),
        (field_readers.flag, "yes", ["yes"], False),
        (field_readers.flag, 1_700_000_000, [], None),
        (field_readers.flag, 4111111111111111, ["4111111111111111"], False),
        (field_readers.keep, 4111111111111111.0, ["4111111111111111"], False),
        (field_readers.seed, 4111111111111111, [], None),
        (field_readers.seed, "4111111111111111", ["4111111111111111"], False),
        (field_readers.text, "a text", ["a text"], True),
        (field_readers.text, ["a", {"b": "c"}], ["a", "b", "c"], None),
        (field_readers.text, None, [], None),
        (field_readers.identifier, "id_1", ["id_1"], False),
        (field_readers.figures, {"total_tokens": 1, "type": "a b"}, ["a b"], False),
        (field_readers.figures, {"jo": 1}, [], None),
        (field_readers.label, "jo", ["jo"], True),
        (field_readers.label, "123e4567-e89b-12d3-a456-426614174000", [], None),
        (field_readers.label, ["jo"], ["jo"], True),
        (field_readers.anything, {"k": ["v"]}, ["k", "v"], None),
        (field_readers.arguments, '{"a": "b c"}', ["a", "b c"], None),
        (field_readers.arguments, {"a": "b"}, ["a", "b"], None),
        (field_readers.arguments, "no JSON", ["no JSON"], False),
        (field_readers.opaque, SEALED, [SEALED], False),
        (field_readers.opaque, SEALED[:-4] * 40, [], None),
        (field_readers.opaque, "short", ["short"], False),
        (field_readers.opaque, f"{SEALED} and words", [f"{SEALED} and words"], False),
        (field_readers.sealed, "short", ["short"], False),
        (field_readers.sealed, SEALED, ["Easter eggs are hidden here, truly"], False),
        (field_readers.signature, SEALED, [SEALED, "Easter eggs are hidden here, truly"], False),
        (field_readers.sealed, NOISE, [], None),
        (field_readers.signature, NOISE, [NOISE], False),
        (field_readers.signature, "a-word", ["a-word"], False),
        (field_readers.credential, "Bearer ghp_16C7e42F292c6912E7710c838347Ae178B4a", [], None),
        (
            field_readers.credential,
            "all-that-was-said-in-this-conversation",
            ["all-that-was-said-in-this-conversation"],
            False,
        ),
        (field_readers.credential, f"Bearer {SEALED}", ["Easter eggs are hidden here, truly"], False),
        (field_readers.credential, {"a": "b"}, ["x", "a", "b"], None),
        (field_readers.signature, "two words", ["two words"], False),
    ],
)
def test_each_reader_judges_what_it_does_not_take(reader, value, found, editable) -> None:
    """Structure is let be where it has the form of structure; all else is a text, which may not be editable."""
    tree = read(reader, value)

    assert texts(tree) == found
    assert editable is None or {leaf.editable for leaf in tree.leaves} == {editable}


def test_what_only_the_provider_opens_is_named() -> None:
    """A sealed text is no text here, and coverage says so; an opaque token, which no model reads, is not named."""
    [(entry, _)] = read(field_readers.sealed, SEALED).unchecked

    assert (entry.kind, entry.path) == ("sealed", "/x")
    assert read(field_readers.opaque, SEALED).unchecked == []


def test_a_long_signature_is_named() -> None:
    """What it says in Base64 is judged all the same."""
    tree = read(field_readers.signature, SEALED.rstrip("=") + NOISE * 100)

    assert [entry.kind for entry, _ in tree.unchecked] == ["sealed"]
    assert "Easter" in texts(tree)[0]
    assert read(field_readers.signature, NOISE).unchecked == []


def entry(token: str, *others: str, **more: object) -> dict[str, object]:
    """Return a token with its probability, and others that could have stood there."""
    return {"token": token, "logprob": -1.0, "top_logprobs": [entry(other) for other in others], **more}


@each_case(
    ("value", "found"),
    [
        (None, []),
        ({"content": None, "refusal": None}, []),
        ({"content": [entry("so "), entry("said")]}, []),
        ({"content": [entry("so"), entry("me")]}, ["some"]),
        ([entry("so", "no", "go"), entry(" said", "no")], ["no\ngo"]),
        ({"refusal": [entry("x")]}, ["x"]),
        ([entry("so said", bytes=[*b"so said"])], []),
        ([entry("so said", bytes=[*b"other"])], ["other"]),
        (
            [entry("so said", note="a note")],
            ["note", "a note"],
        ),
        ([entry("so said", bytes="a text")], ["a text"]),
        ([{"token": ["a list"]}], ["a list"]),
        ({"tokens": ["of an", "old form"]}, ["of an", "old form"]),
        ({"a name": []}, ["a name"]),
        ("a text", ["a text"]),
    ],
)
def test_what_tokens_spell_is_judged_unless_it_was(value, found) -> None:
    """Beside the text `so said`: tokens and bytes that spell something else, alternatives, and all that has no such form."""
    tree = ContentTree()
    tree.text("so said", ("text",), PLACE)

    field_readers.spelling(tree, value, ("x",), PLACE)

    assert set(found) <= set(texts(tree)[1:])
    assert found or texts(tree) == ["so said"]
    assert {leaf.path for leaf in tree.leaves[1:]} <= {("x",)}


@each_case("value", [None, [], {}])
def test_nothing_is_not_unseen(value) -> None:
    """A field that is there and holds nothing refers to nothing."""
    assert read(field_readers.unseen("why"), value).unchecked == []


def test_what_is_unseen_is_named_and_judged() -> None:
    """What stands there in its place is judged, what it stands for is not."""
    tree = read(field_readers.unseen("why"), {"id": "file_1"})

    assert texts(tree) == ["id", "file_1"]
    assert [entry.reason for entry, _ in tree.unchecked] == ["why"]


def test_a_refused_field_names_itself() -> None:
    """The client reads which."""
    with pytest.raises(RequestError) as caught:
        read(field_readers.refuse, "x")
    assert (caught.value.code, caught.value.path) == ("unsupported_field", "/x")


@each_case("kind", ["other", None, 7, ["a"]])
def test_a_type_that_no_table_has_is_judged_and_named(kind) -> None:
    """All its strings, each field in coverage, and the whole as a part that nobody reads."""
    reader = field_readers.by_type(
        {"a": field_readers.by_table({"type": field_readers.keep, "text": field_readers.text})}
    )

    tree = read(reader, {"type": kind, "text": "words"})

    assert "words" in texts(tree)
    assert tree.unknown == ["/x/type", "/x/text"]
    assert [entry.kind for entry, _ in tree.unchecked] == ["part"]
    assert read(reader, {"type": "a", "text": "words"}).unknown == []


def test_parts_are_judged_each_and_joined() -> None:
    """Those of a kind, and all of them; what is nested in a part is not joined with the parts."""
    part = field_readers.by_type(
        {
            kind: field_readers.by_table(
                {"type": field_readers.keep, kind: field_readers.text, "content": field_readers.anything}
            )
            for kind in ("text", "thinking")
        }
    )
    content = field_readers.parts(part, {"text": ("text",), "thinking": ("thinking",)})
    value = [
        {"type": "text", "text": "a"},
        {"type": "thinking", "thinking": "b"},
        {"type": "text", "text": "c", "content": "d"},
    ]

    assert texts(read(content, value)) == ["a", "b", "c", "d", "ac", "abc"]
    assert texts(read(content, "plain")) == ["plain"]
    assert texts(read(content, value[0])) == ["a"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_no_reader_of_texts_loses_one(value) -> None:
    """Whatever stands in a field, every string below it is collected."""
    expected = {text for _, text, _ in find_strings(value) if text}

    for reader in (
        field_readers.text,
        field_readers.identifier,
        field_readers.anything,
        field_readers.by_table({}),
        field_readers.by_type({}),
    ):
        assert expected <= set(texts(read(reader, value)))


TOKENS = [{"token": "Go", "logprob": -1.0, "bytes": [*b"Go"]}, {"token": "od", "logprob": -1, "top_logprobs": [{"token": "x"}], "bytes": [*b"od"]}]  # fmt: skip


@each_case(
    ("entries", "text", "spelled"),
    [
        (TOKENS, "Good", True),
        ([{**each, "bytes": None} for each in TOKENS], "Good", True),
        ([], "Good", True),
        (TOKENS, "Goo", False),
        ([{**TOKENS[0], "bytes": [*b"Ba"]}], "Go", False),
        ([{**TOKENS[0], "x_new": "y"}], "Go", False),
        (["Go"], "Go", False),
        ("Go", "Go", False),
        (None, "", False),
    ],
)
def test_tokens_spell_a_text_or_something_else(entries, text, spelled) -> None:
    """By their texts and by their bytes, with nothing beside."""
    assert field_readers.spells(entries, text) is spelled


@each_case(
    ("roles", "turns", "current"),
    [
        ([], 1, 0),
        (["system", "assistant"], 1, 0),
        (["user"], 1, 0),
        (["system", "user", "assistant", "user", "tool"], 2, 3),
    ],
)
def test_the_current_turn_begins_with_the_last_message_of_a_user(roles, turns, current) -> None:
    """What lies before is history; without a user all of it is current."""
    tree = ContentTree()
    field_readers.spoken(tree, roles)
    assert (tree.turns, tree.current_from, tree.roles) == (turns, current, tuple(roles))


FIGURES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(10**7), 10**7), st.floats(), st.integers(99_990, 100_010),
        st.sampled_from(["stop", "zqxbomb", ""]),
    ),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(["total_tokens", "usage", "jo", "cached"]), inner, max_size=3),
        st.lists(inner, max_size=2),
    ),
    max_leaves=8,
)  # fmt: skip


@given(FIGURES)
def test_figures_that_are_told_at_a_glance_hold_nothing(value: object) -> None:
    """What is read of figures is each string, key and long number that is no word of a protocol, however they are told."""
    expected = [found for _, found, _ in find_strings(value, ("x",)) if found and not is_structure(found)]
    assert texts(read(field_readers.figures, value)) == expected


@each_case("reader", sorted(field_readers.NULLABLE, key=repr))
def test_a_table_that_skips_null_misses_nothing(reader: field_readers.Reader) -> None:
    """Readers of fields that are skipped where they are null find nothing in it; others are asked."""
    found = read(reader, None)
    assert (found.leaves, found.unchecked, found.unknown) == ([], [], [])
    asked = read(
        field_readers.by_table({"a": reader, "b": field_readers.refused("why")}), {"a": None, "b": None}
    )
    assert asked.leaves == []
    with pytest.raises(RequestError, match="refused"):
        read(field_readers.by_table({"a": reader, "b": field_readers.refuse}), {"a": None, "b": None})


@each_case("value", ["chat.completion", "zqxbomb", "", "jo@example.com", None, 7, ["stop"]])
def test_a_table_reads_a_field_of_words_as_its_reader_does(value: object) -> None:
    """Whether it is looked at before its path is made, or not."""
    found, asked = read(field_readers.by_table({"a": field_readers.keep}), {"a": value}), ContentTree()
    field_readers.keep(asked, value, ("x", "a"), PLACE)
    assert found == asked
