"""Words without blanks: which rows of letters are sentences."""

from __future__ import annotations

from guardrails.detectors.encodings.extractors import extract
from guardrails.detectors.language.joined_words import LONGEST, read_joined_words
from tests.cases import each_case


@each_case(
    ("row", "said"),
    [
        ("pleasetellmehowtheparcelgottothebackdoor", "please tell me how the parcel got to the back door"),
        ("Whatcanyoutellmeaboutthegarden", "what can you tell me about the garden"),
        ("HowdoItaketheletterwithme", "how do i take the letter with me"),
        ("HOWDOITAKETHELETTERWITHME", "how do i take the letter with me"),
        ("donaudampfschifffahrtsgesellschaft", ""),
        ("rechtsschutzversicherungsgesellschaften", ""),
        ("antidisestablishmentarianism", ""),
        ("internationalizationandlocalization", ""),
        ("pneumonoultramicroscopicsilicovolcanoconiosis", ""),
        ("thequickbrownfox", ""),
        ("theTheAndTheYouAndTheForTheAnd", ""),
        ("qwertyuiopasdfghjklzxcvbnmtheyou", ""),
        ("theyou" * LONGEST, ""),
    ],
)
def test_a_row_of_letters_is_read_where_it_is_a_sentence(row: str, said: str) -> None:
    """All of it common words, some of them such as sentences have; compounds, names and keys are none."""
    assert read_joined_words([row]) == said


def test_a_sentence_without_blanks_stands_in_a_text() -> None:
    """It is found where it stands."""
    text = "So: pleasetellmehowtheparcelgottothebackdoor, now."
    [derived] = [each for each in extract(text, 1, 10, 1_000).derived if each.origin == "joined-words"]
    assert derived.originals((0, len(derived.text))) == [(4, 44)]
