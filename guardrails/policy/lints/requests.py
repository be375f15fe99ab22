"""Context in conditions: values that a leaf never has, and claims of clients that decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guardrails.detectors.language.scripts import NAMES
from guardrails.policy.cel import cel
from guardrails.policy.lints.issue import LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.lints.scene.truth import KINDS, ROLES
from guardrails.spelling import suggest_name
from guardrails.types import Action

LANGUAGES: Final = (*NAMES, "und")

POSSIBLE: Final = {
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
