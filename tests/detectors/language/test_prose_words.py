"""What of a text is in a language."""

from __future__ import annotations

from guardrails.detectors.language.prose_words import (
    SAMPLE,
    count_letters,
    prose_words,
    sample,
    without_markup,
)
from tests.cases import each_case


@each_case(
    ("text", "words"),
    [
        ("What is the capital of Peru?", ("what", "is", "the", "capital", "of")),
        ("who is Anton van Leeuwenhoek?", ("who", "is")),
        ("ICH BIN HIER", ("ich", "bin", "hier")),
        ("Dziękuję!", ("dziękuję",)),
        ("Ana", ()),
        ("int main(int argc) { return x_1; }", ()),
        ("see https://example.com or `git log`, @you #tag a1b2", ("see", "or")),
        ("l\u2019eau, l'air", ("l'eau", "l'air")),
        ("今日は、いい天気", ("今日は", "いい天気")),
        ("क्या आप", ("क्या", "आप")),
        ("go go go", ("go",)),
        ("", ()),
    ],
)
def test_words_of_prose_are_read(text: str, words: tuple[str, ...]) -> None:
    """Each once, in small letters; names, links, ids and words of programs are left out."""
    assert prose_words(text).words == words


@each_case(
    ("text", "share"),
    [("Jan Novák, Petra Malá", 1.0), ("my friend Petra", 1 / 3), ("", 0.0), ("and so on", 0.0)],
)
def test_the_share_of_names_is_told(text: str, share: float) -> None:
    """Of all words."""
    assert prose_words(text).names == share


def test_markup_leaves_blanks() -> None:
    """So that offsets stay; digits are no markup."""
    text = "a <b>1</b> https://example.com 😀"
    assert without_markup(text).split() == ["a", "1"]
    assert len(without_markup(text)) == len(text)


def test_long_texts_are_sampled() -> None:
    """Beginning, middle and end."""
    text = "a" * SAMPLE + "b" * SAMPLE + "c" * SAMPLE
    assert len(sample(text)) <= SAMPLE + 2
    assert set(sample(text)) == set("abc ")
    assert sample("short") == "short"


def test_letters_of_dense_scripts_count_twice() -> None:
    """So that limits in letters mean about as much text everywhere."""
    assert count_letters("ab 12, é") == 3
    assert count_letters("漢字かな 한") == 10
