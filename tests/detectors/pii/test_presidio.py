"""Presidio behind our names: all its recognizers, context words, long texts, no network, and time that is bounded."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors import ConfigProblems
from guardrails.detectors.pii.names import NATIONAL, EntityHit, presidio_entities
from guardrails.detectors.pii.pii_detector import PiiDetector
from guardrails.detectors.pii.presidio import (
    CHUNK,
    FLAGS,
    OVERLAP,
    BoundedPattern,
    PresidioSearcher,
    split_chunks,
)
from guardrails.types import Text
from tests.cases import each_case, scale


@cache
def engine(*names: str, language: str = "en", min_score: float = 0.4, region: str = "US") -> PresidioSearcher:
    """Return the engine for names, all of the language's by default."""
    wanted = names or tuple({*presidio_entities([language]).values()})
    return PresidioSearcher(wanted, languages=[language], min_score=min_score, regions=[region])


def found(text: str, **config: object) -> set[tuple[str, str]]:
    """Return the name and the text of each hit."""
    return {(hit.name, text[hit.start : hit.end]) for hit in engine(**config).search(text)}


@each_case(
    ("text", "hit"),
    [
        ("mail jo@example.com", ("email", "jo@example.com")),
        ("card 4111 1111 1111 1111", ("credit_card", "4111 1111 1111 1111")),
        ("my iban gb82west12345698765432", ("iban", "gb82west12345698765432")),
        ("at 192.168.0.1 today", ("ip_address", "192.168.0.1")),
        ("my ssn is 536-90-4399", ("us_ssn", "536-90-4399")),
        ("see https://example.org/x", ("url", "https://example.org/x")),
        ("on 2024-01-02", ("date_time", "2024-01-02")),
        ("driver's license H12234567", ("driving_licence", "H12234567")),
        ("reach me on (212) 555-0100", ("phone", "(212) 555-0100")),
        ("my NHS number 943 476 5919", ("uk_nhs", "943 476 5919")),
        # These are off in Presidio's own default.
        ("my aadhaar 2341 2341 2346 card", ("in_aadhaar", "2341 2341 2346")),
        ("PAN card ABCPD1234E", ("in_pan", "ABCPD1234E")),
        ("nino AB 12 34 56 C", ("uk_nino", "AB 12 34 56 C")),
        ("FIN S1234567D", ("sg_nric", "S1234567D")),
    ],
)
def test_recognizers_of_all_countries_find_published_forms(text: str, hit: tuple[str, str]) -> None:
    """What Presidio finds goes by our name, also where Presidio leaves the country out by default."""
    assert hit in found(text)


@each_case(
    ("language", "text", "hit"),
    [
        ("de", "Steuernummer 21/815/08150", ("de_tax_number", "21/815/08150")),
        ("es", "mi NIF 12345678Z", ("es_dni", "12345678Z")),
        ("fi", "henkil\u00f6tunnus 131052-308T", ("fi_hetu", "131052-308T")),
        ("it", "codice fiscale RSSMRA85T10A562S", ("it_codice_fiscale", "RSSMRA85T10A562S")),
        ("ko", "\uc8fc\ubbfc\ub4f1\ub85d\ubc88\ud638 960121-1234567", None),
        ("pl", "PESEL 44051401359", ("pl_pesel", "44051401359")),
        ("sv", "personnummer 811218-9876", ("se_personnummer", "811218-9876")),
        ("th", "1-2345-67890-12-1", None),
        ("tr", "kimlik 10000000146", ("tr_tckn", "10000000146")),
    ],
)
def test_each_language_brings_its_recognizers(language: str, text: str, hit: tuple[str, str] | None) -> None:
    """The countries of a language, and what all languages have; no language needs a tokenizer of its own."""
    hits = found(f"{text} jo@example.com", language=language)
    assert ("email", "jo@example.com") in hits
    assert hit is None or hit in hits


def score(text: str, name: str) -> float:
    """Return the highest score of a name, with nothing left out."""
    return max((hit.score for hit in engine(min_score=0.01).search(text) if hit.name == name), default=0.0)


@each_case(
    ("name", "alone", "context", "low", "high"),
    [
        ("us_ssn", "it is 536-90-4399", "my ssn is 536-90-4399", 0.5, 0.85),
        ("driving_licence", "it is H12234567", "driver's license: H12234567", 0.3, 0.65),
        ("email", "it is jo@example.com", "email jo@example.com", 1.0, 1.0),
    ],
)
def test_words_of_context_raise_a_score(name: str, alone: str, context: str, low: float, high: float) -> None:
    """Without a model's lemmas as with them: these are Presidio's figures with en_core_web_sm."""
    assert score(alone, name) == pytest.approx(low)
    assert score(context, name) == pytest.approx(high)


def test_forms_that_are_weak_alone_are_below_the_default() -> None:
    """A number that may be anything needs a word that says what it is."""
    assert found("order 123456789012") == set()
    assert ("us_bank_account", "123456789012") in found("bank account 123456789012")


def test_the_regions_of_telephone_numbers_are_chosen() -> None:
    """A national form is found in its region alone, an international one everywhere."""
    national, international = "rappelez au 01 70 18 99 00", "call +33 1 70 18 99 00"
    assert found(national, region="FR") == {("phone", "01 70 18 99 00")}
    assert found(national, region="US") == set()
    assert found(international, region="US") == {("phone", "+33 1 70 18 99 00")}


def test_only_what_is_wanted_is_looked_for() -> None:
    """The recognizers of other names do not run."""
    text = "jo@example.com 4111 1111 1111 1111"
    assert {hit.name for hit in engine("email").search(text)} == {"email"}


@each_case(
    ("names", "regions", "path", "message"),
    [
        (["email"], ["US", "XX"], ("phone_regions", 1), "'XX' is no region"),
        (["email", "sinks"], ["US"], ("engine",), "does not find sinks"),
    ],
)
def test_what_presidio_does_not_have_is_a_problem(
    names: list[str], regions: list[str], path: tuple[str | int, ...], message: str
) -> None:
    """Neither a region nor a kind is left out silently."""
    with pytest.raises(ConfigProblems) as caught:
        PresidioSearcher(names, languages=["en"], min_score=0.4, regions=regions)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert message in problem.message


def test_one_analyzer_serves_all_detectors_of_a_configuration() -> None:
    """Loading takes a quarter of a second, which a second policy does not pay again."""
    one, other = (
        PresidioSearcher(["email"], languages=["en"], min_score=least, regions=["US"]) for least in (0.4, 0.6)
    )
    assert one._analyzer is other._analyzer
    assert one._analyzer is not engine("email", "url")._analyzer


@given(
    st.text(st.sampled_from("ab \n"), max_size=40),
    st.integers(0, 9000),
    st.sampled_from(["x", "x ", "long words "]),
)
@settings(max_examples=scale(60))
def test_chunks_cover_a_text(text: str, length: int, filler: str) -> None:
    """Each is short, shares something with the one before it, and is cut at white space where there is some."""
    text += filler * (length // len(filler))
    parts = list(split_chunks(text))
    assert parts[0][0] == 0
    assert parts[-1][1] == len(text)
    assert all(end - start <= CHUNK for start, end in parts)
    for (_, end), (start, _) in pairwise(parts):
        assert OVERLAP // 2 < end - start <= OVERLAP
        assert text[end].isspace() or filler == "x"


@each_case("offset", [*range(CHUNK - OVERLAP - 30, CHUNK + 30, 29), 2 * CHUNK - OVERLAP])
@each_case("filler", ["word ", "\u4fe1"])
def test_nothing_is_lost_or_found_twice_where_chunks_meet(offset: int, filler: str) -> None:
    """A card number and an address of mail are found whole, once, with their places, wherever they stand."""
    before = (filler * offset)[:offset]
    text = f"{before} jo@example.com 4111 1111 1111 1111 {filler * 1500}"
    hits = engine("email", "credit_card").search(text)
    assert sorted(text[hit.start : hit.end] for hit in hits) == ["4111 1111 1111 1111", "jo@example.com"]


def test_a_word_of_context_counts_across_chunks() -> None:
    """What begins in a chunk has the words before it there."""
    text = f"{'word ' * 764}my ssn is 536-90-4399 {'word ' * 400}"
    assert text.index("536-") > CHUNK - OVERLAP // 2
    (hit,) = engine("us_ssn").search(text)
    assert hit.score == pytest.approx(0.85)


def test_what_is_longer_than_a_chunk_is_found_to_its_end() -> None:
    """An address that goes on beyond a cut ends where its word ends."""
    url = f"https://example.org/{'a' * (2 * CHUNK)}"
    (hit,) = (each for each in engine("url").search(f"see {url} now") if each.start == 4)
    assert hit.end == 4 + len(url)


def test_a_text_beyond_every_limit_of_spacy_is_analyzed() -> None:
    """A million characters are no reason to raise, and none to leave out the end."""
    text = f"{'word ' * 210_000}jo@example.com"
    assert [text[hit.start : hit.end] for hit in engine("email").search(text)] == ["jo@example.com"]


def test_a_pattern_that_takes_too_long_is_an_error() -> None:
    """Presidio logs it and goes on; here the text counts as not judged."""
    slow = PresidioSearcher(["uuid"], languages=["en"], min_score=0.4, regions=["CH"])
    (recognizer,) = slow._analyzer.registry.recognizers
    recognizer.patterns[0].compiled_regex = BoundedPattern(regex.compile("^(?:a|aa)+$", FLAGS), 0.01)
    with pytest.raises(TimeoutError, match=r"took more than 0\.01 s"):
        slow.search("a" * 60 + "b")
    (detection,) = PiiDetector("p", None, [slow]).detect([Text("a" * 60 + "b")])
    assert detection.error == "a pattern of Presidio took more than 0.01 s"


def test_threads_share_the_engine() -> None:
    """Many texts at once have the hits that they have one by one."""
    texts = [f"ssn 536-90-43{at:02}, mail jo{at}@example.com, call (212) 555-01{at:02}" for at in range(40)]
    alone: list[list[EntityHit]] = [sorted(engine().search(text)) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda text: sorted(engine().search(text)), texts)) == alone


OFFLINE = """
import socket, sys

def refuse(*_, **__):
    raise AssertionError("the network was used")

socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
opened = []
sys.addaudithook(lambda event, args: event == "open" and "w" in str(args[1]) and opened.append(args[0]))
from guardrails.detectors.pii.names import presidio_entities
from guardrails.detectors.pii.presidio import PresidioSearcher

presidio = PresidioSearcher({*presidio_entities(["en", "de"]).values()}, languages=["en", "de"], min_score=0.4, regions=["US"])
print(sorted({hit.name for hit in presidio.search("jo@example.co.uk http://example.museum")}), opened)
"""


def test_neither_network_nor_disk_is_touched() -> None:
    """Loading and judging in a process that can reach nothing: no model, no list of suffixes, no cache."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", OFFLINE], capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("['email', 'url'] []", 0), done.stderr


def test_every_language_loads() -> None:
    """Stop words come from spaCy's tables, and all languages fit in one engine."""
    everything = {*presidio_entities(NATIONAL).values()}
    presidio = PresidioSearcher(everything, languages=[*NATIONAL], min_score=0.4, regions=["US"])
    assert {hit.name for hit in presidio.search("PESEL 44051401359, mi NIF 12345678Z")} >= {
        "pl_pesel",
        "es_dni",
    }
