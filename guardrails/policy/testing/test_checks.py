"""Checks a test whose fields are valid for what is wrong with them together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import Path
from guardrails.policy.testing.test_fields import CONTENTS, FILES, PLACEHOLDER, TestDoc

Wrong = Iterator[tuple[Path, str, str]]
"""What is wrong: the path of the key, the message after the test's name, and the hint."""

GIVEN: Final = (*CONTENTS, *FILES)
SAID: Final = ("output", "tool_call", "messages")
"""What is judged beside something else."""

WHOLE: Final[tuple[Path, ...]] = ((), ("expect",))
"""Paths that stand for a value, not for its key."""

BESIDE: Final = ("system", "prompt", "sources", "heard")
"""What that is."""


def content_fields(doc: TestDoc) -> list[str]:
    """Return the fields of a test that hold what is checked: one, where it is sound."""
    return [name for name in GIVEN if getattr(doc, name) is not None]


def check_test(doc: TestDoc, item: PolicyItem, what: str, problems: Problems) -> None:
    """Report what is wrong with a test; `what` names it in messages."""
    for check in CHECKS:
        for path, message, hint in check(doc):
            mark = item.mark(path) if path in WHOLE else item.key_mark(path)
            problems.add(mark, "invalid_test", f"{what} {message}", hint)


def _contents(doc: TestDoc) -> Wrong:
    found = content_fields(doc)
    if not found:
        hint = f"give one of: {', '.join(GIVEN)}"
        if doc.prompt:
            hint = "what a person writes is checked under input: (prompt: is what an output: answers)"
        yield (), "has no content to check", hint
    for name in found[1:]:
        yield (name,), f"has both {found[0]!r} and {name!r}", "make it two tests"


def _expectation(doc: TestDoc) -> Wrong:
    if not doc.expect.model_fields_set:
        yield ("expect",), "expects nothing", "such as expect: {action: block}"
    if doc.expect.content is not None and any(name in FILES for name in content_fields(doc)):
        hint = "compare the action, rules and findings; content: null where it is blocked"
        yield ("expect",), "expects a content where a file is judged, which YAML cannot hold", hint


def _stage(doc: TestDoc) -> Wrong:
    if doc.stage is not None and not any(name in FILES for name in content_fields(doc)):
        yield ("stage",), "has a stage, which only files need", f"write {doc.stage}: … for the content"


def _asks_for(doc: TestDoc) -> Wrong:
    if doc.asks_for is not None and doc.input is None:
        yield ("asks_for",), "says what a generator is asked for, which an input says alone", "write input: …"


def _check_beside(doc: TestDoc) -> Wrong:
    if found := [name for name in content_fields(doc) if name not in SAID]:
        for name in BESIDE:
            if getattr(doc, name):
                yield (
                    (name,),
                    f"has {name!r}, beside which no {found[0]} is judged",
                    f"it is for: {', '.join(SAID)}",
                )


def _cuts(doc: TestDoc) -> Wrong:
    if doc.every_cut and text_of(doc) is None:
        yield ("every_cut",), "has no text that could be cut", "every_cut is for texts"


def text_of(doc: TestDoc) -> str | None:
    """Return the text of a test that is about one, else None."""
    value = next((getattr(doc, name) for name in content_fields(doc) if name not in FILES), None)
    return value if isinstance(value, str) else None


def _disguises(doc: TestDoc) -> Wrong:
    if not doc.obfuscate:
        return
    if text_of(doc) is None and not (doc.messages and isinstance(doc.messages[-1].get("content"), str)):
        hint = "obfuscate is for texts, and for what the last message says"
        yield ("obfuscate",), "has no text that could be disguised", hint
    if doc.expect.action == "allow" or not (doc.expect.action or doc.expect.rules):
        hint = "name the action or the rules that must find the text"
        yield ("obfuscate",), "disguises a text that nothing needs to find", hint


def _messages(doc: TestDoc) -> Wrong:
    for index, message in enumerate(doc.messages or ()):
        if "role" not in message:
            yield ("messages", index), "has a message without a role", "such as {role: user, content: …}"


def _each(doc: TestDoc) -> Wrong:
    if doc.each is None:
        return
    written = json.dumps(doc.model_dump(exclude={"each"}, exclude_unset=True), ensure_ascii=False)
    first = placeholder_keys(doc.each[0])
    for key in first:
        if json.dumps(f"{{{key}}}", ensure_ascii=False)[1:-1] not in written:
            hint = f"write {{{key}}} where it is to stand, such as input: '{{{key}}}'"
            yield ("each", 0), f"says nowhere where {key!r} of 'each' stands", hint
    for index, row in enumerate(doc.each):
        if row == {} or placeholder_keys(row) != first:
            told = ", ".join(first) or "a text, or {key: text}"
            yield (
                ("each", index),
                "has an entry of 'each' with other keys than the first, or none",
                f"give each: {told}",
            )
            continue
        try:
            fill_placeholders(doc, row)
        except ValidationError as error:
            detail = error.errors()[0]
            field = ".".join(map(str, detail["loc"]))
            yield (
                ("each", index),
                f"is none with this entry of 'each': {field}: {detail['msg']}",
                "write another text",
            )


def fill_placeholders(doc: TestDoc, row: str | dict[str, str]) -> TestDoc:
    """Return the test with the texts of one entry of `each` in the place of what stands for them; raise `ValidationError` where
    that makes none.
    """
    texts = {
        f"{{{key}}}": text for key, text in ({PLACEHOLDER: row} if isinstance(row, str) else row).items()
    }
    places = re.compile("|".join(map(re.escape, texts)))

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return places.sub(lambda found: texts[found[0]], value)
        if isinstance(value, list):
            return [fill(each) for each in value]
        return {key: fill(each) for key, each in value.items()} if isinstance(value, dict) else value

    return type(doc).model_validate(fill(doc.model_dump(exclude={"each"}, exclude_unset=True)))


def placeholder_keys(row: str | dict[str, str]) -> list[str]:
    """Return the placeholders that an entry of `each` stands for."""
    return [PLACEHOLDER] if isinstance(row, str) else sorted(row)


CHECKS: Final[tuple[Callable[[TestDoc], Wrong], ...]] = (
    _contents,
    _expectation,
    _stage,
    _asks_for,
    _check_beside,
    _cuts,
    _disguises,
    _messages,
    _each,
)
