"""The `gibberish` detector: what is no language, and what only looks like it."""

from __future__ import annotations

import itertools
import json
import random
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Guard
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.language.gibberish import (
    KIND,
    GibberishConfig,
    GibberishDetector,
    find_gibberish,
    measure_surprise,
)
from guardrails.types import Image, Text
from tests.cases import each_case

HERE = Path(__file__).parent
SENTENCES: dict[str, str] = json.loads((HERE.parent / "sentences.json").read_text(encoding="utf-8"))
SAMPLES: dict[str, str] = json.loads(
    (HERE.parent / "formats" / "code_samples.json").read_text(encoding="utf-8")
)


def build(**fields: object) -> GibberishDetector:
    """Return a detector of this configuration."""
    config = GibberishConfig.model_validate({"use": "gibberish", **fields})
    detector = KIND.build("g", config, PolicyFolder(Path()))
    assert isinstance(detector, GibberishDetector)
    return detector


DETECTOR = build()


def found(text: str) -> list[str]:
    """Return the parts of a text that are found."""
    return [text[slice(*each.span)] for each in DETECTOR.detect([Text(text)])[0].findings if each.span]


@each_case(
    "noise",
    [
        "sdkfjh skdjfhg wieruh xkcjvn qpwoeir",
        "asdfghjkl qwertyuiop zxcvbnm asdfgh",
        "dfgkjhdfgkjhsdfkgjhdfkgjh",
        "xq zvkw pltrq mnbvx wqrtz kjhgf",
        "a" * 40,
        "lol" * 12,
        "\u4f60" * 40,
        "?" * 40,
        "".join("\u0436a\u5b57\u03c9\u0e01\u05d0" for _ in range(6)),
        'scraps.\\ + likewiseThen draft backwardly.]( You taking**TWO kindly? undo by "\\!--Six',
    ],
)
def test_noise_is_found_where_it_stands(noise: str) -> None:
    """Mash, random letters, floods, mixed scripts and scraps stuck together by signs; the sentences around stay."""
    before, after = "Please have a look at this for me.\n", "\nWhat does it mean, do you think?"
    assert found(noise)
    [span] = [each.span for each in DETECTOR.detect([Text(before + noise + after)])[0].findings if each.span]
    assert len(before) <= span[0] < span[1] <= len(before + noise)
    assert span[1] - span[0] > 0.6 * len(noise)


@each_case(
    "text",
    [
        *SENTENCES.values(),
        *SAMPLES.values(),
        "The digest is e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855, check it.",
        "Request 550e8400-e29b-41d4-a716-446655440000 failed; token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x",
        "See https://example.com/qwrtzpsdfg/xkcd?jklm=bvcxy and write to wrtzk@example.com",
        "Order KX-4471-BQZ and part XJ9000RTX with SKU WMNS-BLK-XXL, please.",
        "Cf. et al., i.e. e.g. vs. etc. approx. viz. ibid. op. cit. MSc PhD BSc DDR HTML NGO",
        "Grzegorz Brz\u0119czyszczykiewicz and Ng Hwee Tou met Mpho Nkgadima in Llanfairpwll.",
        "2026-01-05T12:00:01Z ERROR [worker-3] srv.db.pool: conn refused (errno=111) rc=0x7f",
        "hmm brrr shh tsk pfft grr psst",
        "hahahahaha lol nooooo soooo goooood",
        "-----------------------------------------\n=========================================",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "abcdefghijklmnopqrstuvwxyz",
        "x", "", "asdf", "\U0001f602" * 10, "42 1337 000000000000000000000000000000000000",
    ],
)  # fmt: skip
def test_what_only_looks_odd_is_left_alone(text: str) -> None:
    """37 languages, 27 of programs, hashes, links, numbers of products, abbreviations, names, logs, cries, short inputs."""
    assert found(text) == []


def test_random_letters_are_found_and_words_are_not() -> None:
    """Over many random texts nine in ten are found, by a fixed seed; shuffled words never."""
    rng = random.Random(7)
    words = " ".join(
        text for code, text in SENTENCES.items() if code in ("en", "de", "fi", "pl", "tr")
    ).split()
    hits = 0
    for _ in range(100):
        letters = ("".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(8))
        hits += bool(found(" ".join(letters)))
        assert found(" ".join(rng.sample(words, 12))) == []
    assert hits >= 90


@each_case(
    ("word", "odd"),
    [
        ("the", False),
        ("understanding", False),
        ("sdkjfh", True),
        ("asdfgh", True),
        ("xqzvk", True),
        ("HTML", False),
        ("\u043c\u0438\u0440", False),
        ("a", False),
    ],
)
def test_words_surprise_or_not(word: str, odd: bool) -> None:
    """Above 0 is no language; other scripts and abbreviations say nothing."""
    assert (measure_surprise(word) > 0) is odd


def test_limits_are_chosen() -> None:
    """`min_score` and `min_characters` leave out what is weaker or shorter."""
    text = "sdkfjh skdjfhg wieruh xkcjvn qpwoeir"
    [clean, answer] = DETECTOR.detect([Image(b"a"), Text(text)])
    assert not clean.findings
    [finding] = answer.findings
    assert 0.5 <= finding.score < 1
    assert (finding.category, finding.detector) == ("custom.gibberish", "g")
    assert not build(min_score=0.999).detect([Text(text)])[0].findings
    assert not build(min_characters=200).detect([Text(text)])[0].findings
    with pytest.raises(ConfigProblems, match="not a category"):
        build(category="x")


PIECES = [
    "sdkfjh ",
    "hello ",
    "```\n",
    "x" * 30,
    "]( ",
    "**ONE",
    "\ud800",
    "\u6f22",
    "\u0436",
    "\n",
    " ",
    "\\!--",
    "Now",
]


@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_any_text_has_an_answer(text: str) -> None:
    """Stretches are inside the text with scores in 0..1; findings do not overlap."""
    assert all(0 <= start < end <= len(text) and 0 < score <= 1 for start, end, score in find_gibberish(text))
    spans = [each.span for each in DETECTOR.detect([Text(text)])[0].findings if each.span]
    assert all(before[1] < after[0] for before, after in itertools.pairwise(spans))


def test_a_policy_stops_noise(guard_of: Callable[..., Guard]) -> None:
    """From YAML to verdict."""
    guard = guard_of(
        "detectors:\n  noise: {use: gibberish}\nrules:\n  - {id: r, on: input, when: custom.gibberish > 0.6, then: block}\n"
    )
    assert guard.check("dfgkjh dfgkjhsdf kgjhdfkgjh wxcvbkj").action is Action.BLOCK
    assert guard.check("What is the weather like today?").action is Action.ALLOW
