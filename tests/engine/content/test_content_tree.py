"""Leaves of bodies, and what they stand beside."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Stage, Text
from guardrails.engine.content.content_tree import ContentTree, Leaf, resolve_span
from guardrails.types import Place
from tests.cases import each_case

PLACE = Place(Stage.INPUT, role="user", message=0)


def found(tree: ContentTree) -> list[tuple[str, str, bool]]:
    """Return path, text and editable of each leaf."""
    return [
        (leaf.content.place.path, leaf.content.text, leaf.editable)
        for leaf in tree.leaves
        if isinstance(leaf.content, Text)
    ]


def test_leaves_of_a_json_text_are_decoded() -> None:
    """Arguments are judged as the tool reads them: escapes decoded, names of fields too, each with its
    pointer.
    """
    tree = ContentTree()
    tree.json_text(r'{"cm\u0064": "\u0066oo", "n": 4111111111111111, "e": ""}', ("args",), PLACE)
    assert found(tree) == [
        ("/args/cmd", "cmd", False),
        ("/args/cmd", "foo", True),
        ("/args/n", "n", False),
        ("/args/n", "4111111111111111", True),
        ("/args/e", "e", False),
        ("/args/n", "n: 4111111111111111", False),
    ]
    assert [leaf.inner for leaf in tree.leaves][:2] == [("cmd",), ("cmd",)]


@each_case(
    ("raw", "judged"),
    [
        ("plain words", ["plain words"]),
        (r'{"a": "\nfoo"', [r'{"a": "\nfoo"', '{"a": "\nfoo"']),
        (r'{"a": "f\u006fo", "a": 1}', [r'{"a": "f\u006fo", "a": 1}', '{"a": "foo", "a": 1}']),
        (r'"\ud835\udc1a', [r'"\ud835\udc1a', '"\U0001d41a']),
        (r'"a\/b\"c\\d', [r'"a\/b\"c\\d', r'"a/b"c\d']),
    ],
)
def test_a_text_that_is_no_sound_json_is_judged_raw_and_unescaped(raw: str, judged: list[str]) -> None:
    """Half a JSON text is judged as it stands and as a lenient parser would read it; neither can be edited."""
    tree = ContentTree()
    tree.json_text(raw, ("args",), PLACE)
    assert found(tree)[: len(judged)] == [("/args", text, False) for text in judged]


def test_a_text_that_is_no_sound_json_is_judged_literal_by_literal() -> None:
    """Each literal is a text of its own, and what stands behind its key is read with it."""
    tree = ContentTree()
    tree.json_text(
        '{"ssn": "219456789", "say": "It is a l\\u006fng way, my friend.", "cut": "ha', ("args",), PLACE
    )
    texts = [text for _, text, _ in found(tree)]
    assert {"219456789", "It is a long way, my friend.", "ha", "ssn: 219456789"} <= {*texts}
    assert not any(editable for *_, editable in found(tree))


def test_literals_of_unsound_json_are_bounded() -> None:
    """What is beyond the bound is said to be unchecked."""
    tree = ContentTree()
    tree.json_text("[" + '"a",' * 5_000, ("args",), PLACE)
    assert [unchecked.kind for unchecked, _ in tree.unchecked] == ["limit"]


@each_case("text", ["data:image/png;base64,AAAA", "iVBORw0KGgo" + "A" * 60, "/9j/" + "A" * 60])
def test_a_picture_in_an_unknown_field_is_named(text: str) -> None:
    """Nobody looks at it there, however it is written."""
    tree = ContentTree()
    tree.unknown_field({"k": [text, "iVBORw0KGgo"]}, ("odd",), PLACE)
    assert [(entry.kind, entry.path) for entry, _ in tree.unchecked] == [("part", "/odd/k/0")]


def test_unknown_fields_are_named_and_judged_with_their_name() -> None:
    """A field outside the table is listed, and neither its name nor what it holds goes unread."""
    tree = ContentTree()
    tree.unknown_field({"k": ["v"]}, ("body", "odd"), PLACE)
    assert tree.unknown == ["/body/odd"]
    assert [text for _, text, _ in found(tree)] == ["odd", "k", "v"]


def test_joining_needs_two_leaves_and_remembers_where_each_begins() -> None:
    """Parts are put together without a separator; one part alone is not judged twice."""
    tree = ContentTree()
    for index, text in enumerate(["ab", "cd", "e"]):
        tree.text(text, (index,), PLACE)
    tree.join([0], (), PLACE)
    assert len(tree.leaves) == 3
    tree.join([0, 1, 2], ("content",), PLACE)
    assert tree.leaves[3].pieces == ((0, 0), (1, 2), (2, 4))
    assert found(tree)[3] == ("/content", "abcde", True)


def test_turns_are_joined_by_role_and_stage() -> None:
    """Words split over messages of one voice meet in one text; a tool call's arguments are another stage."""
    tree = ContentTree()
    assistant = Place(Stage.OUTPUT, role="assistant", message=1)
    tree.text("for", (0, "content"), Place(Stage.INPUT, role="user", message=0))
    tree.text("said", (1, "content"), assistant)
    tree.text("arg", (1, "tool"), Place(Stage.TOOL_CALL, role="assistant", message=1))
    tree.text("id", (1, "id"), assistant, editable=False)
    tree.text("bidden", (2, "content"), Place(Stage.INPUT, role="user", message=2))
    tree.join_turns()
    joined = [leaf for leaf in tree.leaves if leaf.pieces]
    assert [(leaf.content, leaf.across) for leaf in joined] == [
        (Text("forbidden", Place(Stage.INPUT, role="user"), {"borders": "3"}), True)
    ]


def test_borders_are_those_of_messages() -> None:
    """Parts of one message are none; what is decoded of a joined text has offsets of its own."""
    tree = ContentTree()
    for message, text in enumerate(["ab", "cd", "SGVsbG8gd29y", "bGQsIHRoaXMgaXMgYSB0ZXN0"]):
        tree.text(text, (message,), Place(Stage.INPUT, role="user", message=message // 2))
    tree.join_turns()
    [joined] = [leaf for leaf in tree.leaves if leaf.across]
    assert joined.content.context == {"borders": "4"}
    tree.decode(2, 10, 1_000, but=range(4))
    assert [leaf.content.context for leaf in tree.leaves if leaf.across][1:] == [None]


@given(st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=6), st.data())
def test_stretches_of_a_joined_text_cover_the_span_exactly(parts: list[str], data: st.DataObject) -> None:
    """What a span of a joined text covers in its parts, put together, is the span's text."""
    tree = ContentTree()
    for index, text in enumerate(parts):
        tree.text(text, (index,), PLACE)
    tree.join(list(range(len(parts))), (), PLACE)
    joined = "".join(parts)
    start = data.draw(st.integers(0, len(joined) - 1))
    end = data.draw(st.integers(start + 1, len(joined)))
    covered = list(resolve_span(tree.leaves, len(parts), (start, end)))
    assert "".join(parts[leaf][low:high] for leaf, low, high in covered) == joined[start:end]
    assert all(low < high for _, low, high in covered)


def test_stretches_of_a_plain_leaf_are_its_own() -> None:
    """A leaf that is no join stands for itself."""
    assert list(resolve_span([Leaf(Text("abc"))], 0, (1, 2))) == [(0, 1, 2)]


USER = Place(Stage.INPUT, role="user")
REPLY = Place(Stage.OUTPUT, role="assistant")


def test_a_prompt_is_what_the_user_said_last() -> None:
    """All parts of the last message of the user; all that stands outside of messages; nothing without either."""
    tree = ContentTree()
    assert tree.prompt() == ""
    tree.text("be kind", (0,), Place(Stage.INPUT, role="system", message=0))
    tree.text("hello", (1,), replace(USER, message=1))
    tree.text("so", (3, 0), replace(USER, message=3))
    tree.text("what?", (3, 1), replace(USER, message=3))
    tree.text("odd", (3, "name"), replace(USER, message=3), editable=False)
    tree.join([2, 3], (3,), replace(USER, message=3))
    assert tree.prompt() == "so\nwhat?"
    bare = ContentTree()
    bare.text("one", (0,), Place(Stage.INPUT))
    bare.text("two", (1,), Place(Stage.INPUT))
    assert bare.prompt() == "one\ntwo"


def test_a_reply_stands_beside_the_message_before_it() -> None:
    """Where there is none among the leaves it is what the caller says, or said before; `""` where nobody knows."""
    tree = ContentTree()
    tree.text("hi", (0,), replace(REPLY, message=0))
    tree.text("one", (1,), replace(USER, message=1))
    tree.text("first", (2,), replace(REPLY, message=2))
    tree.text("call", (2, "call"), Place(Stage.TOOL_CALL, message=2))
    tree.text("two", (3,), replace(USER, message=3))
    tree.text("second", (4,), replace(REPLY, message=4))

    def contexts() -> list[object]:
        return [leaf.content.context for leaf in tree.leaves]

    tree.beside("")
    prompts: list[object] = [{"prompt": ""}, None, {"prompt": "one"}, None, None, {"prompt": "two"}]
    assert contexts() == prompts
    tree.beside("kind", "asked")
    tree.beside("")
    system = {"system": "kind"}
    assert contexts() == [
        {**system, "prompt": "asked"},
        None,
        {**system, "prompt": "one"},
        system,
        None,
        {**system, "prompt": "two"},
    ]
    tree.join([2, 5], (), REPLY)
    assert tree.leaves[-1].content.context == {**system, "prompt": "two"}


def test_a_reply_stands_beside_what_was_retrieved_before_it() -> None:
    """Results of tools and passages, in order, behind what the caller gives; not what comes later, nor for other texts."""
    tree = ContentTree()
    tree.text("one", (0,), replace(USER, message=0))
    tree.text("found", (1,), Place(Stage.TOOL_RESULT, role="tool", message=1))
    tree.text("read", (2,), Place(Stage.RETRIEVAL, message=2))
    tree.text("so", (3,), replace(REPLY, message=3))
    tree.text("later", (4,), Place(Stage.TOOL_RESULT, role="tool", message=4))
    tree.text("then", (5,), replace(REPLY, message=5))
    assert tree.sources() == "found\n\nread\n\nlater"
    assert (
        tree.conversation() == (tree.system(), tree.prompt(), tree.sources()) == ("", "one", tree.sources())
    )
    tree.beside("", sources="given")
    sources = [(leaf.content.context or {}).get("sources") for leaf in tree.leaves]
    assert sources == [
        *(None, None, None, "given\n\nfound\n\nread", None),
        "given\n\nfound\n\nread\n\nlater",
    ]


@each_case(
    ("value", "where"),
    [("data:image/png;base64,AAAA", ["/f"]), ({"a": ["x", "DATA:image/svg+xml,<svg/>"]}, ["/f/a/1"]), ("see data:image/png", []), (1, [])],
)  # fmt: skip
def test_a_picture_in_a_field_that_is_not_known_is_named(value, where) -> None:
    """Its text is judged, as that of any such field, but nobody looks at it."""
    tree = ContentTree()
    tree.unknown_field(value, ("f",), Place())
    assert [(entry.kind, entry.path) for entry, _ in tree.unchecked] == [("part", path) for path in where]
    assert tree.unknown == ["/f"]


@given(st.lists(st.sampled_from(["user", "assistant", "tool"]), max_size=12))
def test_each_reply_stands_beside_the_user_s_message_before_it(roles: list[str]) -> None:
    """However many turns there are."""
    tree = ContentTree(roles=tuple(roles))
    stages = {"user": Stage.INPUT, "assistant": Stage.OUTPUT, "tool": Stage.TOOL_RESULT}
    for turn, role in enumerate(roles):
        tree.text(f"{role} {turn}", (turn,), Place(stages[role], role=role, message=turn))
    tree.beside("", "the prompt of before")
    for turn, leaf in enumerate(tree.leaves):
        if roles[turn] == "assistant":
            before = [place for place in range(turn) if roles[place] == "user"]
            assert leaf.content.context is not None
            assert leaf.content.context["prompt"] == (
                f"user {before[-1]}" if before else "the prompt of before"
            )
