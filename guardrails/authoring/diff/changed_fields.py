"""What a change of each field comes to: the fields of rules, exceptions and limits in tables, each with who judges an old and a
new value of it. What comes out is a key of `levels.LEVELS`; where less or more cannot be told apart, it may be stricter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from guardrails.authoring.diff.conditions import classify_change
from guardrails.detectors.config import Config
from guardrails.policy.schema import ExceptionDoc, LimitsDoc, RedactionDoc, RuleDoc

NEVER: Final = "9999-12-31"
"""The last day of what does not expire."""

Judged = Callable[[Any, Any], str]
"""An old and a new value → a key of `LEVELS`."""


def judge_always(kind: str) -> Judged:
    """Judge every change alike."""
    return lambda old, new: kind


def judge_ranked(order: Sequence[Any]) -> Judged:
    """Judge by a list of values, from lax to strict."""
    return lambda old, new: "stricter" if order.index(new) > order.index(old) else "laxer"


def _more_is(kind: str, less: str) -> Judged:
    """Judge sets by what is in the new one and not in the old; None stands for all there is."""

    def judged(old: Any, new: Any) -> str:
        if new is None or (old is not None and set(new) > set(old)):
            return kind
        return less if old is None or set(new) < set(old) else "stricter"

    return judged


def _redact(old: Any, new: Any) -> str:
    """Without a list it is what the condition names, of which a list may have more."""
    return "laxer" if old is not None and new is not None and set(new) < set(old) else "stricter"


def _when(old: str | None, new: str | None) -> str:
    """Judge the condition of an exception, which without one always holds."""
    if old is None or new is None:
        return "laxer" if new is None else "stricter"
    return "wording" if classify_change(old, new) == "wording" else "condition"


def _mode(old: str, new: str) -> str:
    return "stricter" if new == "enforce" else "rule_off"


def _stream(old: str | None, new: str | None) -> str:
    if "annotate" not in (old, new):
        return "pace"
    return "laxer" if new == "annotate" else "stricter"


def _on_fail(old: str | None, new: str | None) -> str:
    """Judge what is tried before a rule acts: without anything it acts at once, and asking again tries more than repairing."""
    tries = (None, "repair", "reask")
    return "laxer" if tries.index(new) > tries.index(old) else "stricter"


def _expires(old: str | None, new: str | None) -> str:
    return "laxer" if (new or NEVER) > (old or NEVER) else "stricter"


ACTIONS: Final = ("allow", "flag", "redact", "block")

RULE: Final[Mapping[str, Judged]] = {
    "description": judge_always("wording"),
    "on": _more_is("stricter", "laxer"),
    "when": classify_change,
    "then": judge_ranked(ACTIONS),
    "message": judge_always("wording"),
    "severity": judge_always("order"),
    "tags": judge_always("wording"),
    "with": judge_always("replaced"),
    "redact": _redact,
    "mode": _mode,
    "scope": judge_always("condition"),
    "stream": _stream,
    "on_error": judge_ranked(ACTIONS),
    "on_fail": _on_fail,
    "reask": judge_always("pace"),
}
"""Field of a rule → what its change is; all fields but the id."""

EXCEPTION: Final[Mapping[str, Judged]] = {
    "rules": _more_is("laxer", "stricter"),
    "on": _more_is("laxer", "stricter"),
    "tenants": _more_is("laxer", "stricter"),
    "categories": _more_is("laxer", "stricter"),
    "matches": _more_is("laxer", "stricter"),
    "near": _more_is("laxer", "stricter"),
    "when": _when,
    "reason": judge_always("wording"),
    "owner": judge_always("wording"),
    "expires": _expires,
    "test": judge_always("tests"),
}
"""Field of an exception → likewise; whatever it removes is not stopped."""


def _judge_raised(old: Any, new: Any) -> str:
    return "laxer" if new > old else "stricter"


LIMITS: Final[Mapping[str, Judged]] = {
    **dict.fromkeys(LimitsDoc.model_fields, _judge_raised),
    "on_limit": judge_ranked(("hold", "block")),
}
"""Limit → likewise: what lies past one is unchecked, and most policies block that."""


SETS: Final = ("on", "redact", "rules", "categories", "matches", "near", "tenants")
"""Fields that are sets: their order says nothing, nor does an entry that stands twice."""


def comparable_fields(doc: RuleDoc | ExceptionDoc) -> dict[str, Any]:
    """Return the fields of a rule or an exception so that equal ones are those that mean the same."""
    fields = {info.alias or name: getattr(doc, name) for name, info in type(doc).model_fields.items()}
    del fields["id"]
    if isinstance(doc, RuleDoc):
        fields["on"] = [doc.on] if isinstance(doc.on, str) else sorted(set(doc.on))
        given = (
            doc.with_
            if isinstance(doc.with_, RedactionDoc)
            else RedactionDoc(text=doc.with_ or "placeholder")
        )
        fields["with"] = given.model_dump(exclude_defaults=True)
        fields["on_error"] = doc.on_error or ("flag" if doc.then == "flag" else "block")
    for name in SETS:
        if (value := fields.get(name)) is not None:
            fields[name] = [value] if isinstance(value, str) else sorted(set(value))
    if isinstance(test := fields.get("test"), Config):
        fields["test"] = test.model_dump(mode="json", exclude_unset=True)
    return fields
