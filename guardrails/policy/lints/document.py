"""The policy as a whole: its head, what it inherits and changes, its detectors, tools, limits and films."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardrails.policy.lints.issue import Fix, LintFinding
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.source import Source
from guardrails.types import Action

HEAD: Final = frozenset({"format", "name", "version", "description", "extends"})

SHORTEST_MS: Final = 100
"""A model of the package needs up to 15 ms for a window, and a text has several; a service needs more."""

OF_LISTS: Final = {
    "allow": frozenset({"tool.listed", "tool.valid"}),
    "untrusted": frozenset({"tool.tainted", "tool.sources", "tool.carries", "tool.carried"}),
}
"""A list of tools → the context by which rules learn of it."""


def no_version(scene: LintContext) -> Iterator[LintFinding]:
    """The policy has no version, so that verdicts and logs cannot tell which one judged."""
    if scene.head.get("version") in (None, "0", 0, ""):
        place = ("version",) if "version" in scene.head else ("name",)
        yield LintFinding(
            scene.root.mark(place), f"policy {scene.policy.name!r} has no version", 'write version: "1.0.0"'
        )


def adds_nothing(scene: LintContext) -> Iterator[LintFinding]:
    """A policy builds on another and changes nothing."""
    if scene.head.get("extends") and not {key for key, value in scene.head.items() if value} - HEAD:
        message = f"policy {scene.policy.name!r} adds nothing to what it extends"
        yield LintFinding(
            scene.root.key_mark(("extends",)), message, "name the other policy itself, or override something"
        )


def no_rules(scene: LintContext) -> Iterator[LintFinding]:
    """No rule of the policy is enforced."""
    if not scene.enforced:
        what = "has no rules" if not scene.rows else "enforces no rule: all are in shadow"
        yield LintFinding(
            scene.root.mark(("name",)), f"policy {scene.policy.name!r} {what}", "add a rule under 'rules:'"
        )


def _before(scene: LintContext, source: Source, section: str, name: str) -> Mapping[str, Any] | None:
    """Return what a parent says of a rule or detector, where one says it alone."""
    found = []
    for each in scene.policy.sources:
        data = each.data if each is not source and isinstance(each.data, dict) else {}
        changed = (data.get("override") or {}).get(section) or ()
        names = (
            [one.get("id") for one in changed if isinstance(one, dict)] if section == "rules" else [*changed]
        )
        if name in names:
            return None
        entries = data.get(section) or ()
        if section == "rules":
            found += [one for one in entries if isinstance(one, dict) and one.get("id") == name]
        elif name in entries:
            found.append(entries[name])  # type: ignore[call-overload] # a mapping, as the loader has seen
    return found[0] if len(found) == 1 else None


def override_without_effect(scene: LintContext) -> Iterator[LintFinding]:
    """An override gives a field the value that it has already."""
    for source in scene.policy.sources:
        override = (source.data if isinstance(source.data, dict) else {}).get("override") or {}
        changes: list[tuple[tuple[str | int, ...], str, str, Mapping[str, Any]]] = [
            (("override", "rules", at), "rules", str(change.get("id")), change)
            for at, change in enumerate(override.get("rules") or ())
        ]
        changes += [
            (("override", "detectors", name), "detectors", name, change)
            for name, change in (override.get("detectors") or {}).items()
        ]
        for path, section, name, change in changes:
            before = _before(scene, source, section, name)
            fields = [field for field in change if field != "id"]
            for field in fields:
                if before is not None and field in before and _same(before[field], change[field]):
                    message = f"the override of {name!r} gives {field!r} the value that it has already"
                    fix = Fix(source, path[:-1], path[-1]) if len(fields) == 1 else Fix(source, path, field)
                    yield LintFinding(source.key_mark((*path, field)), message, "remove it", name, fix)
            if not fields:
                message = f"the override of {name!r} changes nothing"
                yield LintFinding(
                    source.mark(path), message, "name what to change", name, Fix(source, path[:-1], path[-1])
                )


def _same(one: object, two: object) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)


def disabled_and_defined(scene: LintContext) -> Iterator[LintFinding]:
    """A rule is disabled and written anew under the same id."""
    for row in scene.rows:
        if row.doc.id in scene.policy.disabled:
            message = f"rule {row.doc.id!r} is disabled and defined anew: later changes of the inherited one are lost"
            yield row.found("id", message, "change it under 'override:', or give the new one its own id")


def unused_detector(scene: LintContext) -> Iterator[LintFinding]:
    """No rule reads what a detector finds."""
    read = {name for row in scene.rows for name in scene.shapes[row.rule.id].findings}
    read = {name.removeprefix("count ") for name in read}.union(*(row.rule.reads for row in scene.rows))
    for bound in scene.compiled.detectors:
        given = [each for each in scene.given if each.detector == bound.name]
        helps = bound.extracts is not None or bound.hears is not None
        plants = bound.plants
        if helps or plants or not given or any(read & set(each.variables()) for each in given):
            continue
        item = scene.policy.detectors[bound.name].item
        categories = ", ".join(sorted(bound.categories)[:3])
        message = f"no rule reads what detector {bound.name!r} finds ({categories})"
        yield LintFinding(item.key_mark(()), message, "add a rule for it, or remove it", bound.name)


def duplicate_detector(scene: LintContext) -> Iterator[LintFinding]:
    """Two detectors find the same by the same means."""
    first: dict[str, str] = {}
    for name, declared in scene.policy.detectors.items():
        if declared.config is None:
            continue
        plain = {
            **declared.config.model_dump(mode="json"),
            "categories given": sorted(scene.bounds[name].categories),
        }
        key = json.dumps(plain, sort_keys=True)
        before = first.setdefault(key, name)
        if before != name:
            message = f"detector {name!r} is the same as {before!r}, and costs as much again"
            yield LintFinding(
                declared.item.key_mark(()), message, f"use {before!r} in the rules, and remove it", name
            )


def unchecked_allow(scene: LintContext) -> Iterator[LintFinding]:
    """What cannot be judged passes, though rules stop or replace things."""
    strict = [row for row in scene.enforced if row.rule.then > Action.FLAG]
    languages = any(bound.passages for bound in scene.compiled.detectors)
    for source in scene.policy.sources:
        given = (source.data if isinstance(source.data, dict) else {}).get("unchecked") or {}
        for kind, action in given.items():
            if action == "allow" and strict and (kind != "language" or languages):
                message = f"what is left unchecked ({kind}) passes without a trace, past {len(strict)} rules that act"
                mark = source.mark(("unchecked", kind))
                yield LintFinding(
                    mark, message, "write flag to have it recorded, or block", f"unchecked.{kind}"
                )


def short_deadline(scene: LintContext) -> Iterator[LintFinding]:
    """The policy gives its detectors less time than a model or a service needs: they fail, and rules follow their `on_error`."""
    slow = [bound.name for bound in scene.compiled.detectors if bound.tier >= 1]
    given = scene.policy.limits.deadline_ms
    for source in scene.policy.sources:
        limits = (source.data if isinstance(source.data, dict) else {}).get("limits") or {}
        if slow and given < SHORTEST_MS and "deadline_ms" in limits:
            message = (
                f"in {given} ms detector {slow[0]!r} will often not be done, which counts as its failure"
            )
            yield LintFinding(
                source.mark(("limits", "deadline_ms")), message, "give them a second or more", "limits"
            )


def films_misfit(scene: LintContext) -> Iterator[LintFinding]:
    """Settings for films contradict one another."""
    films = scene.policy.films
    cases = (
        (
            "corroborate",
            films.corroborate > films.of,
            f"{films.corroborate} of {films.of} frames can never agree",
        ),
        (
            "leave",
            films.leave > films.enter,
            f"leave {films.leave} is above enter {films.enter}: it counts as that",
        ),
        (
            "hard",
            films.hard < films.enter,
            f"hard {films.hard} is below enter {films.enter}: one frame always decides",
        ),
    )
    for field, wrong, message in cases:
        for source in scene.policy.sources:
            given = (source.data if isinstance(source.data, dict) else {}).get("films") or {}
            if wrong and field in given:
                yield LintFinding(
                    source.mark(("films", field)), message, "correct one of the two numbers", "films"
                )


def unused_tools(scene: LintContext) -> Iterator[LintFinding]:
    """The policy lists tools, and no rule asks for that list: it forbids nothing by itself."""
    named = {name for row in scene.rows for name in row.rule.condition.context}
    for field, leaves in OF_LISTS.items():
        item = scene.policy.tools.get(field)
        if item is not None and not named & leaves:
            leaf = sorted(leaves)[0]
            message = f"no rule asks for the list 'tools: {field}', and by itself it forbids nothing"
            cure = f"add a rule that names {leaf}, or extend the policy agents, which has some"
            yield LintFinding(item.key_mark((field,)), message, cure, f"tools.{field}")
