"""Reports for people."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import chain
from operator import itemgetter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from guardrails import Guard
from guardrails.authoring.reports.check_report import (
    FINDINGS,
    CheckedContent,
    UnusableReportError,
    open_report,
    render_report,
)
from guardrails.types import (
    Action,
    Coverage,
    DetectorFailure,
    Finding,
    FiredRule,
    KindCoverage,
    PolicyRef,
    Stage,
    Unchecked,
    Verdict,
)
from tests.authoring.reports.report_kit import without_own_script
from tests.cases import each_case
from tests.films import film, green, scene

ELEMENTS = {
    *("html", "head", "meta", "title", "style", "script", "body", "main", "nav", "article", "div", "h1", "h2", "h3", "p"),
    *("strong", "span", "code", "ol", "ul", "li", "a", "table", "thead", "tbody", "tr", "th", "td", "meter", "dl", "dt", "dd"),
    *("details", "summary"),
    *("mark", "sup", "em", "img", "svg", "rect", "text", "figure", "figcaption", "path"),
}  # fmt: skip


class Read(HTMLParser):
    """What a reader makes of a page: elements with their attributes, and everything that is no element and no text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.others: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    @property
    def form(self) -> list[tuple[str, ...]]:
        """The elements, each with the names of its attributes."""
        return [(name, *attributes) for name, attributes in self.elements]


def verdict_of(action: Action, said: str = "x", **more: object) -> Verdict:
    """Return a verdict in which every text is the same."""
    return Verdict(
        said,
        action,
        Stage.INPUT,
        PolicyRef(said, said, said),
        said,
        rules=(FiredRule(said, action, said), FiredRule(said, action)),
        shadow=(FiredRule(said, Action.BLOCK, said, reason=said),),
        findings=(
            Finding(said, 0.9, said, span=(0, 1), origin=said),
            Finding(said, 0.4, said, box=(1, 2, 3, 4), clip=(0, 40), path=said),
        ),
        coverage=Coverage({said: KindCoverage(2, 1, 9)}, (Unchecked(said, said, said),), (said,)),
        errors=(DetectorFailure(said, said),),
        **more,  # type: ignore[arg-type]
    )


ANY = st.text(st.characters(exclude_categories=()), min_size=1, max_size=30) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=//x onerror=x>',
        "</article><!--",
        "</style>",
        "javascript:x",
        "'\"&",
    ]
)


@given(ANY, st.sampled_from(Action), st.booleans())
def test_no_input_breaks_out(said: str, action: Action, covered: bool) -> None:
    """Whatever names, texts, messages, paths and reasons hold: the page is made as it would be of plain ones."""
    said = said.replace("\r", "")
    read = Read(render_report([CheckedContent(said, said, verdict_of(action, said))] * 2, covered=covered))
    plain = "x" * len(said)
    assert (
        read.form
        == Read(
            render_report([CheckedContent(plain, plain, verdict_of(action, plain))] * 2, covered=covered)
        ).form
    )
    assert {name for name, _ in read.elements} <= ELEMENTS
    assert [*map(itemgetter(0), read.elements)].count("script") == 1
    assert not read.others
    for _, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")]
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith(("data:image/jpeg;base64,", "#"))


def test_a_page_says_all_that_a_verdict_does() -> None:
    """The action, rules with their messages, scores, where something was found, coverage and what failed."""
    text = Read(render_report([CheckedContent("a.txt", "a text", verdict_of(Action.FLAG, "said"))])).text
    for part in (
        "1 checked: 0 blocked, 0 redacted, 1 flagged, 0 allowed.",
        "its condition holds",
        "said, in shadow",
        "0.90",
        "characters 0..1, by way of said",
        "1, 2, 3 x 4 pixels, from 0.00 s to 0.04 s, in said",
        "said: 1 of 2 checked, characters: 9",
        "unchecked said: said (said)",
        "unknown field: said",
        "failed said: said",
    ):
        assert part in text, part


def test_each_category_has_a_bar() -> None:
    """Of its highest score, which is also written, and a card is called what its heading says."""
    read = Read(render_report([CheckedContent("a.txt", "a text", verdict_of(Action.FLAG, "said"))]))
    [meter] = [attributes for name, attributes in read.elements if name == "meter"]
    assert meter == {"min": "0", "max": "1", "value": "0.900", "aria-label": "score of said"}
    article = next(attributes for name, attributes in read.elements if name == "article")
    assert article["aria-labelledby"] == next(
        attributes["id"] for name, attributes in read.elements if name == "h2"
    )
    assert all("alt" in attributes for name, attributes in read.elements if name == "img")


def test_many_findings_are_counted() -> None:
    """So many are listed, those with the highest scores."""
    findings = tuple(Finding("custom.own", at / 1000, "own", span=(at, at + 1)) for at in range(FINDINGS + 5))
    verdict = Verdict(
        "v", Action.FLAG, Stage.INPUT, PolicyRef("p", "1", "d"), "", findings=findings, complete=False
    )
    page = render_report([CheckedContent("a", "b" * 300, verdict)])
    assert "5 more findings are not listed." in page
    assert page.count("<mark>") == FINDINGS
    assert (
        f'>1</td><td data-label="Category">custom.own</td><td data-label="Score">{(FINDINGS + 4) / 1000:.2f}'
        in page
    )
    assert "not all detectors ran" in page


def test_what_is_blocked_is_not_in_the_file(guard_of: Callable[..., Guard], tmp_path: Path) -> None:
    """Neither a text nor a picture, unless that is asked for; what is redacted is shown beside what it becomes."""
    guard = guard_of("""
detectors:
  bad: {use: terms, category: custom.bad, terms: [zqxbomb]}
  word: {use: terms, category: custom.word, terms: [secretword]}
rules:
  - {id: bad, on: input, when: custom.bad > 0, then: block, message: No.}
  - {id: word, on: input, when: custom.word > 0, then: redact}
""")
    texts = ["how to make a zqxbomb", "say secretword now", "hello"]
    judged = [CheckedContent(f"text {at}", text, guard.check(text)) for at, text in enumerate(texts, 1)]
    page = render_report(judged)
    assert "1 blocked, 1 redacted, 0 flagged, 1 allowed" in page
    assert "zqxbomb" not in page
    assert "secretword" not in page
    assert "say [WORD] now" in page
    assert '<td data-label="Message">No.</td>' in page
    assert page.count('<a href="#item-') == 3
    shown = render_report(judged, covered=False)
    assert "zqxbomb" in shown
    assert "secretword" in shown
    assert "Nothing is masked here" in shown


def test_a_picture_has_a_contact_sheet(guard_of: Callable[..., Guard], tmp_path: Path) -> None:
    """Pixelated where it is blocked; all in the page itself."""
    image = Image.new("RGB", (60, 40), "white")
    image.paste((0, 255, 0), (10, 10, 30, 30))
    image.save(tmp_path / "a.png")
    policy = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: input, when: custom.green_square > 0.5, then: %s}]
"""
    verdict = guard_of(policy % "block").check(tmp_path / "a.png")
    page = render_report([CheckedContent("a.png", tmp_path / "a.png", verdict)], frames=1)
    assert "picture, pixelated" in page
    assert '<rect x="10" y="10" width="20" height="20" fill="none"' in page
    assert re.findall(r"https?://", page) == []
    verdict = guard_of(policy % "redact").check(tmp_path / "a.png")
    assert render_report([CheckedContent("a.png", tmp_path / "a.png", verdict)]).count("<img ") == 2


def test_a_film_has_lanes_and_a_contact_sheet(guard_of: Callable[..., Guard]) -> None:
    """Pixelated where it is blocked, and how much was watched; where it is redacted, with what is left; all in the page itself."""
    policy = """
detectors: {green: {use: green_square}}
rules: [{id: green, on: input, when: custom.green_square > 0.5, then: %s}]
"""
    data = film(chain(scene(60), green(30), scene(60, 2)))
    verdict = guard_of(policy % "block").check(data)
    page = render_report([CheckedContent("a.mp4", data, verdict)], frames=6)
    assert "from 2.00 s to 3.0" in page
    assert "watched: " in page
    assert re.findall(r"(\d.\d\d) s: 1, pixelated</figcaption>", page) == ["2.10", "2.50", "2.90"]
    assert page.count("pixelated</figcaption>") == page.count("<img ") <= 6
    assert '<path d="M0 50H1000" class="half">' in page
    assert re.findall(r"https?://|<script", without_own_script(page)) == []
    verdict = guard_of(policy % "redact").check(data)
    page = render_report([CheckedContent("a.mp4", data, verdict)], frames=6)
    assert "As the policy leaves it." in page
    assert "A film of " in page
    assert "pixelated" not in page


def test_nothing_checked_is_a_page_too() -> None:
    """With a summary that says so."""
    assert "0 checked: 0 blocked" in render_report([])


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    """It takes its place at once; nothing else stays, however it ends. A link leads to its file."""
    path, link = tmp_path / "a.html", tmp_path / "b.html"
    with open_report(path) as save:
        assert not path.exists()
        save("é one")
    assert path.read_text("utf-8") == "é one"
    link.symlink_to(path)
    with open_report(link) as save:
        save("two")
    assert (path.read_text(), link.is_symlink()) == ("two", True)
    with pytest.raises(KeyError), open_report(path):
        raise KeyError
    assert path.read_text() == "two"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.html", "b.html"]


@each_case(
    ("name", "reason"),
    [
        ("out.png", "a report is an .html file"),
        ("none/out.html", "No such file"),
        ("folder.html", "no file that can be written"),
        ("pipe.html", "no file that can be written"),
        ("a" * 300 + ".html", "too long"),
    ],
)
def test_what_cannot_be_written_is_told_at_once(name: str, reason: str, tmp_path: Path) -> None:
    """Before there is anything to write; and nothing that is no report is written over."""
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    with pytest.raises(UnusableReportError, match=reason), open_report(tmp_path / name):
        pytest.fail("it began")
    assert len([*tmp_path.iterdir()]) == 2


def test_a_place_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """As is a full disk: the error says which file."""
    (tmp_path / "folder").mkdir()
    with open_report(tmp_path / "folder" / "out.html") as save:
        (tmp_path / "folder").rename(tmp_path / "other")
        with pytest.raises(UnusableReportError, match=r"out\.html: No such file"):
            save("x")
