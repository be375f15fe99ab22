"""Context in conditions: values that a leaf never has, and claims of clients that decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardrails.detectors.language.scripts import NAMES
from guardrails.policy.absence import find_optional_leaves
from guardrails.policy.cel import cel
from guardrails.policy.cel.terms import ConditionPart, ConditionText
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.lints.scene.truth import ASKED_FOR, KINDS, ROLES
from guardrails.spelling import suggest_name
from guardrails.types import Action

LANGUAGES: Final = (*NAMES, "und")

POSSIBLE: Final = {
    "content.asks_for": ASKED_FOR,
    "content.kind": KINDS,
    "message.role": ROLES,
    "content.language": LANGUAGES,
    "prompt.language": LANGUAGES,
}
"""Context leaves → the values that they may have."""

MEANT: Final = {
    "picture": "image", "photo": "image", "img": "image", "film": "video", "sound": "audio", "string": "text", "message": "text",
    "human": "user", "bot": "assistant", "ai": "assistant", "model": "assistant", "function": "tool",
}  # fmt: skip
"""What people write → the value that is meant."""

CLAIMS: Final = ("request.client", "request.metadata")
"""What clients say of themselves."""


def impossible_value(scene: LintContext) -> Iterator[LintFinding]:
    """A context leaf is compared with a value that it never has."""
    for row in scene.rows:
        for each in scene.shapes[row.rule.id].comparisons:
            possible = POSSIBLE.get(each.name)
            if possible is None or not isinstance(each.value, str) or each.value in possible:
                continue
            message = f"{each.name} is never {each.value!r}"
            yield row.inside(each.offset, message, _meant(each.value, possible))


def _meant(value: str, possible: tuple[str, ...]) -> str:
    low = value.lower()
    by_name = {name: code for code, name in NAMES.items() if code in possible}
    for guess in (MEANT.get(low), by_name.get(low), low, low.split("-")[0].split("_")[0]):
        if guess in possible:
            return f"write {guess!r}"
    return "write an ISO 639-1 code such as 'en'" if possible is LANGUAGES else suggest_name(value, possible)


def absent_value(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that stops or replaces is off, or an exception holds, where nobody said a value of the request."""
    cure = "say what is meant where it is absent: && has({0}), or || !has({0})"
    for row in scene.enforced:
        if row.rule.then is Action.FLAG:
            continue
        for offset, name in _relaxing(row.rule.condition.text, wanted=True):
            message = f"rule {row.doc.id!r} does not fire where {name} is absent"
            yield row.inside(offset, message, cure.format(name))
    for item, doc in scene.policy.exceptions:
        for offset, name in () if doc.when is None else _relaxing(doc.when, wanted=False):
            message = f"exception {doc.id!r} holds where {name} is absent"
            yield LintFinding(item.inside(("when",), offset), message, cure.format(name), doc.id)


def _relaxing(text: str, *, wanted: bool) -> Iterator[tuple[int, str]]:
    """Yield where absence gives a term another truth than the one `wanted`, with the name of what is absent. What `has()` asks
    for was thought of, and `==` and `in` name whom a condition is for.
    """
    condition = ConditionText(text)
    asked = {node.args[0].dotted_name() for node in condition.tree.node.walk() if node.kind == "has"}
    for term, straight in _find_terms(condition.tree):
        differs = term.node.name == "_!=_"
        if term.node.kind == "has" or (straight == wanted) is differs:
            continue
        if wanted and straight and term.node.name in ("_==_", "@in"):
            continue
        for node, name in find_optional_leaves(term.node):
            if name not in asked:
                yield node.start(), name
                break


def _find_terms(part: ConditionPart, straight: bool = True) -> Iterator[tuple[ConditionPart, bool]]:
    """Yield the terms of a condition, and whether each stands as it is or is denied."""
    if part.kind == "term":
        yield part, straight
    for each in part.parts:
        yield from _find_terms(each, straight is (part.kind != "not"))


def client_claim(scene: LintContext) -> Iterator[LintFinding]:
    """A rule that stops or replaces, or an exception, depends on what a client says of itself: clients can lie."""
    for row in scene.enforced:
        if row.rule.then is Action.FLAG:
            continue
        if claim := _claim(cel.parse(row.rule.condition.text)):
            offset, name = claim
            message = f"{name} decides whether rule {row.doc.id!r} fires, and it is the client that says it"
            yield row.inside(
                offset, message, "use request.user or request.tenant, which come from authentication"
            )
    for item, doc in scene.policy.exceptions:
        if doc.when is not None and (claim := _claim(cel.parse(doc.when))):
            offset, name = claim
            message = f"{name} decides whether exception {doc.id!r} holds, and it is the client that says it"
            cure = "use request.user or request.tenant, which come from authentication"
            yield LintFinding(item.inside(("when",), offset), message, cure, doc.id)


def _claim(tree: cel.CelNode) -> tuple[int, str] | None:
    for node in tree.walk():
        dotted = node.dotted_name()
        if dotted is not None and dotted.startswith(CLAIMS):
            return node.start(), dotted
    return None
