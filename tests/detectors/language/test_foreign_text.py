"""Which texts are for certain in a language that a model was not validated on, and which are too short to tell."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.language.foreign_text import (
    has_foreign_script,
    is_foreign,
    weigh_language,
    word_signs,
)
from guardrails.detectors.language.scripts import NAMES
from tests.cases import each_case

SENTENCES: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "sentences.json").read_text(encoding="utf-8")
)

VALIDATED = frozenset(["en", "de", "fr", "es", "it", "pt", "tr", "ru", "ar", "hi", "zh", "ja", "ko"])
ENGLISH = frozenset({"en"})


@each_case(
    "languages",
    [VALIDATED, ENGLISH, frozenset({"en", "nl", "pl"}), frozenset({"ja"}), frozenset({"uk", "fa"})],
)
def test_a_sentence_is_told_under_any_list_of_languages(languages: frozenset[str]) -> None:
    """One everyday sentence in each of 37 languages: foreign where its language is not on the list, and never where it is."""
    told = {code: weigh_language(text, languages) for code, text in SENTENCES.items()}
    assert {code for code, fit in told.items() if fit == "foreign"} == SENTENCES.keys() - languages


@each_case(
    ("text", "expected"),
    [
        # near languages, one of each pair validated
        ("Hoe laat vertrekt de trein naar Utrecht?", "foreign"),
        ("Wann fährt der Zug nach Utrecht ab?", "own"),
        ("Ek weet nie wat ek moet doen nie", "foreign"),
        ("Hvad er klokken lige nu?", "foreign"),
        ("Hva er klokka akkurat nå?", "foreign"),
        ("Vad är klockan just nu?", "foreign"),
        ("Що ти робиш сьогодні ввечері?", "foreign"),
        ("Что ты делаешь сегодня вечером?", "own"),
        ("Как мога да отида до гарата?", "foreign"),
        ("آیا می توانید به من کمک کنید؟", "foreign"),
        ("کیا آپ میری مدد کر سکتے ہیں؟", "foreign"),
        ("هل يمكنك مساعدتي من فضلك؟", "own"),
        ("तुम्ही मला मदत करू शकता का?", "foreign"),
        ("के तपाईं मलाई मद्दत गर्न सक्नुहुन्छ?", "foreign"),
        ("क्या आप मेरी मदद कर सकते हैं?", "own"),
        ("Què puc fer amb aquest paper?", "foreign"),
        ("Non sei que facer con este papel, podes axudarme?", "foreign"),
        ("¿Qué puedo hacer con este papel?", "own"),
        ("O que posso fazer com este papel?", "own"),
        ("Bagaimana saya bisa sampai di sana?", "foreign"),
        ("Bagaimana saya boleh sampai di sana?", "foreign"),
        ("Bu ka\u011f\u0131tla ne yapabilirim?", "own"),
        ("Bu ka\u011f\u0131zla n\u0259 ed\u0259 bil\u0259r\u0259m?", "foreign"),
    ],
)
def test_near_languages_are_told_apart(text: str, expected: str) -> None:
    """A sentence of each, where one of the two is validated."""
    assert weigh_language(text, VALIDATED) == expected


@each_case(
    "text",
    [
        "Dank je wel", "Tak for hjælpen", "Hur mår du?", "Kiitos paljon", "Dziękuję bardzo", "Děkuji moc", "Köszönöm szépen",
        "Apa kabar?", "Terima kasih", "Salamat po", "Cảm ơn bạn", "Habari yako", "Як справи?", "Дякую", "Како си?", "שלום",
        "\u0393\u03b5\u03b9\u03b1 \u03c3\u03bf\u03c5", "สวัสดี", "გამარჯობა", "Բարեւ", "שלום עולם", "ᐃᓄᒃᑎᑐᑦ", "ދިވެހިބަސް",
    ],
)  # fmt: skip
def test_short_texts_are_told_by_words_and_scripts_of_others(text: str) -> None:
    """Two words that only other languages use are enough, and of a script that only others use two letters."""
    assert is_foreign(text, VALIDATED)


@each_case(
    "text",
    [
        "ok", "yes", "no", "hmm", "lol omg", "haha", "42", "", "Hello", "Danke", "merci beaucoup", "Play Despacito", "Zeitgeist",
        "Anna Kowalska", "Łódź", "Nguyễn Văn An", "Jan van der Meer", "who is Anton van Leeuwenhoek?", "Dvořák, Janáček, Smetana",
        "My name is Růžena Šťastná and I live in Hluboká nad Vltavou.", "Søren Kierkegaard <soren@example.com>",
        "git push origin main", "sudo apt-get install -y libgnutls-dane0", "rm -rf /var/lib/docker", "kubectl delete pod web-1",
        "for i in range(10): print(i ** 2, end=' ')", "extern int spkac_main(int argc, char *argv[]);", "import json, sys",
        "var len = buf.length; for (var i = 0; i < len; i++) sum += buf[i];", "SELECT nid, val FROM users WHERE val IS NOT NULL;",
        '{"id": 17, "name": "Ilona", "city": "Hódmezővásárhely", "tags": ["a", "b"]}', "6d5cadd95a1d6418f3657d44f2955dd7",
        "ERROR 500: connection reset by peer (errno=104)", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML)",
        "https://example.nl/een/heel/lang/pad/naar/de/pagina", "β + δ = λ", "(ಠ_ಠ)", "¯\\_(ツ)_/¯", "ΔG = ΔH - TΔS", "2 kΩ ± 5 %",
        "angular-froala-wysiwyg", "isom\n512\nisomiso2avc1mp41\nLavf62.12.102\nund\nVideoHandler", "bank transfer", "a European bar", "Is Canon Inc. a Kabushiki gaisha?",
        "The Dutch phrase 'hoe laat is het' means 'what time is it', and you will hear it often.",
    ],
)  # fmt: skip
@each_case("languages", [VALIDATED, ENGLISH])
def test_names_commands_and_programs_stay_calm(languages: frozenset[str], text: str) -> None:
    """What is in no language, or too short to tell, is not foreign, whether one language is validated or many are."""
    if text not in {"Danke", "merci beaucoup"} or languages is VALIDATED:
        assert not is_foreign(text, languages)


@each_case(
    ("text", "languages", "expected"),
    [
        ("안녕", ENGLISH, True),
        ("안녕", VALIDATED, False),
        ("你好", ENGLISH, True),
        ("你好", VALIDATED, False),
        ("こんにちは", frozenset({"en", "zh"}), True),
        ("ㄅㄆㄇ", frozenset({"en", "zh"}), False),
        ("Привет", ENGLISH, True),
        ("Привет", VALIDATED, False),
        ("π", VALIDATED, False),
        ("αβ", VALIDATED, False),
        ("\u03bd\u03b1\u03b9", VALIDATED, True),
        ("the word שלום", VALIDATED, False),
        ("x" * 100 + "ש" * 40, VALIDATED, True),
        (
            "\U0001d407\U0001d41e\U0001d425\U0001d425\U0001d428 \uff57\uff4f\uff52\uff4c\uff44",
            VALIDATED,
            False,
        ),
        ("שלום", frozenset(), False),
    ],
)
def test_a_script_of_no_validated_language_tells(
    text: str, languages: frozenset[str], expected: bool
) -> None:
    """However short a text is, if most of it is in such a script; letters of formulas, faces and styles are no words."""
    assert has_foreign_script(text, languages) is expected


def test_without_a_list_nothing_is_foreign() -> None:
    """A model that names no languages reads all."""
    assert not any(is_foreign(text, frozenset()) for text in SENTENCES.values())


def test_words_of_validated_languages_are_no_sign_of_others() -> None:
    """A word that two languages share speaks against neither."""
    signs = word_signs(VALIDATED)
    assert {"het", "що", "nie", "dziękuję"} & signs.foreign == {"het", "що", "dziękuję"}
    assert {"the", "und", "quiero", "de", "en"} & signs.own == {"the", "und", "quiero"}
    assert not signs.own & signs.foreign
    assert "de" in word_signs(ENGLISH).foreign


@given(st.text(max_size=120), st.sets(st.sampled_from(sorted(NAMES)), max_size=4))
def test_any_text_has_an_answer(text: str, languages: set[str]) -> None:
    """One of three, and with no languages the first."""
    fit = weigh_language(text, frozenset(languages))
    assert fit in ("own", "foreign", "unclear")
    assert languages or fit == "own"


@each_case("text", ["Guten Morgen, wie geht es dir heute? " * 500, "Доброго ранку, як справи? " * 500])
def test_long_texts_are_told_by_a_sample(text: str) -> None:
    """As by all of it."""
    assert is_foreign(text, VALIDATED) is text.startswith("Д")
