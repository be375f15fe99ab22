"""Fields of files and of JSON in texts are read beside what they are called, wherever that stands."""

from __future__ import annotations

import json

import pytest

from guardrails import Guard, Text
from guardrails.engine.formats.labelled_texts import find_fields
from guardrails.types import Place, Stage
from tests.cases import each_case

SSN, KEY = "219456789", "Zk3xQ9mB7vT2nR5pL8wJ1cG4"
FAR = "Jonathan Applebaum Smith the Third of Springfield"


@pytest.fixture(scope="module")
def guard() -> Guard:
    """Redacts all personal data and credentials."""
    return Guard.load("pii-only")


@each_case(
    ("text", "fields"),
    [
        ("id,ssn\n7,219456789\n", [("ssn", SSN)]),
        ("id,ssn\r\n7,219456789\r\n8,219456788\r\n", [("ssn", SSN), ("ssn", "219456788")]),
        ('name;ssn\n"Smith; Jo";"219456789"', [("ssn", SSN)]),
        ("a\tssn\nx\t219456789", [("ssn", SSN)]),
        ("| name | ssn |\n|---|---|\n| Jo | 219456789 |", [("ssn", SSN)]),
        ("The table:\n\nid,ssn\n7,219456789\n\nno, 219456789", [("ssn", SSN)]),
        ("id,ssn\n7,219456789,3\n", []),
        ("Jo, Al\nAl, Jo", []),
        ("ssn\n219456789", []),
        ('[{"name": "ssn", "value": "219456789"}]', [("ssn", SSN)]),
        ('{"columns": ["id", "ssn"], "rows": [[7, 219456789]]}', [("ssn", SSN), ("rows", SSN), ("row", SSN)]),
        ('{"token": {"value": "a\\\\b12"}}', [("token value", r"a\\b12")]),
        ('{"ssn": "219456789"}', []),
        ('{"name": "ssn", "value": "219456789"', []),
    ],
)  # fmt: skip
def test_fields(text: str, fields: list[tuple[str, str]]) -> None:
    """Each has its label and its place; what stands behind its own name needs none."""
    found = find_fields(Text(text, Place(Stage.TOOL_RESULT)))
    assert [(label, text[start:end]) for label, start, end in found] == fields
    assert find_fields(Text(text, Place(Stage.OUTPUT))) == []  # it may come in pieces


@each_case("stage", ["input", "tool_result"])
@each_case(
    "text",
    [
        f"name,note,ssn,api_key,city\n{FAR},x,{SSN},{KEY},Springfield\n" * 2,
        f"name\tssn\tapi_key\n{FAR}\t{SSN}\t{KEY}\n",
        f"| name | ssn | api_key |\n|---|---|---|\n| {FAR} | {SSN} | {KEY} |\n",
        json.dumps([{"name": "ssn", "note": FAR, "value": SSN}, {"name": "api_key", "value": KEY}], indent=2),
        json.dumps({"ssns": [FAR, FAR, SSN], "api_keys": [FAR, KEY]}),
        json.dumps({"columns": ["name", "ssn", "api_key"], "rows": [[FAR, SSN, KEY]] * 3}),
    ],
)
def test_a_field_is_redacted_where_it_stands(guard: Guard, text: str, stage: str) -> None:
    """The rest of the file stays as it is."""
    left = text.replace(SSN, "[US_SSN]").replace(KEY, "[SECRET]")
    assert guard.check(text, stage=stage).content == left
    assert guard.check({"file": text}, stage=stage).content == {"file": left}


@each_case(
    "text",
    [
        f"id,order,note\n{SSN},{SSN},x\n",
        f"ssn,name,order\nnone,{FAR},{SSN}\n",
        json.dumps([{"name": "order", "value": SSN}, {"name": "ssn", "value": "none"}]),
        f"name,count\n{FAR},12345678\n",
        "Dear all,\nplease wait, 5 minutes before 12345678 starts,\nthanks, Al",
    ],
)
def test_other_columns_stay(guard: Guard, text: str) -> None:
    """What stands beside a column of numbers of persons is none."""
    assert guard.check(text, stage="tool_result").content == text
