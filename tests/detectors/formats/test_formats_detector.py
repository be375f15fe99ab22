"""The `format` detector: where a text stops being JSON, XML, Python or SQL, and what does not fit."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails import Action, Guard
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.binding import bind
from guardrails.detectors.formats.formats_detector import (
    KIND,
    LONGEST_PYTHON,
    FormatConfig,
    FormatsDetector,
    find_fence,
)
from guardrails.detectors.formats.sql import LONGEST_SQL
from guardrails.detectors.formats.syntax import DEEPEST, find_json_error, find_python_error, find_xml_error
from guardrails.types import Image, Text
from tests.cases import each_case


def build(folder: Path = Path(), **fields: object) -> FormatsDetector:
    """Return a detector of this configuration; its files are in `folder`."""
    detector = KIND.build("f", FormatConfig.model_validate({"use": "format", **fields}), PolicyFolder(folder))
    assert isinstance(detector, FormatsDetector)
    return detector


def found(text: str, **fields: object) -> str | None:
    """Return the part of a text that is found, None if the text is valid."""
    findings = build(**fields).detect([Text(text)])[0].findings
    if not findings:
        return None
    [finding] = findings
    return text[slice(*finding.span)] if finding.span else ""


@each_case(
    ("text", "expected"),
    [
        ('{"a": [1, 2.5e3, "x", null, true]}', None),
        (' "text" \n', None),
        ("1" * 5000, None),
        ('"NaN"', None),
        ("[" * DEEPEST + "]" * DEEPEST, None),
        (json.dumps("[" * 1000), None),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "[" + "]" * (DEEPEST + 1)),
        ("[" * 100_000, "[" * (100_000 - DEEPEST)),
        ('{"a": 1,\n "b": oops}\n', "oops}"),
        ('{"a": 1} tail', "tail"),
        ('{"a": ["NaN", NaN]}', "NaN]}"),
        ("[-Infinity]", "-Infinity]"),
        ('{"a": 1,}', "}"),
        ('{"a": 1, \n }', "}"),
        ("[1,2 , ]", "]"),
        ("{'a': 1}", "'a': 1}"),
        ('{"a": 1', "1"),
        ('["a\nb"]', "\n"),
        ("", ""),
        ("nope", "nope"),
    ],
)
def test_json(text: str, expected: str | None) -> None:
    """RFC 8259 and nothing that Python adds to it; the span is the rest of the line from the error on."""
    assert found(text, kind="json") == expected


@each_case(
    ("text", "expected"),
    [
        ("<a><b x='1'/>t &amp; &#228;</a>", None),
        ("<?xml version='1.0' encoding='utf-16'?><a>é</a>", None),
        ("<a>" * DEEPEST + "</a>" * DEEPEST, None),
        ("<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1), "<a>" + "</a>" * (DEEPEST + 1)),
        ("<é>\n<b></é>", "é>"),
        ("<a>&nbsp;</a>", "&nbsp;</a>"),
        ("<a/>é text", "é text"),
        ("<a>", ">"),
        ("<!DOCTYPE a><a/>", "<!DOCTYPE a><a/>"),
        ("", ""),
        ("plain", "plain"),
        ("<a>\ud800</a>", None),
        ("<a>\x00</a>", "\x00</a>"),
    ],
)
def test_xml(text: str, expected: str | None) -> None:
    """Well-formed documents without a document type; offsets count characters, not bytes."""
    assert found(text, kind="xml") == expected


def test_entities_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    """A billion laughs and an external entity are refused where the document type starts."""
    laughs = "".join(f'<!ENTITY l{at} "{f"&l{at - 1};" * 10}">' for at in range(1, 10))
    bomb = f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}]><r>&l9;</r>'
    secret = tmp_path / "s"
    secret.write_text("x")
    begun = time.process_time()
    assert find_xml_error(bomb) == 0
    assert find_xml_error(f'<!DOCTYPE r [<!ENTITY e SYSTEM "{secret.as_uri()}">]><r>&e;</r>') == 0
    assert time.process_time() - begun < 10


@each_case(
    ("text", "expected"),
    [
        ("x = 1\nprint(x)\n", None),
        ("", None),
        (r"re.compile('\d')", None),
        ("# coding: latin-1\nx = 'é'", None),
        ("x = 'é'; y = = 2\n", "= 2"),
        ("a = 1\r\nb = )\r\n", ")"),
        ("def f(:\n  pass", ":"),
        ("if x:\npass", "pass"),
        ("x = '\x00'", "\x00'"),
        ("x = '\ud800'", None),
        ("-" * 100_000 + "1", "-" * 100_000 + "1"),
        ("a" + ".b" * 50_000, "a" + ".b" * 50_000),
    ],
)
def test_python(text: str, expected: str | None) -> None:
    """What parses is valid, warnings or not; what no parser has the stack for is not."""
    assert found(text, kind="python") == expected


def test_much_python_is_left_unjudged() -> None:
    """Past the limit the text is neither valid nor invalid: it says that it was not checked."""
    [answer] = build(kind="python").detect([Text("x\n" * LONGEST_PYTHON)])
    assert not answer.findings
    assert [(each.kind, each.span) for each in answer.unchecked] == [("limit", (0, 2 * LONGEST_PYTHON))]


@each_case(
    ("text", "inside"),
    [
        ("Here:\n```json\n{}\n```\nDone", "{}\n"),
        ("~~~\n```\n~~~", "```\n"),
        ("````\n```\n````", "```\n"),
        ("```\nopen", "open"),
        ("```", ""),
        ("```\n```", ""),
        ("```a\r\nx\r\n```\r\n", "x\r\n"),
        ("`` no ``", None),
        ("    ```\nindented", None),
        ("```a`b\n", None),
    ],
)
def test_fences(text: str, inside: str | None) -> None:
    """The first fence of Markdown, to its end or that of the text."""
    span = find_fence(text)
    assert (None if span is None else text[slice(*span)]) == inside


def test_a_fence_is_judged_in_place_of_the_text() -> None:
    """Spans stay in the coordinates of the text; without a fence all of it is judged."""
    text = 'Sure!\n```json\n{"a": 1, oops}\n```\n'
    assert found(text, kind="json", fenced=True) == "oops}"
    assert found(text.replace(", oops", ""), kind="json", fenced=True) is None
    assert found(text.replace(", oops", ""), kind="json") == "Sure!"
    assert found("{}", kind="json", fenced=True) is None
    assert found("```\n```", kind="json", fenced=True) == "`"


def test_findings_say_category_score_and_detector() -> None:
    """The category is configurable; contents without text are clean."""
    [clean, answer] = build(kind="json", category="custom.x").detect([Image(b"a"), Text("x")])
    assert not clean.findings
    assert [(each.category, each.score, each.detector, each.span) for each in answer.findings] == [
        ("custom.x", 1.0, "f", (0, 1))
    ]
    config = FormatConfig.model_validate({"use": "format", "kind": "xml"})
    assert KIND.categories("f", config) == {"custom.format"}


def test_a_wrong_category_has_its_place() -> None:
    """The problem leads to the field and says the cure."""
    with pytest.raises(ConfigProblems) as caught:
        build(kind="json", category="x")
    assert [(each.code, each.path, bool(each.hint)) for each in caught.value.problems] == [
        ("unknown_category", ("category",), True)
    ]


NAMED = {"type": "object", "required": ["name"], "properties": {"age": {"type": "integer"}}}


@each_case(
    ("text", "expected"),
    [
        ('{"name": "Ann", "age": 3}', None),
        ('{"name": "Ann", "age": "3"}', '"3"'),
        ('{"name": "Ann", "age": oops\n}', "oops"),
        ("[]", "[]"),
        ('Here:\n```json\n{"name": 1, "age": null}\n```', "null"),
        ("", ""),
    ],
)
def test_json_fits_a_schema(text: str, expected: str | None) -> None:
    """The span is the value that does not fit, in the coordinates of the text; what is no JSON is found as before."""
    assert found(text, kind="json", schema=NAMED, fenced=True) == expected


def test_a_schema_may_stand_in_a_file(tmp_path: Path) -> None:
    """It is read from the policy's folder and counts for the digest."""
    config = FormatConfig.model_validate({"use": "format", "kind": "json", "schema_file": "s.json"})
    digests = set()
    for schema in ({"type": "array"}, {"type": "string"}):
        (tmp_path / "s.json").write_text(json.dumps(schema))
        bound = bind("f", KIND, config, PolicyFolder(tmp_path))
        assert bool(bound.detector.detect([Text("[]")])[0].findings) is (schema["type"] == "string")
        digests.add(bound.digest)
    assert len(digests) == 2


def test_what_takes_too_long_is_an_error_not_a_pass() -> None:
    """A text that nests too deep for its schema is not valid for want of an answer."""
    deep = {"items": {"$ref": "#"}, "type": "array"}
    [answer] = build(kind="json", schema=deep).detect([Text("[" * DEEPEST + "]" * DEEPEST)])
    assert "nests too deep" in (answer.error or "")


@each_case(
    ("text", "fields", "expected"),
    [
        ("SELECT a FROM b", {}, None),
        ("SELECT a\nFROM (b\nWHERE", {}, "WHERE"),
        ("Sure:\n```sql\nDROP TABLE x;\n```", {"statements": ["select"], "fenced": True}, "DROP TABLE x"),
        ("SELECT a::int FROM b", {"dialect": "postgres"}, None),
        ("SELECT '\ud800'", {}, None),
        ("", {}, ""),
    ],
)
def test_sql(text: str, fields: dict[str, object], expected: str | None) -> None:
    """Syntax and kinds of statements, in the coordinates of the text."""
    assert found(text, kind="sql", **fields) == expected


def test_much_sql_is_left_unjudged() -> None:
    """Past the limit the text says that it was not checked."""
    [answer] = build(kind="sql").detect([Text("-" * (LONGEST_SQL + 1))])
    assert [each.kind for each in answer.unchecked] == ["limit"]


@each_case(
    ("fields", "expected"),
    [
        ({"kind": "json", "schema": {"type": "objekt"}}, [("invalid_schema", ("schema", "type"), None)]),
        (
            {"kind": "json", "schema": {"properties": {"a": {"$ref": "https://example.com/s"}}}},
            [("invalid_schema", ("schema", "properties", "a", "$ref"), None)],
        ),
        ({"kind": "json", "schema_file": "none.json"}, [("unreadable_file", ("schema_file",), None)]),
        ({"kind": "json", "schema_file": "bad.json"}, [("invalid_schema", ("schema_file",), (2, 9))]),
        ({"kind": "json", "schema_file": "wrong.json"}, [("invalid_schema", ("schema_file",), (2, 10))]),
        ({"kind": "json", "schema_file": "list.json"}, [("invalid_schema", ("schema_file",), (1, 1))]),
        (
            {"kind": "json", "schema": True, "schema_file": "ok.json"},
            [("two_schemas", ("schema_file",), None)],
        ),
        (
            {"kind": "xml", "schema": True, "dialect": "mysql", "statements": ["drop"]},
            [("misplaced_field", (name,), None) for name in ("schema", "dialect", "statements")],
        ),
        (
            {"kind": "sql", "dialect": "postgre", "statements": ["select", "selekt"], "category": "x"},
            [
                ("unknown_statement", ("statements", 1), None),
                ("unknown_dialect", ("dialect",), None),
                ("unknown_category", ("category",), None),
            ],
        ),
    ],
)
def test_every_problem_has_its_place(
    tmp_path: Path, fields: dict[str, object], expected: list[object]
) -> None:
    """All problems come at once, each with a cure, and with line and column where it lies in a file."""
    (tmp_path / "bad.json").write_text('{\n "type" "object"}')
    (tmp_path / "wrong.json").write_text('{\n "type": "objekt"}')
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "ok.json").write_text("{}")
    with pytest.raises(ConfigProblems) as caught:
        build(tmp_path, **fields)
    problems = caught.value.problems
    assert [(each.code, each.path, each.place and each.place[1:]) for each in problems] == expected
    assert all(each.hint for each in problems)
    assert "did you mean 'postgres'?" in {each.hint for each in problems} or fields["kind"] != "sql"


PIECES = ["{", "}", "[", "]", '"', ":", ",", "1", "NaN", "<a>", "</a>", "<!DOCTYPE", "&b;", "\n", "\r", "```", "~~~\n", "def f():", "  ", "'''", "\\", "f'{", "é", "\ud800", "\x00", "\f", "(", "=", "\u2028"]  # fmt: skip


@each_case("kind", ["json", "xml", "python", "sql"])
@each_case("fenced", [False, True])
def test_any_text_has_an_answer(kind: str, fenced: bool) -> None:
    """Nothing raises; the span has at least one character and is inside the text."""
    detector = build(kind=kind, fenced=fenced)

    @given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=20).map("".join)))
    @example("\r\n")
    @example("```\n\n")
    def check(text: str) -> None:
        [answer] = detector.detect([Text(text)])
        assert answer.error is None
        for finding in answer.findings:
            assert (finding.span is None) is (text == "")
            assert finding.span is None or 0 <= finding.span[0] < finding.span[1] <= len(text)

    check()


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=8))
def test_what_was_written_as_json_is_valid(value: object) -> None:
    """What a serializer writes is valid, and as Python's own notation it parses too."""
    assert find_json_error(json.dumps(value)) is None
    assert find_python_error(repr(value)) is None


def test_a_policy_stops_what_is_not_json(tmp_path: Path) -> None:
    """From YAML to verdict."""
    (tmp_path / "p.yaml").write_text(
        "format: 1\nname: p\nversion: '1'\ndetectors:\n  shape: {use: format, kind: json, fenced: true}\n"
        "rules:\n  - {id: r, on: output, when: custom.format > 0, then: block}\n"
    )
    guard = Guard.load(tmp_path / "p.yaml")
    verdict = guard.check("```json\n{]\n```", stage="output")
    assert verdict.action is Action.BLOCK
    assert [each.span for each in verdict.findings] == [(9, 10)]
    assert guard.check("```json\n{}\n```", stage="output").action is Action.ALLOW
