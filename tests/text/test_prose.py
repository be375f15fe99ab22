"""What is a sentence, a phrase, or data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.text.prose import classify_text, find_function_words, says_nothing, spell_out, split_name
from tests.cases import each_case

DATA = (
    *(
        "",
        "f",
        "Jo",
        "target",
        "gpt-4o",
        "claude-opus-4-1",
        "user_prompt",
        "response_format",
        "max_tokens",
        "n/a",
    ),
    *(
        "2026-11-29",
        "2026-11-29 10:00:00",
        "+1 555 0100",
        "9.99 EUR",
        "A-4711",
        "550e8400-e29b-41d4-a716-446655440000",
    ),
    *(
        "jo@example.com",
        "https://example.com/a",
        "/etc/hosts",
        "東京",
        "true",
        "in_progress",
        "sha256:9f86d081884c7d65",
        "together_ai/mistralai/Mixtral-8x22B",
        "LegacyRequestHandlerFactory",
    ),
)
PHRASES = (
    *("New York", "kill yourself", "in progress", "out of stock", "how_do_i_bake", "howDoIBake"),
    *(
        "https://example.com/how-to-bake-bread",
        "make-it-look-nice",
        "set_of_all_things",
        "Erste Hilfe leisten",
        "the_long_and_the_short_of_it",
    ),
)
SENTENCES = (
    *(
        "How do I bake a loaf?",
        "the cat sat on the mat",
        "Wie backe ich ein Brot?",
        "明日は東京に行きたいです",
        "يجب أن أذهب إلى المنزل",
    ),
)


@each_case("text", [*DATA, *PHRASES, *SENTENCES])
def test_a_text_is_what_its_words_make_it(text: str) -> None:
    """Codes and names of up to three words are data; what has spaces and two words, or four in a name, says something."""
    kind = "data" if text in DATA else "phrase" if text in PHRASES else "sentence"
    assert classify_text(text) == kind


@each_case(
    ("name", "words"),
    [
        ("maxOutputTokens", ["max", "Output", "Tokens"]),
        ("HTTPServerError", ["HTTP", "Server", "Error"]),
        ("max-output_tokens", ["max", "output", "tokens"]),
        ("https://api.example.com/v1/chat", ["chat"]),
        ("sha256:9f86d081", ["sha256"]),
        ("über_uns", ["über", "uns"]),
    ],
)
def test_a_name_is_split_into_its_words(name: str, words: list[str]) -> None:
    """At humps and signs; the host of an address and codes with digits in them say nothing."""
    assert split_name(name) == words


def test_a_name_is_spelled_out() -> None:
    """As it would be read; what has spaces is as it is."""
    assert spell_out("howToBakeBread") == "how to bake bread"
    assert spell_out("bread") == "bread"
    assert spell_out("how_to bake") == "how_to bake"


def test_words_that_hold_sentences_together_are_found() -> None:
    """Names have none."""
    assert find_function_words("How do I bake a bread") == {"how", "do", "i", "a"}
    assert not find_function_words("name sex city status")


@given(st.lists(st.from_regex(r"[a-z]{2,9}", fullmatch=True), min_size=6, max_size=20))
def test_six_words_are_never_data(words: list[str]) -> None:
    """However they are put together: with spaces they are a sentence, in a name a phrase."""
    assert classify_text(" ".join(words)) == "sentence"
    for name in ("_".join(words), "-".join(words), "".join(map(str.capitalize, words))):
        assert classify_text(name) == "phrase"


@each_case(
    ("text", "nothing"),
    [
        *(
            (text, True)
            for text in ("", "17", "9.99", "+1 555 0100", "2026-11-29", "2026-11-29T10:00:00.5+01:00", "--")
        ),
        *(
            (text, True)
            for text in ("550e8400-e29b-41d4-a716-446655440000", "9f86d081884c7d65", "call_8fK2mQ1xZ0aB")
        ),
        *(
            (text, False)
            for text in ("a", "b", "b4d", "f00d", "deadbeef", "17 boats", "10 To Go", "2026-11-29 at noon")
        ),
        *((text, False) for text in ("\\u4f60", "\u4f60", "build", "build-it-4u", "1234abc " * 40)),
    ],
)
def test_a_value_without_words_says_nothing(text: str, nothing: bool) -> None:
    """Letters by themselves, and words with digits in place of letters, are words."""
    assert says_nothing(text) is nothing
