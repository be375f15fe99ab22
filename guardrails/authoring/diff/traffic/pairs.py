"""Judges the same rows by two versions of a policy and collects the effects of the change.

Both judge all of it by all their detectors. What a detector that both have says of a text or picture is asked for once: the two
guards share what was found, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from guardrails.authoring.diff.change import PolicyVersion
from guardrails.authoring.diff.traffic.decisions import Decision, make_decision, rule_categories
from guardrails.authoring.diff.traffic.effects import SAME, ChangeEffects, TrafficExample, classify_turn
from guardrails.authoring.labels.label_names import BENIGN
from guardrails.authoring.rows import ContentRow
from guardrails.authoring.test_input import check_arguments, read_input
from guardrails.authoring.testing.suite import SuiteCase as TestCase
from guardrails.authoring.testing.suite import list_cases
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.errors import GuardrailsError, GuardUnavailable
from guardrails.guard import Guard
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.load import load
from guardrails.policy.testing.test_checks import content_fields
from guardrails.policy.testing.test_fields import TestDoc
from guardrails.types import Stage, Verdict

EXCERPT: Final = 160
"""Characters of a text that an example shows."""

KEPT: Final = 512
"""Texts and pictures whose findings are held until the second policy has judged them; those of one row, for all but the longest
conversations.
"""

UNASKED: Final = {"name", "expect", "todo", "each", "obfuscate", "every_cut"}
"""Fields of a test that say nothing of what it asks."""

Watch = Callable[[ChangeEffects], None]


def load_guards(
    old: PolicyVersion, new: PolicyVersion, floor: str | Path | None = None
) -> tuple[Guard, Guard]:
    """Return a guard for each version, under the same floor, that share what was found."""
    cache = FindingsCache(KEPT, every=True)
    under = None if floor is None else compile_policy(load(floor))
    return Guard(old.compiled, under, cache=cache), Guard(new.compiled, under, cache=cache)


@dataclass(frozen=True, slots=True)
class SuiteRow(ContentRow):
    """A row that is what a test checks: `test`, as `item` has it."""

    test: TestDoc | None = None
    item: PolicyItem | None = None

    def judge(self, guard: Guard) -> Verdict:
        """Judge it as the runner of tests does; a file that it names is opened anew."""
        assert self.test is not None
        assert self.item is not None
        stage, content = read_input(self.test, self.item)
        return guard.check(content, Stage(stage), **check_arguments(self.test), complete=True)


def read_suite_rows(*versions: PolicyVersion) -> Iterator[ContentRow]:
    """Yield what the tests of some versions check, each content once; those that stand for several, one by one."""
    seen: set[str] = set()
    for version in versions:
        for item, test in version.policy.tests:
            for case in list_cases(test):
                what = case.test.model_dump_json(exclude=UNASKED)
                if what not in seen:
                    seen.add(what)
                    yield _make_suite_row(item, case)


def _make_suite_row(item: PolicyItem, case: TestCase) -> SuiteRow:
    (name,) = content_fields(case.test)
    mark = item.mark(())
    stage = name if name in {each.value for each in Stage} else Stage.INPUT.value
    content = case.test.model_dump(include={name})[name]
    return SuiteRow(
        f"{mark.file}:{mark.line}", case.test.stage or stage, content, id=case.name, test=case.test, item=item
    )


def compare_rows(
    old: Guard,
    new: Guard,
    rows: Iterable[ContentRow],
    effects: ChangeEffects,
    *,
    texts: bool = True,
    watch: Watch = lambda effects: None,
) -> None:
    """Have two guards judge rows, and add what differs to `effects`; `watch` sees them after each row.

    Args:
        old: the guard before.
        new: the guard after.
        rows: what both judge.
        effects: takes what comes of it.
        texts: whether examples show an excerpt.
        watch: is told how far it is.
    """
    sides: Sequence[tuple[str, Guard]] = (("old", old), ("new", new))
    names = {side: rule_categories(guard) for side, guard in sides}
    for row in rows:
        verdicts = {side: _judge_row(row, guard) for side, guard in sides}
        errors = {side: told for side, told in verdicts.items() if isinstance(told, str)}
        if errors:
            effects.fail(_case(row), errors)
        else:
            _add(
                effects,
                row,
                {side: told for side, told in verdicts.items() if isinstance(told, Verdict)},
                names,
                texts,
            )
        watch(effects)


def _add(
    effects: ChangeEffects,
    row: ContentRow,
    verdicts: Mapping[str, Verdict],
    names: Mapping[str, Any],
    texts: bool,
) -> None:
    decided = {
        side: make_decision(verdict, names[side], verdict.content) for side, verdict in verdicts.items()
    }
    shown = texts and classify_turn(decided["old"], decided["new"]) != SAME
    stricter = max(verdicts.values(), key=lambda verdict: verdict.action)
    case = _case(row, make_excerpt(row.content, stricter, _grounds(decided)) if shown else "")
    effects.add(case, decided["old"], decided["new"])


def _grounds(decided: Mapping[str, Decision]) -> frozenset[str]:
    return frozenset(
        category for each in decided.values() for rule in each.rules for category in rule.categories
    )


def _case(row: ContentRow, text: str = "") -> TrafficExample:
    label = "+".join(sorted(name for name, holds in row.labels.items() if holds)) or None
    if label is None and row.labels.get(BENIGN) is False:
        label = f"not {BENIGN}"
    return TrafficExample(row.place, row.stage, row.tenant, row.lang, label=label, id=row.id, text=text)


def _judge_row(row: ContentRow, guard: Guard) -> Verdict | str:
    """Return the verdict on a row, or why there is none."""
    try:
        verdict = row.judge(guard)
    except GuardUnavailable as error:
        return f"unavailable ({error.reason})"
    except GuardrailsError as error:
        return str(getattr(error, "code", type(error).__name__))
    except Exception as error:  # a fault of ours must not end a run over a million rows
        return type(error).__name__
    return verdict if verdict.unavailable is None else f"unavailable ({verdict.unavailable.reason})"


def make_excerpt(content: object, verdict: Verdict, categories: frozenset[str] = frozenset()) -> str:
    """Return what is shown of a content: some of the text around the first finding of `categories`, else of its beginning."""
    for finding in verdict.findings:
        if finding.span is not None and (not categories or finding.category in categories):
            text = _text_at(content, finding.path)
            if text is not None and finding.span[0] < len(text):
                return _cut_around(text, finding.span)
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=repr)
    return _cut_around(text, (0, 0))


def _cut_around(text: str, span: tuple[int, int]) -> str:
    spare = max(0, EXCERPT - (span[1] - span[0]))
    start = max(0, min(span[0] - spare // 2, len(text) - EXCERPT))
    cut = text[start : start + EXCERPT]
    return f"{'…' if start else ''}{cut}{'…' if start + EXCERPT < len(text) else ''}"


def _text_at(content: object, pointer: str) -> str | None:
    """Return the text to which a JSON Pointer leads."""
    value: Any = content
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return value if isinstance(value, str) else None
