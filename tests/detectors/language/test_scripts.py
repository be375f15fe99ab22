"""The tables of languages: what the model knows, and how names are corrected."""

from __future__ import annotations

import re

from guardrails.detectors.language.identification import language_probabilities
from guardrails.detectors.language.scripts import (
    NAMES,
    SCRIPTS,
    SYNONYMS,
    VARIETIES,
    base_language,
    match_language,
    script_of,
    suggest_code,
    umbrella_language,
    with_varieties,
)
from tests.cases import each_case


def test_the_table_is_that_of_the_model() -> None:
    """Every language that the model tells has a name, and no other has; `zxx` is no language."""
    assert NAMES.keys() == language_probabilities("some text").keys() - {"zxx"}
    assert {code for _, users in SCRIPTS.values() for code in users.split()} <= NAMES.keys()
    assert {code for codes in VARIETIES.values() for code in codes} | VARIETIES.keys() <= NAMES.keys()


def test_scripts_share_no_letter() -> None:
    """One letter is of one script, so that a letter can decide."""
    patterns = [re.compile(f"[{letters}]") for letters, _ in SCRIPTS.values()]
    for letter in map(chr, [*range(0xD800), *range(0xE000, 0x20100)]):
        assert sum(bool(each.match(letter)) for each in patterns) <= 1, hex(ord(letter))


@each_case(
    ("languages", "letters", "others"),
    [
        ({"ru"}, "", "яa"),
        ({"ko"}, "한", "漢a"),
        ({"ja"}, "かカ", "漢a"),
        ({"zh", "wuu", "yue", "ja", "ko"}, "漢か한", "яa"),
        ({"el", "grc", "th"}, "αไ", "ლa"),
    ],
)
def test_a_script_is_of_languages_only_if_all_its_users_are(
    languages: set[str], letters: str, others: str
) -> None:
    """Han is not of Chinese alone; Latin letters are never of any."""
    pattern = script_of(frozenset(languages))
    assert [bool(pattern and pattern.match(letter)) for letter in letters + others] == [True] * len(
        letters
    ) + [False] * len(others)


def test_varieties_count_as_their_language() -> None:
    """Cantonese is Chinese; who names a variety means it alone."""
    assert with_varieties(["zh"]) == {"zh", "wuu", "yue"}
    assert with_varieties(["yue", "de"]) == {"yue", "de"}
    assert [umbrella_language(code) for code in ("yue", "arz", "de")] == ["zh", "ar", "de"]


@each_case(
    ("wrong", "code"),
    [
        ("german", "de"),
        ("Engilsh", "en"),
        ("en-GB", "en"),
        ("zh_Hans", "zh"),
        ("EN", "en"),
        ("deu", None),
        ("fre", "fr"),
        ("qqq", None),
    ],
)
def test_a_wrong_name_has_a_cure(wrong: str, code: str | None) -> None:
    """Names in English, tags with a region and slips lead to the code."""
    assert (f"'{code}'" in suggest_code(wrong)) is (code is not None)
    assert suggest_code(wrong)


@each_case(
    ("tag", "base"),
    [
        ("zh-Hant-TW", "zh"),
        ("nb", "no"),
        ("nn-NO", "no"),
        ("iw", "he"),
        ("pt_BR", "pt"),
        ("DEU", "de"),
        ("xx", "xx"),
        ("", ""),
    ],
)
def test_a_tag_has_a_base(tag: str, base: str) -> None:
    """The code by which its language is told."""
    assert base_language(tag) == base


def test_synonyms_are_of_one_language_each() -> None:
    """And the first of each is a code that is told."""
    codes = [code for row in SYNONYMS for code in row]
    assert len(codes) == len(set(codes))
    assert {row[0] for row in SYNONYMS} <= NAMES.keys()


@each_case(
    ("wanted", "offered", "tag"),
    [
        ("zh-Hant-TW", ["en", "zh", "zh-Hant"], "zh-Hant"),
        ("zh-Hant", ["en", "zh"], "zh"),
        ("zh", ["en", "zh-Hant", "zh-Hans-CN"], "zh-Hant"),
        ("yue", ["zh"], "zh"),
        ("de-AT", ["de", "de-CH"], "de"),
        ("DE_ch", ["de", "de-CH"], "de-CH"),
        ("no", ["nb"], "nb"),
        ("nn", ["nb"], "nb"),
        ("fr", ["en"], None),
        ("", ["en"], None),
        ("en", [], None),
    ],
)
def test_the_nearest_tag_is_found(wanted: str, offered: list[str], tag: str | None) -> None:
    """The same, else the same cut from its end, else another of the same language."""
    assert match_language(wanted, offered) == tag
