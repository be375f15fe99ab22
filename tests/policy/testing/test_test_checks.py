"""What is wrong with a test as a whole is told in its place."""

from __future__ import annotations

from pathlib import Path

from guardrails.policy.loading.load import load
from guardrails.policy.testing.test_checks import content_fields, placeholder_keys, text_of
from guardrails.policy.testing.test_fields import TestDoc
from tests.cases import each_case

POLICY = "format: 1\nname: t\ntests:\n  - {test}\n"

WRONG = {
    "no content": ("{expect: {action: allow}}", (4, 5), "has no content to check"),
    "two contents": ("{input: a, image: b, expect: {action: allow}}", (4, 16), "has both 'input' and 'image'"),
    "nothing expected": ("{input: a, expect: {}}", (4, 24), "expects nothing"),
    "content of a file": (
        "{image: a, expect: {content: b}}",
        (4, 24),
        "expects a content where a file is judged, which YAML cannot hold",
    ),
    "stage of a text": ("{input: a, stage: output, expect: {action: allow}}", (4, 16), "has a stage, which only files need"),
    "what no input asks for": ("{output: a, asks_for: picture, expect: {action: allow}}", (4, 17), "says what a generator is asked for, which an input says alone"),
    "prompt of a prompt": (
        "{input: a, prompt: b, expect: {action: allow}}",
        (4, 16),
        "has 'prompt', beside which no input is judged",
    ),
    "cut of a picture": ("{image: a, every_cut: true, expect: {action: allow}}", (4, 16), "has no text that could be cut"),
    "cut of a call": (
        "{tool_call: {name: a}, every_cut: true, expect: {action: allow}}",
        (4, 28),
        "has no text that could be cut",
    ),
    "disguised film": (
        "{video: a, obfuscate: true, expect: {action: block}}",
        (4, 16),
        "has no text that could be disguised",
    ),
    "disguised parts": (
        "{messages: [{role: user, content: [{type: text, text: a}]}], obfuscate: true, expect: {action: block}}",
        (4, 66),
        "has no text that could be disguised",
    ),
    "disguised and allowed": (
        "{input: a, obfuscate: true, expect: {action: allow}}",
        (4, 16),
        "disguises a text that nothing needs to find",
    ),
    "disguised, no rules": (
        "{input: a, obfuscate: true, expect: {rules: []}}",
        (4, 16),
        "disguises a text that nothing needs to find",
    ),
    "message without a role": (
        "{messages: [{role: user, content: a}, {content: b}], expect: {action: allow}}",
        (4, 43),
        "has a message without a role",
    ),
    "nowhere to stand": (
        "{input: a, each: [b], expect: {action: allow}}",
        (4, 23),
        "says nowhere where 'each' of 'each' stands",
    ),
    "other keys": (
        "{input: '{a}', each: [{a: x}, {b: y}], expect: {action: allow}}",
        (4, 35),
        "has an entry of 'each' with other keys than the first, or none",
    ),
    "no keys": (
        "{input: 'a', each: [{}], expect: {action: allow}}",
        (4, 25),
        "has an entry of 'each' with other keys than the first, or none",
    ),
    "an entry that makes it wrong": (
        "{input: a, each: [''], expect: {findings: [{category: '{each}'}]}}",
        (4, 23),
        "is none with this entry of 'each': expect.findings.0.category: String should have at least 1 character",
    ),
}  # fmt: skip


@each_case("mistake", WRONG)
def test_one_mistake_is_one_error_in_its_place(mistake: str, tmp_path: Path) -> None:
    """With the line and the column of the key, or of the value where that is what is wrong."""
    text, place, message = WRONG[mistake]
    (tmp_path / "p.yaml").write_text(POLICY.replace("{test}", text))

    (error,) = load(tmp_path / "p.yaml").problems.errors
    assert (error.line, error.col, error.code) == (*place, "invalid_test")
    assert error.message == f"the test {message}"
    assert error.hint


@each_case(
    "test",
    [
        "{output: a, prompt: b, system: c, expect: {action: allow}}",
        "{input: '{each}', each: ['a \"{\" b'], expect: {action: allow}}",
        "{input: a, expect: {content: '{x}'}, each: [{x: a}, {x: b}]}",
        "{image: a, expect: {content: null}}",
        "{messages: [{role: user, content: a}], obfuscate: [hex], expect: {action: block}}",
    ],
)
def test_what_is_sound_is_no_error(test: str, tmp_path: Path) -> None:
    """Each of these could be taken for a mistake and is none."""
    (tmp_path / "p.yaml").write_text(POLICY.replace("{test}", test))
    assert load(tmp_path / "p.yaml").problems.errors == []


def test_what_a_test_is_about() -> None:
    """The field that holds the content, the text if it is one, and what each entry of a table stands for."""
    call = TestDoc.model_validate({"tool_call": {"name": "a"}, "expect": {"action": "allow"}})
    text = TestDoc.model_validate({"tool_call": "rm", "expect": {"action": "allow"}})
    image = TestDoc.model_validate({"image": "a.png", "expect": {"action": "allow"}})
    assert [content_fields(doc) for doc in (call, text, image)] == [["tool_call"], ["tool_call"], ["image"]]
    assert [text_of(doc) for doc in (call, text, image)] == [None, "rm", None]
    assert (placeholder_keys("a"), placeholder_keys({"b": "x", "a": "y"})) == (["each"], ["a", "b"])
