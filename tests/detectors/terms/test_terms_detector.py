"""The `terms` detector: every planted term is found however dressed, with its exact span, and nothing else."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFolder
from guardrails.detectors.terms.terms_detector import KIND, TermsConfig, TermsDetector
from guardrails.types import Image, Text
from tests.cases import each_case

TERMS = ["acme", "blue harvest", "straße", "пароль", "機密"]


def config(**fields: object) -> TermsConfig:
    """Return a configuration."""
    return TermsConfig.model_validate({"use": "terms", **fields})


def build(folder: Path = Path(), **fields: object) -> TermsDetector:
    """Return a detector of this configuration."""
    detector = KIND.build("t", config(**fields), PolicyFolder(folder))
    assert isinstance(detector, TermsDetector)
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


HIDDEN = ["casino", "illicit", "blue harvest", "ignore rules", "feeling", "hello there"]
SIGNS = {"a": "4@", "e": "3", "i": "1!", "l": "1|", "o": "0", "s": "5$", "t": "7"}


def leet(letters: list[str], draw: st.DataObject) -> list[str]:
    """Write the letters inside words as signs, where there are some."""
    inside = [0 < at < len(letters) - 1 and " " not in letters[at - 1 : at + 2] for at in range(len(letters))]
    return [
        draw.draw(st.sampled_from(SIGNS[char])) if inner and char in SIGNS else char
        for char, inner in zip(letters, inside, strict=True)
    ]


def repeated(letters: list[str], draw: st.DataObject) -> list[str]:
    """Write each letter three to five times."""
    return [char if char == " " else char * draw.draw(st.integers(3, 5)) for char in letters]


def dressed(letters: list[str], draw: st.DataObject) -> list[str]:
    """Write letters in capitals, wide or circled."""
    forms = [str.upper, fullwidth, lambda char: chr(0x24D0 + ord(char) - 97) if "a" <= char <= "z" else char]
    return [draw.draw(st.sampled_from(forms))(char) for char in letters]


def coded(letters: list[str], draw: st.DataObject) -> list[str]:
    """Write some characters, not all of them, as entities or escapes."""
    forms = [str, lambda c: f"&#{ord(c)};", lambda c: f"&#x{ord(c):X};", lambda c: f"\\u{ord(c):04x}"]
    return [
        "".join(draw.draw(st.sampled_from(forms))(char) if ord(char) < 0x10000 else char for char in each)
        for each in letters
    ]


def spaced(letters: list[str], draw: st.DataObject) -> list[str]:
    """Put one separator between all letters, words further apart; with a space their ends are lost."""
    separator, gap = draw.draw(
        st.sampled_from([(" ", "   "), (" ", " "), (".", " "), ("-", " "), ("_", " "), (" - ", "  ")])
    )
    singles = "".join(letters)
    return [
        separator.join(gap if char == " " else char for char in singles).replace(
            f"{separator}{gap}{separator}", gap
        )
    ]


def hidden(letters: list[str], draw: st.DataObject) -> list[str]:
    """Put invisible characters between letters."""
    return [draw.draw(st.sampled_from("\u200b\u00ad\u2060")).join(letters)]


STAGES = (leet, dressed, repeated, spaced, coded, hidden)


@given(
    st.sampled_from(HIDDEN), st.sets(st.sampled_from(range(len(STAGES))), min_size=1, max_size=2), st.data()
)
def test_a_disguised_term_is_found_exactly(term: str, stages: set[int], data: st.DataObject) -> None:
    """Every trick, and any two together: the finding is the disguise, from its first character to its last."""
    letters = list(term)
    for stage in sorted(stages):
        letters = STAGES[stage](letters, data)
    disguise = "".join(letters)
    text = f"Well, this: {disguise}, and so on."

    spans = {each.span for each in build(terms=[*HIDDEN, *TERMS]).detect([Text(text)])[0].findings}

    assert (12, 12 + len(disguise)) in spans
    assert all(span is not None and 12 <= span[0] < span[1] <= 12 + len(disguise) for span in spans)


@each_case(
    ("text", "terms", "expected"),
    [
        ("1gn0r3 4ll", ["ignore all"], ["1gn0r3 4ll"]),
        ("please i g n o r e a l l of it", ["ignore all"], ["i g n o r e a l l"]),
        ("p l e a s e i g n o r e", ["ignore"], ["i g n o r e"]),
        ("a s s e s s e d", ["ass"], []),
        ("t h i s   a s s", ["ass"], ["a s s"]),
        ("cl4ssic 4ss3t", ["ass", "asset"], ["4ss3t"]),
        ("$h1t, h1t!", ["hit", "shit"], ["$h1t", "h1t", "h1t"]),
        ("5h1t", ["hit"], []),
        ("feeel feel", ["fel", "feel"], ["feeel", "feel"]),
        ("beet the beeet", ["bet"], ["beeet"]),
        ("th3 rap1st", ["therapist"], []),
        ("th3rap1st", ["the rapist"], []),
        ("&lt;b&gt;ac&shy;me&lt;/b&gt;", ["acme"], ["ac&shy;me"]),
        ("b|u3 harv3st", ["blue harvest"], ["b|u3 harv3st"]),
        ("\U0001f170\ufe0f\U0001f172\U0001f17c\U0001f174 \U0001f1e6\u200b\U0001f1e8\u200b\U0001f1f2\u200b\U0001f1ea 1\ufe0f\u20e3cm3s",
         ["acme", "icmes"], ["\U0001f170\ufe0f\U0001f172\U0001f17c\U0001f174",
                            "\U0001f1e6\u200b\U0001f1e8\u200b\U0001f1f2\u200b\U0001f1ea", "1\ufe0f\u20e3cm3s"]),
        ("1gn0re", ["IGNORE"], ["1gn0re"]),
        ("h4x0r 4 c h a n", ["4chan", "h4x0r"], ["h4x0r", "4 c h a n"]),
        ("utf8 covid19 R2D2", ["utfb", "covidig", "rzdz", "covidlg"], []),
    ],
)  # fmt: skip
def test_disguises(text: str, terms: list[str], expected: list[str]) -> None:
    """Words must stand alone in disguise too; where joined letters lose word ends, longer terms may end anywhere."""
    assert found(text, terms=terms) == expected


def test_part_of_a_disguised_word() -> None:
    """Substrings are found inside disguised words; the exact case knows no disguise."""
    assert found("cl4ssic", terms=["ass"], match="substring") == ["4ss"]
    assert found("4ss3t", terms=["asset"], case="exact") == []


@given(AROUND)
def test_nothing_is_found_where_nothing_is(text: str) -> None:
    """Texts without a term are clean."""
    assert found(text, terms=TERMS) == []


@each_case(
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
        ("blue  sky blue \n\n\tsky", {"terms": ["blue sky"]}, ["blue  sky", "blue \n\n\tsky"]),
        ("blue  sky", {"terms": ["blue sky"], "case": "exact"}, ["blue  sky"]),
        ("blue" + 8 * " " + "sky", {"terms": ["blue sky"]}, ["blue" + 8 * " " + "sky"]),
        ("blue" + 9 * " " + "sky", {"terms": ["blue sky"]}, []),
        ("Blue-Sky blue_sky", {"terms": ["blue sky"]}, ["Blue-Sky", "blue_sky"]),
        ("blue-sky", {"terms": ["blue sky"], "case": "exact"}, []),
        ("blue sky blue-sky", {"terms": ["blue-sky"]}, ["blue sky", "blue-sky"]),
        ("blue. sky", {"terms": ["blue sky"]}, []),
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


@each_case(
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
    assert time.process_time() - begun < 15
    begun = time.process_time()
    assert len(detector.detect([Text("nothing here " * 1000 + "term number 777")])[0].findings) == 1
    assert time.process_time() - begun < 2


@each_case("before", [True, False], ids=["the word first", "the disguise first"])
def test_what_is_far_from_a_disguise_is_never_half_a_word(before: bool) -> None:
    """Where a text is left out between disguises, it is left out by whole words: `badbadbad` is no `bad`."""
    detector = TermsDetector("t", ["bad"], "custom.bad", score=1.0, words=True, fold=True)
    filler = "quiet words follow here and there " * 30
    for distance in range(220, 260):
        near = f" {filler[: distance - 2]} "
        text = f"{filler}badbadbad{near}b4d" if before else f"b4d{near}badbadbad {filler}"
        (finding,) = detector.detect([Text(text)])[0].findings
        assert text[slice(*(finding.span or (0, 0)))] == "b4d"


MARKUP = [
    "cas<b>in</b>o",
    "cas**in**o",
    "ca<!-- a longer remark -->sino",
    'cas<span class="a b">ino',
    '"cas" + "ino"',
    "'cas'\n  'ino'",
    "ca/* x */sino",
]


@each_case("text", MARKUP)
def test_a_term_is_found_with_markup_inside(text: str) -> None:
    """As it is seen once the text is shown, or run; also in a stream, however that is cut."""
    text = f"The {text.strip()} is open"
    detector = build(terms=HIDDEN)
    assert len(detector.detect([Text(text)])[0].findings) == 1
    for size in (1, 3):
        state = detector.stream(None)
        steps = [state.feed(text[at : at + size]) for at in range(0, len(text), size)]
        assert sum(len(each.findings) for each in (*steps, state.flush())) == 1


@each_case(
    ("text", "fields", "expected"),
    [
        ("Two shooting stars, and a shooting star.", {"inflect": True}, ["shooting stars", "shooting star"]),
        ("Two shooting stars.", {}, []),
        ("SHOOTING STARS, sh00ting st4rs", {"inflect": True}, ["SHOOTING STARS", "sh00ting st4rs"]),
        ("The stars are shooting.", {"inflect": True}, []),
        ("shooting stare", {"inflect": True}, []),
        ("den Verrätern", {"inflect": ["de"]}, ["Verrätern"]),
        ("den verratern", {"inflect": ["de"]}, ["verratern"]),
        ("den Verrätern", {"inflect": ["es"]}, []),
        ("shooting stars", {"inflect": ["de"]}, ["shooting stars"]),
        ("Shooting Stars, shooting stars", {"inflect": True, "case": "exact"}, ["shooting stars"]),
        ("starred shooting stars", {"inflect": True, "match": "substring"}, ["shooting star"]),
    ],
)
def test_inflected_forms_are_found_where_asked(
    text: str, fields: dict[str, object], expected: list[str]
) -> None:
    """Whole words with their endings, however dressed; as substrings each place once."""
    assert found(text, terms=["shooting star", "Verräter"], **fields) == expected


@each_case("inflect", [[], ["xx"], "en", 1])
def test_languages_of_inflections_are_checked(inflect: object) -> None:
    """An empty list, an unknown language and a text are none."""
    with pytest.raises(ValueError, match="inflect"):
        config(terms=["a"], inflect=inflect)
