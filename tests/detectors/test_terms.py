"""The `terms` detector: every planted term is found however dressed, with its exact span, and nothing else."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import ConfigProblem, ConfigProblems, Folder
from guardrails.detectors.terms import KIND, Terms, TermsConfig
from guardrails.types import Image, Text

TERMS = ["acme", "blue harvest", "straße", "пароль", "機密"]


def config(**fields: object) -> TermsConfig:
    """Return a configuration."""
    return TermsConfig.model_validate({"use": "terms", **fields})


def build(folder: Path = Path(), **fields: object) -> Terms:
    """Return a detector of this configuration."""
    detector = KIND.build("t", config(**fields), Folder(folder))
    assert isinstance(detector, Terms)
    return detector


def found(text: str, **fields: object) -> list[str]:
    """Return the parts of a text that are found."""
    return [text[slice(*each.span)] for each in build(**fields).detect([Text(text)])[0].findings]


def fullwidth(text: str) -> str:
    """Write ASCII letters in their wide forms."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


DRESSES = {
    "plain": str,
    "upper": lambda term: term.upper() if term.upper().lower() == term else term.title(),
    "title": str.title,
    "zero width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "fullwidth": fullwidth,
    "accents": lambda term: "".join(char + "\u0301" * char.isascii() * char.isalpha() for char in term),
    "decomposed": lambda term: unicodedata.normalize("NFD", term),
    "no-break spaces": lambda term: term.replace(" ", "\u00a0"),
    "line break": lambda term: term.replace(" ", "\n"),
}
AROUND = st.text(alphabet="bcdf ,.!\u200b\u00e9\u4e09\U0001f600\ud800\n", max_size=12)


@given(st.sampled_from(TERMS), st.sampled_from(sorted(DRESSES)), AROUND, AROUND)
def test_a_planted_term_is_found_exactly(term: str, dress: str, before: str, after: str) -> None:
    """Whatever case, invisible characters or compatibility forms: the span is the planted text, in raw coordinates."""
    planted = DRESSES[dress](term)
    text = f"{before}. {planted} .{after}"
    start = len(before) + 2
    findings = build(terms=TERMS).detect([Text(text)])[0].findings
    assert [each.span for each in findings] == [(start, start + len(planted))]
    begin, end = findings[0].span or (0, 0)
    assert text[:begin] + "[X]" + text[end:] == f"{before}. [X] .{after}"


@given(AROUND)
def test_nothing_is_found_where_nothing_is(text: str) -> None:
    """Texts without a term are clean."""
    assert found(text, terms=TERMS) == []


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ("acme", {}, ["acme"]),
        ("acmeist", {}, []),
        ("myacme", {}, []),
        ("my_acme", {}, []),
        ("acme2", {}, []),
        ("acme's acme-x acme.", {}, ["acme", "acme", "acme"]),
        ("acmeist", {"match": "substring"}, ["acme"]),
        ("使用acme產品", {}, ["acme"]),
        ("アクメacmeです", {}, ["acme"]),
        ("éacme", {}, []),
        ("acme\u0301x", {}, []),
        ("此機密文件", {"terms": ["機密"]}, ["機密"]),
        ("ACME Acme", {"case": "exact"}, []),
        ("ACME acme", {"case": "exact"}, ["acme"]),
        ("ACME acme", {"case": "exact", "terms": ["ACME"]}, ["ACME"]),
        ("ac\u200bme", {"case": "exact"}, []),
        ("blue\u3000sky blue\tsky blue\u2003sky", {"terms": ["blue sky"], "case": "exact"},
         ["blue\u3000sky", "blue\tsky", "blue\u2003sky"]),
        ("blue  sky", {"terms": ["blue sky"]}, []),
        ("blue sky", {"terms": ["  blue\n sky "]}, ["blue sky"]),
        ("new york city", {"terms": ["new york", "york city"]}, ["new york", "york city"]),
        ("aaa", {"terms": ["aa"], "match": "substring"}, ["aa", "aa"]),
        ("c++ c+", {"terms": ["c++"]}, ["c++"]),
        ("acme", {"terms": ["ACME", "acme", "Ácme"]}, ["acme"]),
        ("ﬁne", {"terms": ["fi"], "match": "substring"}, ["ﬁ"]),
        ("a\ud800acme", {"match": "substring"}, ["acme"]),
        ("", {}, []),
    ],
)  # fmt: skip
def test_words_substrings_and_case(text: str, fields: dict[str, object], expected: list[str]) -> None:
    """A word stands alone among letters of scripts with spaces; every occurrence is a finding, once."""
    assert found(text, **{"terms": ["acme"], **fields}) == expected


def test_findings_say_category_score_and_detector() -> None:
    """Category and score are the configured ones; by default the detector's name and certainty."""
    finding = build(terms=["acme"]).detect([Text("acme")])[0].findings[0]
    assert (finding.category, finding.score, finding.detector) == ("custom.t", 1.0, "t")
    finding = build(terms=["acme"], category="profanity", score=0.5).detect([Text("acme")])[0].findings[0]
    assert (finding.category, finding.score) == ("profanity", 0.5)
    assert KIND.categories("t", config(category="profanity")) == {"profanity"}


def test_contents_without_text_are_clean() -> None:
    """Terms say nothing of pictures, and answer for every content in its order."""
    answers = build(terms=["a"]).detect([Image(b"a"), Text("a")])
    assert [len(answer.findings) for answer in answers] == [0, 1]


def problems(folder: Path = Path(), **fields: object) -> list[ConfigProblem]:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigProblems) as caught:
        build(folder, **fields)
    return list(caught.value.problems)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [("no_terms", ())]),
        ({"terms": []}, [("no_terms", ())]),
        ({"terms": ["a", " ", "\u200b", ""]}, [("empty_term", ("terms", at)) for at in (1, 2, 3)]),
        ({"terms": ["a"], "category": "blocklist"}, [("unknown_category", ("category",))]),
        ({"file": "nope.txt"}, [("unreadable_file", ("file",))]),
        (
            {"terms": [" "], "category": "x"},
            [("empty_term", ("terms", 0)), ("unknown_category", ("category",))],
        ),
    ],
)
def test_every_problem_has_its_place(fields: dict[str, object], expected: list[object]) -> None:
    """All problems come at once, each with the path to its value."""
    assert [(each.code, each.path) for each in problems(**fields)] == expected


def test_a_file_gives_a_term_a_line(tmp_path: Path) -> None:
    """Comments and blank lines are skipped, only line ends end a term, and problems point into the file."""
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xef\xbb\xbf# list\r\n\r\nacme\r\n  blue sky  \n")
    detector = build(tmp_path, file="t.txt", terms=["extra"])
    assert len(detector.detect([Text("acme, blue sky, extra, # list")])[0].findings) == 3
    path.write_text("acme\n\x0b\n  \u200b\n")
    assert [(each.code, each.place) for each in problems(tmp_path, file="t.txt")] == [
        ("empty_term", (str(path), 3, 3))
    ]
    path.write_text("\n# none\n")
    assert [(each.code, each.path) for each in problems(tmp_path, file="t.txt")] == [("no_terms", ("file",))]


def test_twenty_thousand_terms_load_and_search_fast(tmp_path: Path) -> None:
    """A long list loads in a fraction of a second and costs a text no more than a short one."""
    (tmp_path / "t.txt").write_text("\n".join(f"term number {at}" for at in range(20_000)))
    begun = time.process_time()
    detector = build(tmp_path, file="t.txt")
    assert time.process_time() - begun < 1.5
    begun = time.process_time()
    assert len(detector.detect([Text("nothing here " * 1000 + "term number 777")])[0].findings) == 1
    assert time.process_time() - begun < 0.1
