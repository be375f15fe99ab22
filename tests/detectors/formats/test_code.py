"""The `code` detector: blocks of code with their language, and prose that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Action, Guard
from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.formats.code import (
    KIND,
    CodeConfig,
    CodeDetector,
    blank_code,
    find_code_blocks,
    measure_likeness,
)
from guardrails.types import Image, Text
from tests.cases import each_case

SAMPLES: dict[str, str] = json.loads(
    (Path(__file__).parent / "code_samples.json").read_text(encoding="utf-8")
)
"""Language → a few lines in it, written for these tests."""
SENTENCES: dict[str, str] = json.loads(
    (Path(__file__).parents[1] / "sentences.json").read_text(encoding="utf-8")
)


def build(**fields: object) -> CodeDetector:
    """Return a detector of this configuration."""
    detector = KIND.build("c", CodeConfig.model_validate({"use": "code", **fields}), PolicyFolder(Path()))
    assert isinstance(detector, CodeDetector)
    return detector


def found(text: str, **fields: object) -> list[str]:
    """Return the parts of a text that are found."""
    return [text[slice(*each.span)] for each in build(**fields).detect([Text(text)])[0].findings if each.span]


@each_case("language", SAMPLES)
def test_each_language_is_told(language: str) -> None:
    """Without a fence, between sentences: one block with its exact span, and its language."""
    code = SAMPLES[language].strip()
    text = f"Here it is, as you asked for.\n\n{code}\n\nThat should do. Tell me if you need more.\n"
    assert found(text) == [code]
    assert found(text, allow=[language]) == []
    assert found(text, deny=[language]) == [code]
    other = "python" if language != "python" else "sql"
    assert found(text, deny=[other]) == []
    assert found(text, allow=[other]) == [code]
    assert measure_likeness(code)[1] == language


@each_case(
    "text",
    [
        *SENTENCES.values(),
        "\n".join(SENTENCES.values()),
        "If it rains, take the bus; for the rest of us, walking is fine.\nReturn home before ten.\nImport duties are high.",
        "Use `for x in y:` to loop over it, and `if` to choose.\nThen call `print(x)`.",
        "Shopping:\n- bread (two)\n- milk\n- eggs: 12\n\n# Later\n* call Ann\n* select a gift from the list",
        "Dear Ann,\n\nthank you for your letter: it was a joy!\nWe will come on 3/4 at 5:30 (if the train runs).\n\nBest,\nJo",
        "Name: Ann\nAge: 30\nTown: Bonn\nJob: Baker",
        "1. Select the file from the menu\n2. Drop the table cloth\n3. Update your address, set a date",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |",
        "```\nJust a quotation, put into a fence.\nNothing to run here.\n```",
        "```text\nhello there\n```",
        "```",
        "",
    ],
)
def test_prose_is_no_code(text: str) -> None:
    """Sentences in any language, lists, letters, tables, quotations and code within a line."""
    assert found(text) == []


@each_case(
    ("text", "expected"),
    [
        ("```python\nx\n```", [("python", "x")]),
        ("~~~ JS\nx\n~~~", [("javascript", "x")]),
        ("````md\n```sh\nls -la\n```\n````", []),
        ("```cobol\nx y z\n```", [("", "x y z")]),
        ("```\nSELECT * FROM users;\n```", [("sql", "SELECT * FROM users;")]),
        ("```python {.line}\nopen", [("python", "open")]),
        ("a\n```c++\nx\n```\nb\n```rs\ny\n```", [("cpp", "x"), ("rust", "y")]),
        ("> ```go\n> x\n> ```", [("go", "> x")]),
    ],
)
def test_fences(text: str, expected: list[tuple[str, str]]) -> None:
    """The info string names the language, known or not; without one, what it looks like; an open one runs to the end."""
    assert [(each.language, text[each.start : each.end]) for each in find_code_blocks(text)] == expected


def test_unknown_code_is_not_known_to_be_allowed() -> None:
    """A list of what is allowed stops what cannot be told, a list of what is denied does not."""
    text = "```cobol\nMOVE A TO B.\n```"
    assert found(text, allow=["python"]) == ["MOVE A TO B."]
    assert found(text, deny=["python"]) == []


def test_short_blocks_and_scores_are_chosen() -> None:
    """One line is no block by default; the score is in 0..1."""
    assert found("import numpy as np") == []
    assert found("import numpy as np", min_lines=1, min_score=0.4) == ["import numpy as np"]
    assert found("```\nimport numpy as np\n```", min_score=0.9) == []
    [finding] = build().detect([Text(SAMPLES["go"])])[0].findings
    assert (finding.score, finding.category, finding.detector) == (1.0, "custom.code", "c")


def test_findings_can_name_the_language() -> None:
    """`leaves` adds it to the category, so that one detector serves many rules."""
    [clean, answer] = build(leaves=True).detect([Image(b"a"), Text(SAMPLES["sql"])])
    assert not clean.findings
    assert [each.category for each in answer.findings] == ["custom.code.sql"]
    config = CodeConfig.model_validate({"use": "code", "leaves": True})
    assert {"custom.code", "custom.code.sql"} < KIND.categories("c", config)


def test_code_is_taken_out_for_other_detectors() -> None:
    """Lines and length stay; what merely stands in a fence stays too, and so do the languages that are kept."""
    text = f"Look:\n{SAMPLES['python']}```java\nNo code at all\n```\n"
    plain = blank_code(text, text)
    assert len(plain) == len(text)
    assert plain.split() == ["Look:", "```java", "No", "code", "at", "all", "```"]
    assert blank_code(text, text, frozenset({"python"})) == text


@each_case(
    ("fields", "expected"),
    [
        ({"allow": ["pyhton", "sql"]}, [("unknown_language", ("allow", 0), "did you mean 'python'?")]),
        ({"deny": ["c++"]}, [("unknown_language", ("deny", 0), "did you mean 'cpp'?")]),
        ({"allow": ["c"], "deny": ["go"]}, [("allow_and_deny", ("deny",), "keep one of them")]),
    ],
)
def test_every_problem_has_its_place(fields: dict[str, object], expected: list[object]) -> None:
    """With the path to its value and a cure."""
    with pytest.raises(ConfigProblems) as caught:
        build(**fields)
    assert [(each.code, each.path, each.hint) for each in caught.value.problems] == expected
    with pytest.raises(ConfigProblems, match="not a category"):
        build(category="x")


PIECES = [
    "```\n",
    "```py",
    "~~~",
    "\n",
    "def f():\n",
    "x = 1;\n",
    "{",
    "}\n",
    " ",
    "\ud800",
    "é",
    "\t",
    "SELECT ",
    "a",
]


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_has_an_answer(text: str) -> None:
    """Blocks are in order, do not overlap, hold something, and have scores in 0..1."""
    last = 0
    for block in find_code_blocks(text, 1):
        assert last <= block.start < block.end <= len(text)
        assert text[block.start : block.end].strip()
        assert 0 < block.score <= 1
        last = block.end


def test_a_policy_stops_code(guard_of: Callable[..., Guard]) -> None:
    """From YAML to verdict: redacted where it stands."""
    guard = guard_of(
        "detectors:\n  code: {use: code, deny: [bash]}\n"
        "rules:\n  - {id: r, on: output, when: custom.code > 0, then: redact}\n"
    )
    verdict = guard.check("Run:\n```sh\nrm -rf /tmp/x\n```\nDone.", stage="output")
    assert (verdict.action, verdict.content) == (Action.REDACT, "Run:\n```sh\n[CODE]\n```\nDone.")
