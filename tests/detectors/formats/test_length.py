"""The `length` detector: texts outside their limits, and those just inside."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing

from guardrails import Action, Guard
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.formats.length import KIND, LengthConfig, LengthDetector
from guardrails.types import Image, Text
from tests.cases import each_case


def build(folder: Path = Path(), **fields: object) -> LengthDetector:
    """Return a detector of this configuration; its files are in `folder`."""
    detector = KIND.build("l", LengthConfig.model_validate({"use": "length", **fields}), PolicyFolder(folder))
    assert isinstance(detector, LengthDetector)
    return detector


def outside(text: str, **fields: object) -> bool:
    """Say whether a text is found."""
    return bool(build(**fields).detect([Text(text)])[0].findings)


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `t.json`: byte-level tokens, `ab` and `abab` merged, cut at 3 and filled up to 3 as models want it."""
    vocabulary = {char: at for at, char in enumerate(sorted(ByteLevel.alphabet()))}
    vocabulary |= {"ab": 256, "abab": 257, "<s>": 258}
    tokenizer = Tokenizer(BPE(vocabulary, [("a", "b"), ("ab", "ab")]))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 258)])
    tokenizer.enable_truncation(3)
    tokenizer.enable_padding(length=3)
    folder = tmp_path_factory.mktemp("tokenizer")
    tokenizer.save(str(folder / "t.json"))
    return folder


@each_case(
    ("most", "text", "expected"),
    [
        (1, "abab", False),
        (1, "ababab", True),
        (2, "ababab", False),
        (3, "ab ab", False),
        (2, "ab ab", True),
        (2, "é", False),
        (1, "é", True),
        (1, "", False),
        (2, "\ud800", True),
        (1000, "abx" * 501, True),
        (1002, "abx" * 501, False),
    ],
)
def test_tokens_are_those_of_the_tokenizer(
    tokenizer_folder: Path, most: int, text: str, expected: bool
) -> None:
    """Whatever the file says of truncation and padding; tokens that a template adds are not counted."""
    detector = build(tokenizer_folder, max_tokens=most, tokenizer="t.json")
    assert bool(detector.detect([Text(text)])[0].findings) is expected


def test_counting_tokens_is_no_work_for_the_callers_thread(tokenizer_folder: Path) -> None:
    """With a tokenizer the detector runs on the pool; the file counts for the digest."""
    config = LengthConfig.model_validate({"use": "length", "max_tokens": 3, "tokenizer": "t.json"})
    assert not bind("l", KIND, config, PolicyFolder(tokenizer_folder)).inline
    plain = LengthConfig.model_validate({"use": "length", "max_characters": 3})
    assert bind("l", KIND, plain, PolicyFolder(tokenizer_folder)).inline


@each_case(
    ("fields", "text", "expected"),
    [
        ({"max_characters": 3}, "abc", False),
        ({"max_characters": 3}, "abcd", True),
        ({"max_characters": 1}, "\U0001f600", False),
        ({"max_words": 2}, " one two ", False),
        ({"max_words": 2}, "one two three", True),
        ({"max_words": 2}, "a b c", True),
        ({"max_words": 2}, "a\u3000b   \n\n   ", False),
        ({"max_lines": 2}, "a\nb\n", False),
        ({"max_lines": 2}, "a\r\nb\r\n", False),
        ({"max_lines": 2}, "a\nb\nc", True),
        ({"max_lines": 2}, "\r\r\r", True),
        ({"max_lines": 1}, "ab\u2028cd", False),
        ({"min_characters": 2}, "a", True),
        ({"min_characters": 2}, " a\n ", True),
        ({"min_characters": 2}, "ab", False),
        ({"min_characters": 1}, "", True),
        ({"min_characters": 3, "max_words": 1}, "a      \n", True),
        ({"min_characters": 3, "max_characters": 3}, "abc", False),
    ],
)
def test_limits_hold_to_the_character(fields: dict[str, object], text: str, expected: bool) -> None:
    """One more than the limit is found, the limit itself is not."""
    assert outside(text, **fields) is expected


def test_a_finding_is_of_the_whole_text() -> None:
    """Score 1, no span, once however many limits are passed; contents without text are clean."""
    [clean, answer] = build(max_characters=1, max_words=1).detect([Image(b"a"), Text("a b c")])
    assert not clean.findings
    assert [(each.category, each.score, each.detector, each.span) for each in answer.findings] == [
        ("custom.length", 1.0, "l", None)
    ]
    assert not KIND.spans
    config = LengthConfig.model_validate({"use": "length", "category": "custom.x"})
    assert KIND.categories("l", config) == {"custom.x"}


@each_case(
    ("fields", "expected"),
    [
        ({}, [("no_limit", ())]),
        ({"category": "x"}, [("no_limit", ()), ("unknown_category", ("category",))]),
        ({"max_characters": 2, "min_characters": 3}, [("limits_cross", ("min_characters",))]),
        ({"max_tokens": 5}, [("no_tokenizer", ("max_tokens",))]),
        ({"max_tokens": 5, "tokenizer": "none.json"}, [("unreadable_file", ("tokenizer",))]),
        ({"max_tokens": 5, "tokenizer": "wrong.json"}, [("invalid_tokenizer", ("tokenizer",))]),
        ({"tokenizer": "t.json"}, [("no_limit", ("tokenizer",))]),
    ],
)
def test_every_problem_has_its_place(
    tokenizer_folder: Path, fields: dict[str, object], expected: list[object]
) -> None:
    """All problems come at once, each with the path to its value and a cure."""
    (tokenizer_folder / "wrong.json").write_text('{"model": "?"}')
    with pytest.raises(ConfigProblems) as caught:
        build(tokenizer_folder, **fields)
    assert [(each.code, each.path) for each in caught.value.problems] == expected
    assert all(each.hint for each in caught.value.problems)


@given(st.text(alphabet=st.one_of(st.sampled_from("a \n\r\u3000"), st.characters())), st.integers(1, 12))
def test_limits_agree_with_counting(text: str, limit: int) -> None:
    """For any text the answer is that of counting all of it."""
    assert outside(text, max_characters=limit) is (len(text) > limit)
    assert outside(text, max_words=limit) is (len(text.split()) > limit)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").count("\n") + 1
    assert outside(text, max_lines=limit) is (lines > limit)
    assert outside(text, min_characters=limit) is (len(text.strip()) < limit)


def test_a_policy_stops_long_texts(tmp_path: Path) -> None:
    """From YAML to verdict."""
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: p\nversion: '1'\ndetectors:\n  size: {use: length, max_words: 3}\n"
        "rules:\n  - {id: r, on: input, when: custom.length > 0, then: block}\n"
    )
    guard = Guard.load(tmp_path / "p.yaml")
    assert guard.check("one two three four").action is Action.BLOCK
    assert guard.check("one two three").action is Action.ALLOW
