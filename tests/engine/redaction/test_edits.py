"""Edits: spans in, new texts out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Finding, Guard, Image, Text
from guardrails.engine.content.content_tree import Leaf
from guardrails.engine.model import RuleMatch, Span
from guardrails.engine.redaction.edits import (
    build_redactions,
    changes,
    replace_spans,
    spans,
)
from guardrails.engine.redaction.replacements import mask
from guardrails.engine.redaction.vault import Vault
from guardrails.policy.compile import Rule
from guardrails.policy.redactions import REDACTIONS, FoundValue
from guardrails.types import Place, Stage
from tests.cases import each_case


@pytest.fixture(scope="module")
def rules(guard_of: Callable[..., Guard]) -> tuple[Rule, Rule, Rule]:
    """Three redact rules: the first in the file, a mask after it, and a grave one at the end."""
    guard = guard_of("""
detectors:
  words: {use: terms, terms: [x], category: custom.word}
rules:
  - {id: first, on: input, when: custom.word > 0, then: redact}
  - {id: masks, on: input, when: custom.word > 0, then: redact, with: mask}
  - {id: grave, on: input, when: custom.word > 0, then: redact, severity: critical}
""")
    first, masks, grave = guard.policy.rules
    return first, masks, grave


def found(text: str, category: str = "pii.email", rest: str = "", **more: Any) -> FoundValue:
    """Return something to replace."""
    given = {"place": Place(Stage.INPUT), "locale": "en_US", "handed_out": Vault(), **more}
    return FoundValue(category, text, text + rest, **given)


def new_text(text: str, wanted: list[Span]) -> str:
    """Return a text with spans replaced."""
    return replace_spans(text, changes(Text(text), wanted, Vault()))


@each_case(
    ("name", "form"),
    [
        ("placeholder", r"\[EMAIL\]"),
        ("mask", r"\*{14}"),
        ("hash", r"\[EMAIL:[0-9a-f]{12}\]"),
        ("fake", r"[a-z0-9]+@example\.(com|net|org)"),
        ("vault", r"\[EMAIL_1\]"),
    ],
)
def test_each_redaction_has_its_form(name: str, form: str) -> None:
    """Nothing of the value is in it; the same value has the same replacement."""
    vault = Vault()
    redaction = REDACTIONS.find(name)
    assert redaction is not None
    new = redaction.replace(found("jo@example.com", handed_out=vault))
    assert re.fullmatch(form, new)
    assert "jo@" not in new
    assert redaction.replace(found("jo@example.com", handed_out=vault)) == new


@given(st.text())
def test_a_mask_hides_every_character_but_white_space(text: str) -> None:
    """Lines and words stay where they are; nothing else can be read."""
    masked = mask(found(text))
    assert len(masked) == len(text)
    assert all(new == (old if old.isspace() else "*") for old, new in zip(text, masked, strict=True))


intervals = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=8)


@given(st.text("abc ", min_size=37, max_size=37), intervals)
def test_only_the_spans_change(rules: tuple[Rule, ...], text: str, chosen: list[tuple[int, int]]) -> None:
    """Characters outside the spans stay as they were, and nothing of what was inside remains."""
    some = [Span(a, a + n, rules[0], Finding("custom.word", 1.0, "d", (a, a + n))) for a, n in chosen]
    inside = {index for span in some for index in range(span.start, span.end)}
    expected = ""
    for index, char in enumerate(text):
        if index not in inside:
            expected += char
        elif index - 1 not in inside or (
            any(span.start == index for span in some)
            and not any(span.start < index < span.end for span in some)
        ):
            expected += "[WORD]"
    assert new_text(text, some) == expected


def test_overlapping_spans_are_replaced_once_by_the_first_rule(rules: tuple[Rule, ...]) -> None:
    """The graver rule comes first, then the place in the file; spans that only touch stay two."""
    first, masks, grave = rules

    def span(start: int, end: int, rule: Rule, category: str) -> Span:
        return Span(start, end, rule, Finding(category, 1.0, "d", (start, end)))

    text = "0123456789"
    assert new_text(text, [span(2, 5, masks, "pii.a"), span(4, 7, first, "pii.b")]) == "01[B]789"
    assert new_text(text, [span(2, 5, grave, "pii.a"), span(4, 9, first, "pii.b")]) == "01[A]9"
    assert new_text(text, [span(2, 9, first, "pii.long"), span(3, 4, first, "pii.short")]) == "01[LONG]9"
    assert new_text(text, [span(2, 4, first, "pii.a"), span(4, 6, first, "pii.b")]) == "01[A][B]6789"
    assert new_text(text, [span(2, 6, masks, "pii.a"), span(4, 8, masks, "pii.b")]) == "01******89"


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1), st.data())
def test_a_finding_in_a_joined_text_leaves_no_piece_in_any_part(
    rules: tuple[Rule, ...], before: str, value: str, after: str, data: st.DataObject
) -> None:
    """However the whole is cut, the parts together are what the whole would be with its one placeholder."""
    whole = before + value + after
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1), min_size=1, max_size=4)))
    parts = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    starts = [0, *cuts]
    leaves = [Leaf(Text(part), (index,)) for index, part in enumerate(parts)]
    leaves.append(Leaf(Text(whole), pieces=tuple(enumerate(starts))))
    finding = Finding("custom.word", 1.0, "d", (len(before), len(before) + len(value)))
    fired = RuleMatch(rules[0], Action.REDACT, "matched", (len(parts),), replace=((len(parts), finding),))
    made = build_redactions(leaves, [fired])
    assert made.blocks == []
    assert (
        "".join(made.texts.get(index, part) for index, part in enumerate(parts)) == f"{before}[WORD]{after}"
    )


@each_case("leaf", [Leaf(Text("abcdef"), editable=False), Leaf(Image(b"abcdef"))])
def test_what_must_not_be_changed_is_blocked(rules: tuple[Rule, ...], leaf: Leaf) -> None:
    """A redaction in an identifier, or in what is no text, becomes a block by the same rules."""
    finding = Finding("custom.word", 1.0, "d", (1, 3))
    fired = [RuleMatch(rule, Action.REDACT, "matched", (0,), replace=((0, finding),)) for rule in rules[:2]]
    made = build_redactions([leaf], fired)
    assert made.texts == {}
    assert [(each.rule.id, each.action, each.reason) for each in made.blocks] == [
        ("first", Action.BLOCK, "unsafe_edit"),
        ("masks", Action.BLOCK, "unsafe_edit"),
    ]


def test_spans_are_grouped_by_leaf(rules: tuple[Rule, ...]) -> None:
    """Each leaf gets its own stretches, in its own offsets."""
    leaves = [Leaf(Text("abc")), Leaf(Text("def")), Leaf(Text("abcdef"), pieces=((0, 0), (1, 3)))]
    finding = Finding("custom.word", 1.0, "d", (2, 5))
    some = spans(leaves, [RuleMatch(rules[0], Action.REDACT, "matched", (2,), replace=((2, finding),))])
    assert {leaf: [(s.start, s.end, s.leads, s.rest) for s in each] for leaf, each in some.items()} == {
        0: [(2, 3, True, "de")],
        1: [(0, 2, False, "")],
    }


VAULT = """
detectors:
  pii: {use: pii, entities: [email, phone, credit_card]}
  words: {use: patterns, patterns: [{pattern: 'w[0-9]+', category: custom.word}]}
rules:
  - {id: keep, on: [input, output, tool_result], when: pii > 0 || custom.word > 0, then: redact, with: vault}
"""


@pytest.fixture(scope="module")
def vault_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that numbers addresses, phones, cards and the words `w1`, `w2`, ..."""
    return guard_of(VAULT)


def contents_of(messages: Any) -> list[Any]:
    """Return the contents of messages."""
    return [message["content"] for message in messages]


def contents(verdict: Any) -> list[Any]:
    """Return the contents of the messages that a verdict leaves."""
    return contents_of(verdict.content)


def chat(*texts: str) -> list[dict[str, Any]]:
    """Return a conversation in which a user and an assistant take turns."""
    return [
        {"role": "assistant" if index % 2 else "user", "content": text} for index, text in enumerate(texts)
    ]


def test_numbers_follow_the_first_appearance_in_the_conversation(vault_guard: Guard) -> None:
    """Each kind counts for itself; the same value, however written, has one number in all messages and parts."""
    messages = [
        {"role": "user", "content": "b@x.org and a@x.org, card 4111 1111 1111 1111"},
        {"role": "assistant", "content": "So A@X.org it is."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "c@x.org"}, {"type": "text", "text": " B@x.org"}],
        },
    ]
    verdict = vault_guard.check(messages)
    assert contents(verdict) == [
        "[EMAIL_1] and [EMAIL_2], card [CREDIT_CARD_1]",
        "So [EMAIL_2] it is.",
        [{"type": "text", "text": "[EMAIL_3]"}, {"type": "text", "text": " [EMAIL_1]"}],
    ]
    assert verdict.vault == {
        "[EMAIL_1]": "b@x.org",
        "[EMAIL_2]": "a@x.org",
        "[EMAIL_3]": "c@x.org",
        "[CREDIT_CARD_1]": "4111 1111 1111 1111",
    }


def test_message_order_counts_not_the_order_of_fields(vault_guard: Guard) -> None:
    """What stands outside the messages comes first, wherever its field is written, so that new turns change nothing."""
    request = {
        "model": "m",
        "messages": [{"role": "user", "content": "a@x.org"}],
        "documents": ["see a@x.org"],
        "user": "z@x.org",
    }
    changed: Any = vault_guard.check(request).content
    assert (changed["user"], changed["messages"][0]["content"]) == ("[EMAIL_1]", "[EMAIL_2]")


@each_case("stage", ["retrieval", "tool_call", "tool_definition"])
def test_only_the_users_own_values_come_back(vault_guard: Guard, stage: str) -> None:
    """What a system prompt, a tool, an assistant's turn or a document says has a number and no way back."""
    messages = [
        {"role": "system", "content": "You are s@x.org."},
        {"role": "user", "content": "I am u@x.org."},
        {"role": "assistant", "content": "And a@x.org?"},
        {"role": "tool", "tool_call_id": "c1", "content": "t@x.org, s@x.org"},
        {"role": "user", "content": "Now s@x.org too."},
    ]
    verdict = vault_guard.check(messages[:4])
    assert contents(verdict)[3] == "[EMAIL_4], [EMAIL_1]"
    assert verdict.vault == {"[EMAIL_2]": "u@x.org"}
    assert vault_guard.check(messages).vault == {"[EMAIL_2]": "u@x.org", "[EMAIL_1]": "s@x.org"}
    assert vault_guard.check("a@x.org", stage=stage).vault == {}


def test_a_value_that_is_split_over_parts_comes_back_whole(vault_guard: Guard) -> None:
    """Its placeholder stands in the first part and stands for all of it."""
    parts = [{"type": "text", "text": "I am jo@exam"}, {"type": "text", "text": "ple.com now"}]
    verdict = vault_guard.check([{"role": "user", "content": parts}])
    [new] = contents(verdict)
    assert [part["text"] for part in new] == ["I am [EMAIL_1]", " now"]
    assert verdict.vault == {"[EMAIL_1]": "jo@example.com"}


@each_case(
    ("turns", "forwarded"),
    [
        # Typed by a user: written otherwise, before and after the value.
        (["[EMAIL_1]? a@x.org"], ["[EMAIL-1]? [EMAIL_1]"]),
        (["a@x.org", "ok", "is [EMAIL_1] ok"], ["[EMAIL_1]", "ok", "is [EMAIL-1] ok"]),
        # None of ours: nothing is changed.
        (["a@x.org [EMAIL_2] [PHONE_1] x[ROW_1]"], ["[EMAIL_1] [EMAIL_2] [PHONE_1] x[ROW_1]"]),
        # Written by the model: its own number, or one that is never given.
        (["a@x.org", "https://x.org/[EMAIL_1]"], ["[EMAIL_1]", "https://x.org/[EMAIL_1]"]),
        (["hi", "[EMAIL_1]", "a@x.org"], ["hi", "[EMAIL_1]", "[EMAIL_2]"]),
        (["a@x.org", "[EMAIL_2]", "b@x.org"], ["[EMAIL_1]", "[EMAIL_2]", "[EMAIL_3]"]),
        # A value that looks like a placeholder in part.
        (["[EMAIL_w1] w1"], ["[EMAIL_[WORD_1]] [WORD_1]"]),
    ],
)
def test_a_literal_placeholder_is_not_taken_for_a_real_one(
    vault_guard: Guard, turns: list[str], forwarded: list[str]
) -> None:
    """Whoever wrote it, each placeholder that a model reads stands for one value or for none."""
    assert contents(vault_guard.check(chat(*turns))) == forwarded


def test_a_literal_placeholder_over_two_parts_or_in_an_identifier_is_none(vault_guard: Guard) -> None:
    """Parts are read as one text; where nothing can be edited, the number is not given."""
    parts = [{"type": "text", "text": "a@x.org [EMA"}, {"type": "text", "text": "IL_1] b"}]
    [new] = contents(vault_guard.check([{"role": "user", "content": parts}]))
    assert [part["text"] for part in new] == ["[EMAIL_1] [EMAIL-1]", " b"]
    named = [{"role": "user", "name": "[EMAIL_1]", "content": "a@x.org"}]
    assert contents(vault_guard.check(named)) == ["[EMAIL_2]"]


def test_what_the_operator_says_of_placeholders_stays(vault_guard: Guard) -> None:
    """A system prompt and a tool's definition show the form; the numbers in them are nobody's."""
    tool = {"type": "function", "function": {"name": "f", "description": "Takes [EMAIL_1]."}}
    request = {
        "messages": [
            {"role": "user", "content": "a@x.org"},
            {"role": "system", "content": "Keep [EMAIL_2] so."},
        ],
        "tools": [tool],
    }
    changed: Any = vault_guard.check(request).content
    assert contents_of(changed["messages"]) == ["[EMAIL_3]", "Keep [EMAIL_2] so."]
    assert changed["tools"] == [tool]


words = st.sampled_from(
    [
        "w1",
        "w2",
        "w11",
        "a@x.org",
        "A@x.org",
        "[WORD_1]",
        "[WORD_11]",
        "[WORD-1]",
        "[EMAIL_2]",
        "see",
        "[",
        "_1]",
        "(",
        ")",
    ]
)
sayings = st.lists(words, min_size=1, max_size=12).map(" ".join)


@given(st.lists(sayings, min_size=1, max_size=5))
def test_numbers_stay_when_more_turns_follow(vault_guard: Guard, texts: list[str]) -> None:
    """The same conversation gets the same numbers when it is sent again with what came after."""
    whole = vault_guard.check(chat(*texts))
    for end in range(1, len(texts)):
        first = vault_guard.check(chat(*texts[:end]))
        assert first.vault.items() <= whole.vault.items()


@given(st.lists(sayings, min_size=1, max_size=4))
def test_a_model_that_repeats_what_it_read_gives_the_user_their_words(
    vault_guard: Guard, texts: list[str]
) -> None:
    """All of a user's text comes back; a literal placeholder as it is, or with its hyphen, and never as a value."""
    messages = [{"role": "user", "content": text.replace("A@x", "a@x")} for text in texts]
    verdict = vault_guard.check(messages)
    for message, forwarded in zip(messages, contents(verdict), strict=True):
        assert spelled(verdict.restore(forwarded)) == spelled(message["content"])
        assert not re.search(r"\b(w\d+|a@x)", forwarded)


def test_a_reply_goes_on_from_the_numbers_of_its_prompt(vault_guard: Guard) -> None:
    """What is new in it has a new number and stays hidden; the user's own value has its number, and comes back."""
    prompt = vault_guard.check("I am a@x.org")
    reply = vault_guard.check(
        "[EMAIL_1] or A@x.org, not n@x.org nor [EMAIL_3], m@x.org", "output", after=prompt
    )
    assert reply.content == "[EMAIL_1] or [EMAIL_1], not [EMAIL_2] nor [EMAIL_3], [EMAIL_4]"
    assert reply.restore(str(reply.content)) == "a@x.org or a@x.org, not [EMAIL_2] nor [EMAIL_3], [EMAIL_4]"
    assert prompt.vault == {"[EMAIL_1]": "a@x.org"}


def test_overlapping_findings_have_one_number_for_all_that_they_cover(vault_guard: Guard) -> None:
    """The value is the whole stretch, so that it comes back whole."""
    verdict = vault_guard.check("w123@x.org")
    assert (verdict.content, verdict.vault) == ("[EMAIL_1]", {"[EMAIL_1]": "w123@x.org"})


bits = st.lists(
    st.sampled_from(
        ["w1", "w2", "w11", "[WORD_1]", "[WORD", "_1]", "[WORD_", "[", "]", ")", "1", " ", "-2", "\n"]
    ),
    max_size=12,
)


@given(st.lists(st.lists(bits.map("".join), min_size=1, max_size=3), min_size=1, max_size=3))
def test_parts_that_are_read_as_one_text_come_back_as_one(
    vault_guard: Guard, messages: list[list[str]]
) -> None:
    """Wherever a value or a literal placeholder is cut in two, the user's words return, the literals with hyphens."""
    given_: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": part} for part in parts]} for parts in messages
    ]
    verdict = vault_guard.check(given_)
    for parts, forwarded in zip(messages, contents(verdict), strict=True):
        read = "".join(part["text"] for part in forwarded)
        assert not re.search(r"w\d", read)
        assert spelled(verdict.restore(read)) == spelled("".join(parts))


def spelled(text: str) -> str:
    """Return a text with all that looks like a placeholder of these tests written with a hyphen."""
    return re.sub(r"\[(WORD|EMAIL)_(\d+)\]", r"[\1-\2]", text)


def test_each_change_says_what_it_replaces(rules: tuple[Rule, Rule, Rule]) -> None:
    """The spans that share it, by rule and finding; none where it only tells something apart."""
    first, masks, _ = rules
    one, two = Finding("custom.word", 1.0, "words", (0, 3)), Finding("custom.word", 1.0, "words", (2, 5))
    leaves = [Leaf(Text("abcdefgh"))]
    fired = [
        RuleMatch(rule, Action.REDACT, "matched", (0,), (), ((0, finding),))
        for rule, finding in ((first, one), (masks, two))
    ]
    made = build_redactions(leaves, fired)
    [change] = made.changes[0]
    assert made.texts[0] == change.new + "fgh"
    assert [(span.rule.id, span.finding) for span in change.spans] == [("first", one), ("masks", two)]
    assert build_redactions(leaves, ()).changes == {}


@each_case(
    ("text", "left"),
    [
        ('{"card": 4111111111111111, "n": 1}', '{"card": "[CREDIT_CARD]", "n": 1}'),
        ('{"card" : [4111111111111111, 5500000000000004]}', '{"card" : ["[CREDIT_CARD]", "[CREDIT_CARD]"]}'),
        ('{"card": "4111111111111111"}', '{"card": "[CREDIT_CARD]"}'),
        (r'{"say": "a \"card\": 4111111111111111"}', r'{"say": "a \"card\": [CREDIT_CARD]"}'),
        ('{"say": "a card: 4111111111111111"}', '{"say": "a card: [CREDIT_CARD]"}'),
    ],
)
def test_a_number_in_json_becomes_a_string(text: str, left: str) -> None:
    """However the text is cut where it streams: what was JSON is JSON."""
    guard = Guard.load("pii-only")
    assert guard.check(text, stage="output").content == left
    assert json.loads(left)
    for size in (1, 2, 7, 30):
        stream = guard.stream(stage="output")
        pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert "".join([*pieces, stream.flush()]) == left
