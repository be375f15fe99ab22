# ruff: noqa: RUF001 - characters that look alike are what is tested
"""The `patterns` detector: spans in the original text through both views, settings of each pattern, its problems."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFolder
from guardrails.detectors.kinds import default_category
from guardrails.detectors.patterns.patterns_detector import (
    KIND,
    PatternsConfig,
    PatternsDetector,
)
from guardrails.detectors.patterns.table import PatternRow, PatternTable
from guardrails.types import Detection, Image, Text
from tests.cases import each_case


def config(**fields: object) -> PatternsConfig:
    """Return a configuration."""
    return PatternsConfig.model_validate({"use": "patterns", **fields})


def detect(text: str, **fields: object) -> Detection:
    """Return what a detector of this configuration says of a text."""
    return KIND.build("p", config(**fields), PolicyFolder(Path())).detect([Text(text)])[0]


def spans(text: str, **fields: object) -> list[tuple[str, float, str]]:
    """Return category, score and matched text of each finding."""
    found = detect(text, **fields).findings
    return [(each.category, each.score, text[slice(*each.span)]) for each in found]


def problems(folder: Path = Path(), **fields: object) -> list[ConfigProblem]:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigProblems) as caught:
        KIND.build("p", config(**fields), PolicyFolder(folder))
    return list(caught.value.problems)


def test_each_pattern_has_its_own_settings() -> None:
    """Category, score, group and validator of a pattern win over the detector's."""
    fields = {
        "patterns": [
            r"ORD-\d+",
            {"pattern": r"card (\d+)", "group": 1, "category": "pii.card", "score": 0.5, "validate": "luhn"},
        ],
        "category": "custom.order",
        "score": 0.9,
    }
    assert spans("ORD-7 card 18 card 19", **fields) == [
        ("custom.order", 0.9, "ORD-7"),
        ("pii.card", 0.5, "18"),
    ]


@each_case(
    ("view", "text", "expected"),
    [
        ("both", "se\u200bcret", ["se\u200bcret"]),
        ("plain", "se\u200bcret", []),
        ("normalized", "se\u200bcret", ["se\u200bcret"]),
        ("both", "ｓｅｃｒｅｔ secret", ["ｓｅｃｒｅｔ", "secret"]),
        ("normalized", "secret", ["secret"]),
        ("plain", "é secret", ["secret"]),
        ("normalized", "é secret", ["secret"]),
    ],
)
def test_views_undo_obfuscation_and_keep_the_span(view: str, text: str, expected: list[str]) -> None:
    """A dressed word is found in the normalized view, once, with the span of the text as it was given."""
    assert [found[2] for found in spans(text, patterns=["secret"], view=view)] == expected


@each_case(
    ("view", "text", "expected"),
    [
        (
            "all",
            "s3cr3t s.e.c.r.e.t &#115;ecret seeecret",
            ["s3cr3t", "s.e.c.r.e.t", "&#115;ecret", "seeecret"],
        ),
        ("all", "secret s\u200becret", ["secret", "s\u200becret"]),
        ("both", "s3cr3t s.e.c.r.e.t &#115;ecret s\u200becret", ["s\u200becret"]),
        ("normalized", "s3cr3t s.e.c.r.e.t", []),
        ("plain", "s3cr3t s.e.c.r.e.t", []),
    ],
)
def test_all_views_undo_spelling_tricks(view: str, text: str, expected: list[str]) -> None:
    """`all` also finds what is spelled with signs, apart, in codes or with repeats; the other values do not."""
    assert [found[2] for found in spans(text, patterns=["secret"], view=view)] == expected


def test_all_is_what_a_policy_gets_that_says_nothing() -> None:
    """Tricks are undone by default."""
    assert [found[2] for found in spans("a s3cr3t", patterns=["secret"])] == ["s3cr3t"]


def test_codes_alone_leave_digits_digits() -> None:
    """For numbers and credentials, codes are read and digits joined, and no digit becomes a letter."""
    table = PatternTable([PatternRow(r"\b\d{7}\b", "custom.number"), PatternRow("secret", "custom.word")])
    text = "4.1.1.1.1.1.1 and &#52;111111 s3cr3t"
    findings = PatternsDetector("n", table, view="codes").detect([Text(text)])[0].findings
    assert [text[slice(*each.span)] for each in findings] == ["4.1.1.1.1.1.1", "&#52;111111"]
    assert PatternsDetector("n", table).detect([Text(text)])[0].findings == ()


@given(st.text(alphabet="ab \u200bａé\ud800", max_size=10), st.text(alphabet="xy \u0301三", max_size=10))
def test_a_planted_match_is_found_where_it_stands(before: str, after: str) -> None:
    """Whatever stands around, lone surrogates too, the planted code is found at its place."""
    text = f"{before} Q7Q {after}"
    assert text.index("Q7Q") in [each.span[0] for each in detect(text, patterns=[r"Q\dQ"]).findings]


def test_contents_without_text_are_clean() -> None:
    """Patterns say nothing of pictures, and answer for every content of a batch in its order."""
    detector = KIND.build("p", config(patterns=["a"]), PolicyFolder(Path()))
    answers = detector.detect([Text("a"), Image(b"a"), Text("b")])
    assert [len(answer.findings) for answer in answers] == [1, 0, 0]


def test_a_time_out_is_an_error_and_not_clean() -> None:
    """A pattern that takes too long makes the detection fail; the detector is not for the caller's thread."""
    detector = KIND.build("p", config(patterns=[r"(?:a|aa)+(?=b)c"]), PolicyFolder(Path()))
    assert detector.inline is False
    assert "took longer than" in str(detector.detect([Text("a" * 5000)])[0].error)


@each_case(
    ("fields", "expected"),
    [
        ({}, [("no_patterns", (), None)]),
        ({"patterns": ["ok", "ab(c"]}, [("invalid_pattern", ("patterns", 1), 4)]),
        ({"patterns": [{"pattern": "ab(c"}]}, [("invalid_pattern", ("patterns", 0, "pattern"), 4)]),
        ({"patterns": ["a*"]}, [("invalid_pattern", ("patterns", 0), None)]),
        ({"patterns": [{"pattern": "abc", "group": 2}]}, [("invalid_pattern", ("patterns", 0, "group"), None)]),
        ({"patterns": ["a"], "category": "Foo"}, [("unknown_category", ("category",), None)]),
        ({"patterns": [{"pattern": "a", "category": "foo"}]}, [("unknown_category", ("patterns", 0, "category"), None)]),
        ({"file": "nope.txt"}, [("unreadable_file", ("file",), None)]),
        ({"patterns": ["(", "[", "a"], "category": "x"}, [
            ("unknown_category", ("category",), None), ("invalid_pattern", ("patterns", 0), 1),
            ("invalid_pattern", ("patterns", 1), 1),
        ]),
    ],
)  # fmt: skip
def test_every_problem_has_its_place(fields: dict[str, object], expected: list[object]) -> None:
    """All problems come at once, each with the path to its value and the character inside the pattern."""
    assert [(each.code, each.path, each.offset) for each in problems(**fields)] == expected


def test_a_file_gives_a_pattern_a_line(tmp_path: Path) -> None:
    """Blank lines and comments are skipped; problems point to line and column of the file."""
    (tmp_path / "p.txt").write_text("# orders\n\nORD-\\d+\n  a(b\nx*\n")
    places = [each.place for each in problems(tmp_path, file="p.txt")]
    assert places == [(str(tmp_path / "p.txt"), 4, 6), (str(tmp_path / "p.txt"), 5, 1)]
    (tmp_path / "p.txt").write_text("# orders\n\nORD-\\d+\r\n")
    detector = KIND.build("p", config(file="p.txt"), PolicyFolder(tmp_path))
    assert [each.span for each in detector.detect([Text("an ORD-12")])[0].findings] == [(3, 9)]


def test_an_empty_file_is_a_problem_of_the_file(tmp_path: Path) -> None:
    """A file without entries would find nothing: a mistake."""
    (tmp_path / "p.txt").write_text("# nothing\n")
    assert [(each.code, each.path) for each in problems(tmp_path, file="p.txt")] == [
        ("no_patterns", ("file",))
    ]


@each_case(
    ("name", "category"),
    [("orders", "custom.orders"), ("My-List", "custom.my_list"), ("--", "custom.match"), ("X9", "custom.x9")],
)
def test_a_detector_without_a_category_gives_one_of_its_name(name: str, category: str) -> None:
    """The default category is a valid leaf made of the name, and is what the kind declares."""
    assert default_category(name) == category
    assert KIND.categories(name, config(patterns=["a"])) == {category}


def test_declared_categories_are_those_that_are_given() -> None:
    """The categories of all patterns, and the detector's own where a pattern or the file uses it."""
    both = ["a", {"pattern": "b", "category": "pii.b"}]
    assert KIND.categories("n", config(patterns=both)) == {"custom.n", "pii.b"}
    assert KIND.categories("n", config(patterns=both[1:])) == {"pii.b"}
    assert KIND.categories("n", config(patterns=both[1:], file="f")) == {"custom.n", "pii.b"}
