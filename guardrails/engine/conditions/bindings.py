"""The names of a condition and their values: scores and counts of findings, context, and what is not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from guardrails.detectors.language.identification import identify_language
from guardrails.engine.content.places import role_of
from guardrails.engine.model import Request
from guardrails.engine.tools.tool_context import BASIC, Arguments, basic_value
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.condition import Condition
from guardrails.policy.names import fold_tool_name
from guardrails.taxonomy import with_ancestors
from guardrails.types import Content, Finding, Place, Stage, Text

OF_PLACES: Final[Mapping[str, Callable[[Place, Request], object]]] = {
    "message.role": lambda place, _: role_of(place),
    "message.declared": lambda place, request: place.declared and not request.is_floors,
    "content.asks_for": lambda place, _: place.asks_for,
}
"""Context leaves that a content's place tells."""


def stages_of(content: Content) -> tuple[Stage, ...]:
    """Return the stages whose rules a content meets."""
    return (content.place.stage, *content.place.also)


def context_value(name: str, content: Content | None, request: Request) -> object:
    """Return the value of a context leaf, or None where it has none."""
    head, _, rest = name.partition(".")
    if head == "request":
        group, _, key = rest.partition(".")
        if group in {"user", "client"}:
            return (request.user if group == "user" else request.client).get(key)
        return {"tenant": request.tenant, "model": request.model, "metadata": request.metadata}[group]
    if head == "conversation":
        return request.turns
    assert content is not None  # the loader keeps these leaves out of conversation scope
    place = content.place
    if head == "tool":
        return fold_tool_name(place.tool or "") if name == "tool.name" else _of_tool(name, content, request)
    if name in OF_PLACES:
        return OF_PLACES[name](place, request)
    if name == "content.length":
        return len(content.text) if isinstance(content, Text) else 0
    if name == "content.language":
        return identify_language(content.text)[0] if isinstance(content, Text) else "und"
    if name == "prompt.language":
        return identify_language(_prompt_of(content) or request.prompt)[0]
    return content.kind


def _prompt_of(content: Content) -> str:
    """Return the prompt that a text replies to, "" where that is not known."""
    return (content.context or {}).get("prompt", "") if isinstance(content, Text) else ""


def _of_tool(name: str, content: Content, request: Request) -> object:
    """Return what is known of the use of a tool that a content belongs to."""
    if name in BASIC:
        return basic_value(name, content)
    return None if request.tool_context is None else request.tool_context.value(name, content)


def bind_names(
    condition: Condition,
    findings: Iterable[Finding],
    unknown: frozenset[str],
    content: Content | None,
    request: Request,
) -> dict[str, object]:
    """Bind the names that a condition uses: scores to the highest in scope, counts, context. What is unknown
    stays out; what two detectors find at the same place counts once.
    """
    bound = condition.zeros()
    places: set[tuple[object, ...]] = set()
    for finding in findings:
        place = (
            finding.category,
            finding.path,
            finding.choice_index,
            finding.span,
            finding.box,
            finding.clip,
        )
        known = place in places and place[3:] != (None, None, None)
        places.add(place)
        _bind_finding(bound, condition, finding, counts=not known)
    for name in unknown:
        bound.pop(name, None)
    bound.update(condition.bind_context(lambda name: context_value(name, content, request)))
    return bound


def _bind_finding(bound: dict[str, Any], condition: Condition, finding: Finding, *, counts: bool) -> None:
    names = with_ancestors(finding.category)
    for name in condition.scores:
        if name in names:
            bound[name] = max(bound[name], finding.score)
    for variable, category in condition.counts:
        if counts and category in names:
            bound[variable] += 1
    for variable, detector, category in condition.detectors:
        if detector == finding.detector and category in names:
            bound[variable] = max(bound[variable], finding.score)


def evaluate_condition(condition: Condition, bound: Mapping[str, object]) -> bool | None:
    """Evaluate a condition; None where it depends on what is unknown, or on a value that CEL cannot take."""
    arguments = bound.get("tool.arguments")
    if not isinstance(arguments, Arguments):
        return _evaluate(condition, bound)
    # All texts of a call have the same arguments: what they differ in says whether it was asked before.
    own = ((name, value) for name, value in bound.items() if isinstance(value, str | int | float))
    key = (id(condition), *own)
    if key not in arguments.said:
        arguments.said[key] = _evaluate(condition, bound)
    return arguments.said[key]


def _evaluate(condition: Condition, bound: Mapping[str, object]) -> bool | None:
    try:
        return condition.evaluate(bound)
    except RuntimeError:  # half a surrogate pair in a context leaf, for one
        return None


def hidden_categories(policy: CompiledPolicy, failed: frozenset[str]) -> frozenset[str]:
    """Return the categories, parents too, that failed detectors would have given."""
    return frozenset(
        name
        for detector in policy.detectors
        if detector.name in failed
        for category in detector.categories
        for name in with_ancestors(category)
    )


def unknown_names(condition: Condition, categories: frozenset[str], failed: frozenset[str]) -> frozenset[str]:
    """Return the variables of a condition whose value is not known: scores and counts of hidden `categories`, and what the
    `failed` detectors alone would have said.
    """
    return categories.intersection(condition.scores).union(
        (variable for variable, category in condition.counts if category in categories),
        (variable for variable, by, _ in condition.detectors if by in failed),
    )
