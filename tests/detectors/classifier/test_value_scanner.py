"""What stands in the values of texts that are structured by their punctuation, whether or not a parser takes them."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable

import yaml
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.classifier.value_scanner import SHORTEST, scan_values
from tests.cases import each_case

NOTES = [
    'The boat\'s captain said "no" & went off to the harbour.',
    "They met in the park, which was green.",
    "Please let me know when you are coming over",
    "Ok thanks",
    "Nobody knows the trouble, that I have seen.",
    "It was late; everybody had gone home by then.",
]
Rows = list[dict[str, object]]
ROWS: Rows = [{"id": 100 + at, "note": note, "state": "open"} for at, note in enumerate(NOTES)]
WRITTEN = json.dumps(ROWS, indent=1)
WORDS = re.compile(r"[^\W\d_]+")


def write_table(quoting: int, delimiter: str = ",") -> str:
    """Return the rows as a table of cells."""
    out = io.StringIO()
    csv.writer(out, quoting=quoting, delimiter=delimiter).writerows(row.values() for row in ROWS)  # type: ignore[arg-type]
    return out.getvalue()


def write_markup(row: Callable[[dict[str, str]], str]) -> str:
    """Return the rows as markup, each by a function of its values, which have entities in them."""
    escaped = [{key: html.escape(str(value)) for key, value in each.items()} for each in ROWS]
    return f"<rows>{''.join(map(row, escaped))}</rows>"


FORMS = [
    ("a comma too many", WRITTEN[:-2] + ",\n]"),
    ("cut off", WRITTEN + ', {"id": 7, "note": "an'),
    ("with prose around", f"This is what the search gave to us today, as far as it goes:\n{WRITTEN}\nThat is all."),
    ("in a fence", f"```json\n{WRITTEN}\n```"),
    ("with a mark of byte order", f"\ufeff{WRITTEN}"),
    ("with comments", WRITTEN.replace("},", "}, // a row")),
    ("without quotes around keys", re.sub(r'"(\w+)":', r"\1:", WRITTEN)),
    ("a line for each row", "\n".join(map(json.dumps, ROWS))),
    ("one row behind the other", "".join(map(json.dumps, ROWS))),
    ("as Python prints it", repr(ROWS)),
    ("in a literal of Python", f"rows = {ROWS!r}\nprint(rows)"),
    ("YAML", yaml.safe_dump(ROWS)),
    ("YAML of wide lines", yaml.safe_dump(ROWS, width=500)),
    ("TOML", "\n".join(f'[[row]]\nid = {at}\nnote = {json.dumps(note)}\n' for at, note in enumerate(NOTES))),
    ("a log", "\n".join(f"12:00:0{at} INFO note={json.dumps(note)} state=open" for at, note in enumerate(NOTES))),
    ("a table of cells", write_table(csv.QUOTE_MINIMAL)),
    ("a table of quoted cells", write_table(csv.QUOTE_ALL)),
    ("a table with semicolons", write_table(csv.QUOTE_ALL, ";")),
    ("a table with tabs", "\n".join("\t".join(map(str, row.values())) for row in ROWS * 2)),
    ("a table of Markdown", "\n".join(f"| {' | '.join(map(str, row.values()))} |" for row in ROWS)),
    ("elements", write_markup(lambda row: f"<row><id>{row['id']}</id><note>{row['note']}</note></row>")),
    ("attributes", write_markup(lambda row: f'<row id="{row["id"]}" note="{row["note"]}"/>')),
    ("pictures", write_markup(lambda row: f'<img src="/{row["id"]}.png" alt="{row["note"]}">')),
    ("comments of markup", write_markup(lambda row: f"<row/><!-- {row['note']} -->")),
    ("a script in a page", f"<html><head><title>a</title></head><body><script>x = {ROWS!r}</script></body></html>"),
    ("a page in a literal", repr([{"page": write_markup(lambda row: f"<p>{row['note']}</p>")}] * 4)),
]  # fmt: skip


@each_case(("name", "text"), FORMS)
def test_each_value_is_a_part(name: str, text: str) -> None:
    """As it says, without quotes, escapes and entities around."""
    said = {" ".join(part.text.split()) for part in scan_values(text)}
    assert {*NOTES} <= said, name


@each_case(
    "text",
    [
        "",
        "plain words",
        " ".join(NOTES * 10),
        "\n".join(NOTES * 10),
        f'He said "{NOTES[1]}" and then "{NOTES[2]}" and went. ' * 10,
        "Words such as 'red', 'green', 'blue' and 'grey', are colours. " + NOTES[1] * 20,
        "Map<String, List<Integer>> rows = new HashMap<String, List<Integer>>(); " * 20,
        "Dear <name>, your order <order> of <date> was sent to <address> today. " * 20,
        "First, he came, then, he saw, and then, he went.\n" * 20,
        "Note: this is a text.\n\nSee also: the other one.\n" + NOTES[1] * 20,
        f"{ROWS[:1]!r}",
        "".join(f"<p>{letter}</p>" for letter in NOTES[0]),
    ],
)
def test_prose_has_no_values(text: str) -> None:
    """Nor have a few words in quotes, types, templates, or what is short."""
    assert scan_values(text) == []


@each_case(("name", "text"), FORMS)
def test_no_word_is_left_out(name: str, text: str) -> None:
    """What is no value is a key or plain."""
    parts = scan_values(text)
    written = {word for part in parts for word in WORDS.findall(text[part.start : part.end])}
    assert {*WORDS.findall(text)} <= written, name


@given(st.lists(st.sampled_from(['"', "'", ",", ":", "{", "<a>", "</a>", "\n", "- ", "a: ", "|", "\t", "\\", " ", "word", NOTES[0]]), max_size=80))  # fmt: skip
def test_parts_stand_in_order_and_hold_every_word(pieces: list[str]) -> None:
    """Whatever the punctuation; a part that has as many characters as it says is written so."""
    text = "".join(pieces) * 3 + WRITTEN
    parts = scan_values(text)
    end = 0
    covered = [False] * len(text)
    for part in parts:
        assert 0 <= part.start <= part.end <= len(text)
        assert part.start >= end or part.end <= end  # one of several in a value with escapes
        end = max(end, part.end)
        covered[part.start : part.end] = [True] * (part.end - part.start)
    for word in WORDS.finditer(text) if parts else ():
        assert all(covered[slice(*word.span())]), word


def test_a_value_is_scanned_again_no_deeper_than_need_be() -> None:
    """JSON in a literal of JSON, again and again, ends."""
    text = WRITTEN
    for _ in range(12):
        text = json.dumps([text, "a", "b", "c", "d"])[:200_000]
    assert len(scan_values(text + ",")) < SHORTEST
