"""How the answer is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.diff_page import render_html
from guardrails.authoring.diff.diff_report import (
    FEW,
    ReportSection,
    build_sections,
    render_answer,
    render_markdown,
    render_text,
    render_title,
    render_value,
)
from guardrails.authoring.diff.difference import PolicyDiff, compare_policies
from guardrails.authoring.diff.gates import parse_limit
from guardrails.authoring.diff.traffic import pairs
from guardrails.authoring.rows import ContentRow
from tests.authoring.reports.report_kit import without_own_script
from tests.cases import each_case

Versions = Callable[..., tuple[PolicyVersion, PolicyVersion]]

NASTY = "a forbidden <script>alert(1)</script> `|` @everyone \x1b[31m\u202e [x](http://x.example)"


@pytest.fixture
def found(versions: Versions) -> PolicyDiff:
    """An answer with changes, a block that is lost on a nasty text, gates and a row that cannot be judged."""
    old, new = versions(("then: block, message", "then: flag, message"), ('"1.0.0"', '"1.0.1"'))
    made = compare_policies(old, new)
    rows = [
        ContentRow("t.jsonl:1", "input", NASTY, tenant="a|b"),
        ContentRow("t.jsonl:2", "input", 5),
        ContentRow("t.jsonl:3", "output", "fine"),
    ]
    pairs.compare_rows(*pairs.load_guards(old, new), rows, made.effects)
    made.traffic = "t.jsonl"
    made.judge({"max_new_allows": parse_limit("0"), "max_new_blocks": parse_limit("1%")})
    return made


def test_people_read_everything(found: PolicyDiff) -> None:
    """Changes with places, decisions, rules, gates and examples stand in the text, and nothing in it moves a terminal."""
    told = "\n".join(render_text(build_sections(found)))
    for words in (
        "the change is minor; the least version after 1.0.0 is 1.1.0",
        "rule word.block (then)",
        "block → flag",
        "3 rows of t.jsonl: 1 decisions change (33.33%)",
        "1 could not be judged by both: old: TypeError 1, new: TypeError 1",
        "word.block",
        "EXAMPLES: STOPPED OR REDACTED BEFORE, AND LESS NOW",
        "max-new-allows  0      1     1           exceeded",
    ):
        assert words in told, words
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert render_title(found) == "small 1.0.0 → 1.0.1"
    assert render_answer(found).startswith("not ready: --max-new-blocks 1% is exceeded")


def test_markdown_holds_no_traffic_and_no_markup(found: PolicyDiff) -> None:
    """A comment is read by more people than the traffic: no text of it, and nothing that mentions, links or breaks the table."""
    told = render_markdown(found)
    assert "forbidden <" not in told
    assert "@everyone" not in told
    assert told.startswith("### guardrails diff: small 1.0.0 → 1.0.1\n\n❌ ")
    for table in re.findall(r"(?:^\|.*\n)+", told, re.MULTILINE):
        assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1, table


class Elements(HTMLParser):
    """Collects the names of elements."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.names.add(tag)


def test_the_page_has_no_script_of_the_traffic(found: PolicyDiff) -> None:
    """Texts are escaped, and what one does not see is made visible."""
    told = render_html(found)
    parser = Elements()
    parser.feed(without_own_script(told))
    assert "script" not in parser.names
    assert {"table", "h1", "article"} <= parser.names
    assert "⟨U+202E⟩" in told
    assert "Not ready" in told


@each_case(
    ("old", "new", "expected"),
    [
        (None, "x", "none → x"),
        (0.5, 0.7, "0.5 → 0.7"),
        (["a", "b"], ["b", "c"], "-a +c"),
        (["a", "b"], ["b", "a"], "in another order"),
        ([], [*"abcdefgh"], "+a, b, c, d, e, … (8)"),
        ({"text": "mask"}, {}, '{"text": "mask"} → {}'),
        (f"{'x ' * 100}hate >= 0.8{' y' * 100}", f"{'x ' * 100}hate >= 0.9{' y' * 100}", "…x x x hate >= 0.8 y y y y y y y y… → …x x x hate >= 0.9 y y y y y y y y…"),
    ],
)  # fmt: skip
def test_a_value_is_shown_by_what_differs(old: object, new: object, expected: str) -> None:
    """Of lists what came and went, of long texts what is around the difference."""
    assert render_value(old, new) == expected


def test_long_tables_say_how_much_is_left_out() -> None:
    """Nobody reads a thousand rows; that there are more is said."""
    section = ReportSection("many", (), ("n",), [(str(number),) for number in range(FEW + 3)])
    assert [*render_text([section])][-1] == "  and 3 more"
    assert [*render_text([ReportSection("empty")])] == []


def test_without_gates_nothing_is_called_ready() -> None:
    """An answer to a question that nobody asked is none."""
    assert render_answer(PolicyDiff(None, None)) == "no gate was set"
    assert render_title(PolicyDiff(None, None)) == "policy change"
