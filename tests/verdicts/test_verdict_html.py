"""A verdict as a notebook shows it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard, Verdict
from guardrails.types import (
    Action,
    Coverage,
    DetectorFailure,
    Finding,
    FiredRule,
    PolicyRef,
    Stage,
    Unchecked,
)
from guardrails.verdicts.verdict_html import LISTED, SHOWN, render_verdict
from tests.cases import each_case

TAGS = {"div", "b", "small", "table", "tr", "th", "td", "pre"}
EVIL = '<img src=x onerror="alert(1)">&amp;</td></pre><script>'


class Seen(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


def verdict(text: str = "x", content: Any = None, findings: int = 1) -> Verdict:
    """Return a verdict with a text wherever one may stand."""
    return Verdict(
        id=f"vd_{text}",
        action=Action.REDACT,
        stage=Stage.INPUT,
        policy=PolicyRef(text, text, "sha256:1"),
        content=text if content is None else content,
        rules=(FiredRule(text, Action.REDACT, message=text, reason=text),),
        findings=tuple(
            Finding(text, 0.5, text, span=(at, at + 1), path=text, origin=text) for at in range(findings)
        ),
        coverage=Coverage(unchecked=(Unchecked(text, text, text),)),
        errors=(DetectorFailure(text, text, text),),
        timings_ms={"total": 1.234},
    )


def test_it_shows_what_decided_and_what_was_found() -> None:
    """Action, rules, findings with their places, what was not judged, and what is left of the content."""
    found = Guard.load("pii-only").check("mail jo@example.com", "output")
    seen = Seen(found._repr_html_())

    assert seen.tags <= TAGS
    assert {"REDACT", "pii.email", "span [5, 19]", "mail [EMAIL]"} <= set(seen.texts)
    assert found.rules[0].id in seen.texts
    assert "jo@example.com" not in found._repr_html_()
    assert found._repr_html_() == render_verdict(found.to_dict())


@given(st.one_of(st.just(EVIL), st.text(min_size=1)))
def test_every_text_is_escaped(text: str) -> None:
    """Whoever wrote it: rules, errors and contents are texts and no HTML."""
    seen = Seen(verdict(text)._repr_html_())

    assert seen.tags <= TAGS
    assert seen.attributes <= {"style", "colspan"}


@each_case(
    ("content", "shown"),
    [
        ({"a": ["ü", 1]}, '{"a": ["ü", 1]}'),
        (["<b>"], '["<b>"]'),
        ("", ""),
        ("x" * (SHOWN + 1), "x" * SHOWN + "…"),
    ],
)
def test_contents_that_are_no_text(content: Any, shown: str) -> None:
    """As JSON; of a long one the beginning, and none of what has no form that can be shown."""
    assert "".join(Seen(verdict("t", content)._repr_html_()).texts).endswith(shown)
    assert "<pre" not in render_verdict({**verdict("t").to_dict(), "content": None})


def test_long_lists_are_cut() -> None:
    """The rest is counted."""
    page = verdict("t", findings=LISTED + 3)._repr_html_()

    assert page.count("span [") == LISTED
    assert "and 3 more" in page
