"""What rules say of themselves and to people: messages, tags, failures, streams."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from guardrails import taxonomy
from guardrails.detectors.language.scripts import base_language, describe_language, is_language
from guardrails.policy.lints.issue import Fix, LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.messages.helplines import PLACEHOLDER
from guardrails.spelling import suggest_name
from guardrails.types import Action, Stage

SAID: Final = frozenset({Stage.INPUT, Stage.OUTPUT})
"""Stages at which a person reads why something was stopped."""

FRESH_DAYS: Final = 365
"""Days after which a helpline is to be looked up again."""

HAZARDS: Final = frozenset(
    {*taxonomy.MLCOMMONS, "dfm", "spc", "spc_ele", "spc_fin", "spc_hlt", "spc_lgl", "ipv"}
)
"""Hazards of MLCommons AILuminate 1.0."""

STANDARDS: Final = {
    "owasp": re.compile(r"llm(?:0[1-9]|10)"),
    "mlcommons": re.compile("|".join(sorted(HAZARDS, reverse=True))),
}


def no_message(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that blocks has no text for the person who is stopped."""
    for row in scene.enforced:
        if row.rule.then is Action.BLOCK and row.rule.on & SAID and not row.rule.messages:
            cure = "add message: {en: I can't help with that.}"
            yield row.found("then", f"rule {row.doc.id!r} blocks without a message for the person", cure)


def empty_message(scene: LintContext) -> Iterator[LintFinding]:
    """A message has no text."""
    for row in scene.rows:
        for language, text in row.rule.messages.items():
            if not text.strip():
                message = f"the message of rule {row.doc.id!r} in {language!r} is empty"
                yield row.found("message", message, "write what the person is to read, or leave it out")


def message_language(scene: LintContext) -> Iterator[LintFinding]:
    """A message is said to be in a language that has no such code, so that nobody gets it."""
    for row in scene.rows:
        if not isinstance(row.doc.message, dict):
            continue
        for language in row.doc.message:
            if not is_language(language):
                mark = row.item.key_mark(("message", language))
                cure = describe_language(language)
                yield LintFinding(mark, f"{language!r} is no code of a language", cure, row.doc.id)


def missing_language(scene: LintContext) -> Iterator[LintFinding]:
    """A message in several languages has none in one that a model was validated on whose findings the rule reads."""
    for row in scene.rows:
        if len(row.rule.messages) > 1:
            lacking = scene.validated_languages(row.rule) - {*map(base_language, row.rule.messages)}
            if lacking:
                names = ", ".join(sorted(lacking))
                message = f"the message of rule {row.doc.id!r} is not in {names}, and its model reads that"
                yield row.found(
                    "message", message, f"add {sorted(lacking)[0]}: and what the person is to read"
                )


def uneven_languages(scene: LintContext) -> Iterator[LintFinding]:
    """A message is not in a language in which others of the file are, so that a person reads some and not all."""
    said = {row.doc.id: {*map(base_language, row.rule.messages)} for row in scene.rows if row.rule.messages}
    files = {row.doc.id: row.item.mark(("message",)).file for row in scene.rows}
    for row in scene.rows:
        own = said.get(row.doc.id)
        if own is None:
            continue
        beside = {id_: some for id_, some in said.items() if files[id_] == files[row.doc.id]}
        known = (
            scene.validated_languages(row.rule) if len(own) > 1 else set()
        )  # what `missing_language` tells
        lacking = sorted(set().union(*beside.values()) - own - known)
        if lacking:
            one = next(id_ for id_, some in beside.items() if lacking[0] in some)
            message = f"the message of rule {row.doc.id!r} is not in {', '.join(lacking)}, and that of rule {one!r} is"
            cure = f"add {lacking[0]}: and what the person is to read"
            if isinstance(row.doc.message, str):
                cure = f"write message: {{en: …, {lacking[0]}: …}}, each language with what the person is to read"
            yield row.found("message", message, cure)


PLACE: Final = re.compile(r"\{\w+\}")


def unknown_placeholder(scene: LintContext) -> Iterator[LintFinding]:
    """A message has a word in braces that is not filled in, so that people read it as it is."""
    for row in scene.rows:
        for text in dict.fromkeys(row.rule.messages.values()):
            for word in dict.fromkeys(PLACE.findall(text)):
                if word != PLACEHOLDER:
                    message = f"{word} in the message of rule {row.doc.id!r} is not filled in"
                    yield row.found("message", message, f"write {PLACEHOLDER}, or leave the braces out")


def unused_helpline(scene: LintContext) -> Iterator[LintFinding]:
    """Helplines are declared, and no message has a place for one."""
    if not any(PLACEHOLDER in text for row in scene.rows for text in row.rule.messages.values()):
        for source in scene.policy.sources:
            if source.entry(("helplines",)) is not None:
                cure = f"write {PLACEHOLDER} where a message is to name one"
                yield LintFinding(source.key_mark(("helplines",)), "no message names a helpline", cure)


def stale_helpline(scene: LintContext) -> Iterator[LintFinding]:
    """Nobody has looked up a helpline for a year, or it is said to be looked up on a day to come."""
    for source in scene.policy.sources:
        data = source.data if isinstance(source.data, dict) else {}
        for name, line in data.get("helplines", {}).items():
            age = (scene.today - date.fromisoformat(line["date"])).days
            if not 0 <= age <= FRESH_DAYS:
                when = f"{age} days ago" if age > 0 else "on a day that is yet to come"
                message = f"helpline {name!r} was looked up {when}"
                mark = source.mark(("helplines", name, "date"))
                yield LintFinding(mark, message, "look it up, and write the day of today", name)


def unknown_tag(scene: LintContext) -> Iterator[LintFinding]:
    """A tag names a hazard of a standard that has none of that name."""
    for row in scene.rows:
        for index, tag in enumerate(row.doc.tags):
            root, dot, leaf = tag.partition(".")
            known = STANDARDS.get(root)
            if dot and known is not None and not known.fullmatch(leaf):
                mark = row.item.mark(("tags", index))
                names = [f"owasp.llm{n:02}" for n in range(1, 11)] + [
                    f"mlcommons.{h}" for h in sorted(HAZARDS)
                ]
                yield LintFinding(
                    mark, f"tag {tag!r} names nothing of {root}", suggest_name(tag, names, few=0), row.doc.id
                )


def plain_tag(scene: LintContext) -> Iterator[LintFinding]:
    """A tag has no name of a list before it, so that it may mean anything."""
    for row in scene.rows:
        for index, tag in enumerate(row.doc.tags):
            if "." not in tag.strip("."):
                mark = row.item.mark(("tags", index))
                yield LintFinding(
                    mark, f"tag {tag!r} does not say whose it is", f"such as team.{tag or 'name'}", row.doc.id
                )


ACTIONS: Final = {"block": "block", "flag": "flag", "redact": "redact", "mask": "redact"}
"""The last word of an id → the action that it names."""

LISTS: Final = ("on", "tags", "redact")


def duplicate_entry(scene: LintContext) -> Iterator[LintFinding]:
    """A list has an entry twice."""
    for row in scene.rows:
        yield from _doubles(row.item, row.doc.id, LISTS)
    for item, doc in scene.policy.exceptions:
        yield from _doubles(item, doc.id, ("rules", "categories", "matches", "near"))


def _doubles(item: PolicyItem, subject: str, fields: tuple[str, ...]) -> Iterator[LintFinding]:
    for field in fields:
        entries = item.data.get(field)
        if not isinstance(entries, list):
            continue
        for index, entry in enumerate(entries):
            if entry in entries[:index]:
                fix = Fix(*item.place((field,)), index)
                mark = item.mark((field, index))
                yield LintFinding(
                    mark, f"{entry!r} is there already in {field!r} of {subject!r}", "remove it", subject, fix
                )


def lenient_error(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that stops or replaces lets a content pass when a detector that it needs has failed."""
    for row in scene.enforced:
        if row.rule.then > Action.FLAG and row.rule.on_error < Action.REDACT:
            does = "passes" if row.rule.on_error is Action.ALLOW else "is only recorded"
            message = f"when a detector of rule {row.doc.id!r} fails, what it would {row.doc.then} {does}"
            yield row.found("on_error", message, "write on_error: block, which is the default")


def annotated(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that stops or replaces is judged only when a streamed text was sent."""
    for row in scene.enforced:
        if row.rule.then > Action.FLAG and row.rule.stream == "annotate" and Stage.OUTPUT in row.rule.on:
            message = f"rule {row.doc.id!r} stops no streamed reply: with stream: annotate it is sent before it is judged"
            yield row.found(
                "stream", message, "write stream: segment, or then: flag if it is only to be recorded"
            )


def unused_message(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that replaces, and stops nothing where it fails, has a message that nobody reads; a flag rule has a notice."""
    for row in scene.rows:
        if row.rule.then is Action.REDACT and row.rule.messages and row.rule.on_error is not Action.BLOCK:
            message = f"nobody reads the message of rule {row.doc.id!r}: it does not block"
            yield row.found("message", message, "leave it out, or write then: block")


def misleading_id(scene: LintContext) -> Iterator[LintFinding]:
    """The id of a rule names another action than the rule takes."""
    for row in scene.rows:
        said = ACTIONS.get(re.split("[._-]", row.doc.id)[-1])
        if said is not None and said != row.doc.then and "then" not in row.item.overrides:
            message = f"rule {row.doc.id!r} is called {said}, and its action is {row.doc.then}"
            yield row.found("then", message, f"write then: {said}, or give it another id")


def unused_stream(scene: LintContext) -> Iterator[LintFinding]:
    """A rule says how it streams, and judges no reply."""
    for row in scene.rows:
        if row.doc.stream is not None and Stage.OUTPUT not in row.rule.on:
            message = f"rule {row.doc.id!r} says how it streams, and judges nothing that is streamed"
            yield row.found("stream", message, "leave it out, or add the stage output")
