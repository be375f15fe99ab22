"""Links in streams: what is found before a watermark is what the detector finds in the whole text, however it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors import PolicyFolder
from guardrails.detectors.urls import urls_stream
from guardrails.detectors.urls.urls_detector import KIND, UrlsConfig, UrlsDetector
from guardrails.detectors.urls.urls_stream import UrlStream
from guardrails.types import Finding, Text
from tests.cases import each_case, scale


def build(**fields: object) -> UrlsDetector:
    """Return a detector of this configuration."""
    detector = KIND.build("u", UrlsConfig.model_validate({"use": "urls", **fields}), PolicyFolder(Path()))
    assert isinstance(detector, UrlsDetector)
    return detector


PLAIN = build()
LISTS = build(allow=["allowed.com"], deny=["evil.com"])
DATA = "c2VjcmV0IHZhbHVlIG9mIHRoZSB1c2Vy"
LINKS = [
    "https://allowed.com/a?b=c", "http://evil.com", "evil.com", "www.evil.co", "//evil.com/x", "ht\ntp://evil.com", "https://a.b\n@evil.com/", "evil.co\nm", "10.0.0.1/x",
    "javascript:", "javascript: alert(1)", "java\nscript:x", "java&#115;cript&colon; x", "data:text/html,<b>", 'data:text/html;a="b",<i>', "mailto:a@evil.com", "hxxp://evil[.]com",
    "evil&period;com/a", "https&colon;//evil.com", "evil\u3002com", "\uff45vil.com/x", "https\uff1a//evil.com", "localhost:80/a", "p\u0430ypal.com/a", "evil(dot)com", "e.vil.com,http://b.com",
    f"https://evil.com/?q={DATA}", "https://x.com/(a b)", "https://x.com/(a\u3001b)", "http:\n//evil.com", "evil&#46;com", "https://evil.com/a%20b", "1.2.3.4:80", "me@evil.com",
]  # fmt: skip
FRAMES = [
    "![alt](", "](", ")", "[a]: ", "\n[a]: <", '<img src="', "<a href='", '">', "'>", 'href = "', "srcset=\"a.png 1x, ", 'content="0; url=', "url(", "@import '", "=", "&", "&amp;", "&Tab;", "&NewLine;", "(", "[", '"', "<", ">",
]  # fmt: skip
PROSE = [
    " ", " ", " ", "\n", "\r\n", "\t", ". ", ", ", ": ", "word ", "so it is, e.g. this. ", "if (a) { b(); }\n", '{"a":"b","c":1}', "\u65e5\u672c", "\u3002", "\uff0c", "\u3001", "\uff1f", "\u300d",
    "\u3000", "\uff01\n", "é", "e\u0301", "\u200b", "a", "com", ".", "/", ":", "\ud800", "t:",
]  # fmt: skip
texts = st.lists(st.sampled_from(LINKS) | st.sampled_from(FRAMES) | st.sampled_from(PROSE), max_size=9).map(
    "".join
)


def merged(findings: Iterable[Finding]) -> set[tuple[str, float, int, int]]:
    """Return what is found, each category's overlapping links as one: whether they are depends on the rest of a text."""
    out: list[tuple[str, float, int, int]] = []
    for leaf, start, end, score in sorted(
        (each.category, *(each.span or (0, 0)), each.score) for each in findings
    ):
        if out and out[-1][0] == leaf and start < out[-1][3]:
            out[-1] = (leaf, max(score, out[-1][1]), out[-1][2], max(end, out[-1][3]))
        else:
            out.append((leaf, score, start, end))
    return {*out}


def disagreement(detector: UrlsDetector, text: str, parts: Sequence[str]) -> str:
    """Return what is wrong with a stream; nothing if all is right."""
    expected = merged(detector.detect([Text(text)])[0].findings)
    stream, found, last, length = detector.stream(None), list[Finding](), 0, 0
    for part in [*parts, None]:
        detection = stream.flush() if part is None else stream.feed(part)
        assert detection.settled == stream.settled
        found += detection.findings
        settled, length = stream.settled, length + len(part or "")
        before = {each for each in expected if each[2] < settled}
        over = any(end > settled for _, _, _, end in before)
        if not last <= settled <= length or merged(found) != before or over:
            return f"at {settled} of {length}: {merged(found) ^ before}"
        last = settled
    return "" if last == len(text) else f"{last} of {len(text)} settled"


@pytest.mark.parametrize("detector", [PLAIN, LISTS], ids=["plain", "lists"])
@given(data=st.data(), text=texts)
@settings(max_examples=scale(400))
def test_streams_find_what_the_detector_finds(detector: UrlsDetector, data: st.DataObject, text: str) -> None:
    """Links in any dress and embedding, whole and broken off, for random cuts and for each character alone."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert disagreement(detector, text, parts) == ""
    assert disagreement(detector, text, list(text)) == ""


@pytest.mark.parametrize(
    "text",
    ["a.co\nm x.com", 'h="a.\ncom"', "x: //a.co ", "\u3002a.com\uff0cb", "t\n: a.b/c", "a.b\u3001c.d/e"],
)
def test_all_cuts_of_short_texts(text: str, every_cut: Callable[[str], Iterator[list[str]]]) -> None:
    """Each of the 2^(n-1) ways to cut it."""
    assert [parts for parts in every_cut(text) if disagreement(PLAIN, text, parts)] == []


@each_case("link", LINKS)
@each_case(
    "frame",
    [
        "so %s it is", "%s", "see %s.", "a %s\nb", "![an image of it](%s \"title\") b", "[text](  %s) b", "\n[name]: <%s> b", "<img alt=x src=\"%s\"> b", "<a href='x\n%s\ny'> b",
        "<img srcset=\"a.png 1x, %s 2x\"> b", "{\"a\":\"%s\",\"b\":\"c\"} b", "\u8bf7\u770b\uff0c%s\uff0c\u518d\u89c1\u3002\n\u597d", "href = \"" + "w " * 150 + "\n%s\" b", "(%s) b",
    ],
)  # fmt: skip
def test_links_wherever_they_stand(link: str, frame: str) -> None:
    """Character by character and in chunks of four, what embeds a link being far away or near."""
    text = frame.replace("%s", link)
    assert disagreement(LISTS, text, list(text)) == ""
    assert disagreement(LISTS, text, [text[at : at + 4] for at in range(0, len(text), 4)]) == ""


@each_case(
    ("text", "held"),
    [
        ("", 0), ("some words", 5), ("some words ", 0), ("some words, and so", 2), ("as follows: ", 9), ("as follows: it", 11), ("as follows: it is", 2), ("see https://a.com/x", 15),
        ("see https://a.com/x ", 0), ("![alt](", 7), ("![an alt](", 5), ('{"a":"b","c', 1), ("\u65e5\u672c\u8a9e\uff0c\u672c", 1), ("\u65e5\u672c\u8a9e\u3002\u672c", 5),
        ("\u65e5\u672c\u8a9e\uff1f\n\u672c", 1), ("one\ntwo", 7), ("one.\ntwo", 3), ("a.co\nm", 6), ('href="a.\nb', 4), ("data:x;a=\"b\"", 12),
    ],
)  # fmt: skip
def test_how_much_is_held(text: str, held: int) -> None:
    """The current word, or the clause where there are no spaces; a colon and a space may be a script's."""
    stream = PLAIN.stream({"system": "any"})
    for char in text:
        stream.feed(char)
    assert len(text) - stream.settled == held


@each_case(
    "piece", ["word ", "a", "a.b ", "https://a.b/c ", '"a":', "\u672c", "\u672c\uff0c", "(", "\n", "x\n.", "![", ": ", "href='"]
)  # fmt: skip
def test_the_work_is_linear(piece: str) -> None:
    """Characters that are looked at are a bounded multiple of those that come, where all of them are held too."""
    text = (piece * 2_500)[:2_500]
    stream = UrlStream(PLAIN)
    for at in range(0, len(text), 4):
        stream.feed(text[at : at + 4])
    stream.flush()
    assert stream.settled == len(text)
    assert stream.scanned <= (4 + urls_stream.FAR) * len(text)


def test_a_stream_that_has_ended_takes_nothing_more() -> None:
    """A caller that goes on has made a mistake."""
    stream = UrlStream(PLAIN)
    stream.flush()
    for call in (stream.flush, lambda: stream.feed("a")):
        with pytest.raises(ValueError, match="the stream has ended"):
            call()


MUTANTS: dict[str, tuple[Any, str, Any]] = {
    "text is cut anywhere": (UrlStream, "_cut", lambda self: len(self._rest)),
    "all signs end a link": (UrlStream, "_ends", lambda self, at: True),
    "nothing in front is seen": (urls_stream, "NEAR", 1),
    "all lines end a link": (UrlStream, "_ends_line", lambda self, at: True),
}


@each_case("mutant", MUTANTS)
def test_the_tests_catch_each_mistake(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation with one of the known mistakes fails for some text."""
    monkeypatch.setattr(*MUTANTS[mutant])
    texts = [
        "see evil.com ",
        "javascript: alert(1) x",
        f"![a]( https://a.com/?q={DATA} )",
        'href="a.\ncom/x"',
        "evil.co\nm",
    ]
    assert [text for text in texts if disagreement(PLAIN, text, list(text))]
