"""Finds every `PolicyChange` between two versions of a policy.

The policies are compared as they are resolved (what they extend is part of them), so a rule that moved to a parent has not
changed. What is done with each field stands in tables: field → what of `LEVELS` its change is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from guardrails.authoring.diff.change import PolicyChange, PolicyVersion, display_place, match_renamed
from guardrails.authoring.diff.changed_detectors import compare_detectors
from guardrails.authoring.diff.changed_fields import (
    ACTIONS,
    EXCEPTION,
    LIMITS,
    RULE,
    Judged,
    comparable_fields,
    judge_always,
    judge_ranked,
)
from guardrails.authoring.diff.levels import Level
from guardrails.detectors.config import Config
from guardrails.policy.loading.items import Policy, PolicyItem
from guardrails.policy.schema import RuleDoc


def find_changes(old: PolicyVersion, new: PolicyVersion) -> list[PolicyChange]:
    """Return every difference, the gravest first, each kind in the order of the files."""
    found = [
        *_head(old, new),
        *_rules(old.policy, new.policy),
        *_exceptions(old.policy, new.policy),
        *compare_detectors(old, new),
        *_tables(old, new),
        *_tests(old.policy, new.policy),
    ]
    return sorted(found, key=lambda change: -change.level)


def highest_level(found: Sequence[PolicyChange]) -> Level:
    """Return what all changes together ask of the version."""
    return max((change.level for change in found), default=Level.NONE)


def _head(old: PolicyVersion, new: PolicyVersion) -> Iterator[PolicyChange]:
    files = old.policy.file, new.policy.file
    if old.policy.name != new.policy.name:
        yield PolicyChange("policy_renamed", "policy", "name", old.policy.name, new.policy.name, files)
    if old.policy.description != new.policy.description:
        yield PolicyChange(
            "wording", "policy", "description", old.policy.description, new.policy.description, files
        )


def _differing(
    what: str,
    olds: tuple[PolicyItem, Mapping[str, Any]],
    news: tuple[PolicyItem, Mapping[str, Any]],
    by: Mapping[str, Judged],
) -> Iterator[PolicyChange]:
    """Yield the fields that differ; one that no table knows may be stricter."""
    (old_item, old), (new_item, new) = olds, news
    for name, value in old.items():
        if value != new[name]:
            places = display_place(old_item, (name,)), display_place(new_item, (name,))
            kind = by.get(name, judge_always("condition"))(value, new[name])
            yield PolicyChange(kind, what, name, value, new[name], places)


# Rules and exceptions


def _rules(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    olds = {each.doc.id: (each.item, each.doc) for each in old.rules if each.doc is not None}
    news = {each.doc.id: (each.item, each.doc) for each in new.rules if each.doc is not None}
    moved = match_renamed(
        {name: _meaning(doc) for name, (_, doc) in olds.items() if name not in news},
        {name: _meaning(doc) for name, (_, doc) in news.items() if name not in olds},
    )
    for name, (item, doc) in olds.items():
        what = f"rule {name}"
        if name in moved:
            other, then = news[moved[name]]
            places = display_place(item, ("id",)), display_place(other, ("id",))
            yield PolicyChange("rule_renamed", what, "id", name, moved[name], places)
            yield from _differing(
                what, (item, comparable_fields(doc)), (other, comparable_fields(then)), RULE
            )
        elif name not in news:
            yield PolicyChange("rule_removed", what, old=doc.when, places=(display_place(item), ""))
        else:
            other, then = news[name]
            yield from _differing(
                what, (item, comparable_fields(doc)), (other, comparable_fields(then)), RULE
            )
    for name, (item, doc) in news.items():
        if name not in olds and name not in moved.values():
            kind = "rule_enforced" if doc.mode == "enforce" and doc.then != "flag" else "rule_added"
            yield PolicyChange(kind, f"rule {name}", new=doc.when, places=("", display_place(item)))
    before, after = [name for name in olds if name in news], [name for name in news if name in olds]
    if before != after:
        yield PolicyChange("order", "rules", old=before, new=after)


def _meaning(doc: RuleDoc) -> object:
    """Return what a rule does, whatever it is called and says."""
    words = ("description", "message", "tags", "severity")
    return sorted((name, repr(value)) for name, value in comparable_fields(doc).items() if name not in words)


def _exceptions(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    olds, news = ({doc.id: (item, doc) for item, doc in each.exceptions} for each in (old, new))
    for name, (item, doc) in olds.items():
        what = f"exception {name}"
        if name not in news:
            yield PolicyChange("exception_removed", what, old=doc.reason, places=(display_place(item), ""))
        else:
            other, then = news[name]
            yield from _differing(
                what, (item, comparable_fields(doc)), (other, comparable_fields(then)), EXCEPTION
            )
    for name, (item, doc) in news.items():
        if name not in olds:
            yield PolicyChange(
                "exception_added", f"exception {name}", new=doc.reason, places=("", display_place(item))
            )


# All else


def _tables(old: PolicyVersion, new: PolicyVersion) -> Iterator[PolicyChange]:
    files = old.policy.file, new.policy.file

    def table(
        what: str, before: Mapping[str, Any], after: Mapping[str, Any], by: Callable[[str], Judged]
    ) -> Iterator[PolicyChange]:
        for name, value in before.items():
            if value != after[name]:
                yield PolicyChange(by(name)(value, after[name]), what, name, value, after[name], files)

    first, then = old.policy, new.policy
    actions = judge_ranked(ACTIONS)
    yield from table(
        "unchecked", first.unchecked.model_dump(), then.unchecked.model_dump(), lambda _: actions
    )
    yield from table("limits", first.limits.model_dump(), then.limits.model_dump(), lambda name: LIMITS[name])
    yield from table(
        "films", first.films.model_dump(), then.films.model_dump(), lambda _: judge_always("default")
    )
    yield from table(
        "media", first.media.model_dump(), then.media.model_dump(), lambda _: judge_always("default")
    )
    yield from table(
        "records", first.records.model_dump(), then.records.model_dump(), lambda _: judge_always("default")
    )
    lines = [{name: doc.model_dump() for name, doc in each.helplines.items()} for each in (first, then)]
    before, after = ({name: some.get(name) for name in {**lines[0], **lines[1]}} for some in lines)
    yield from table("helplines", before, after, lambda _: judge_always("wording"))
    rest = {"history": first.history, "parallel": first.parallel is not None}
    now = {"history": then.history, "parallel": then.parallel is not None}
    yield from table("policy", rest, now, lambda _: judge_always("default"))
    if old.compiled.tools.digest != new.compiled.tools.digest:
        names = [name for name in {**first.tools, **then.tools} if _data(first, name) != _data(then, name)]
        for name in names or ["allow"]:  # else a schema that it names
            places = display_place(first.tools.get(name)), display_place(then.tools.get(name))
            yield PolicyChange("tools", "tools", name, _data(first, name), _data(then, name), places)


def _data(policy: Policy, name: str) -> Any:
    item = policy.tools.get(name)
    return None if item is None else item.data.get(name)


def _tests(old: Policy, new: Policy) -> Iterator[PolicyChange]:
    """Yield one change where tests came, went, or expect otherwise."""
    olds, news = ({_test_question(test): test for _, test in each.tests} for each in (old, new))
    added, removed = len(news.keys() - olds.keys()), len(olds.keys() - news.keys())
    other = sum(news[asked] != test for asked, test in olds.items() if asked in news)
    if added or removed or other:
        told = f"{added} added, {removed} removed, {other} changed"
        yield PolicyChange("tests", "tests", old=len(olds), new=told, places=(old.file, new.file))


def _test_question(test: Config) -> str:
    """Return what a test asks, whatever it expects and is called."""
    return test.model_dump_json(exclude={"name", "expect", "todo"})
