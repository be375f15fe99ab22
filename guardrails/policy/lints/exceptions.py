"""Exceptions: those that are over, that nobody answers for, that remove nothing, and that remove all a rule is for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from guardrails import taxonomy
from guardrails.policy.lints.issue import Fix, LintFinding
from guardrails.policy.lints.reachability.firing import display_stages
from guardrails.policy.lints.scene.scene import LintContext, RuleRow
from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.schema import ExceptionDoc
from guardrails.policy.testing.test_checks import content_fields
from guardrails.policy.testing.test_fields import FILES
from guardrails.text import fold_text
from guardrails.types import Content, Stage, Text

SOON = timedelta(days=14)

SHORTEST_REASON = 8
EMPTY_REASONS = frozenset(
    {"false positive", "false alarm", "exception", "not harmful", "no harm", "see above", "temporary"}
)
"""Reasons that say nothing of the case."""

TRIED = ("terms", "patterns")
"""Kinds of detectors of which a text alone tells whether they find it."""


def _make_finding(
    item: PolicyItem, doc: ExceptionDoc, field: str, message: str, cure: str, fix: Fix | None = None
) -> LintFinding:
    mark = item.mark((field,)) if field in item.data else item.mark(("id",))
    return LintFinding(mark, f"exception {doc.id!r} {message}", cure, doc.id, fix)


def _removal(item: PolicyItem) -> Fix:
    return Fix(item.source, item.base[:-1], item.base[-1])


def expired(scene: LintContext) -> Iterator[LintFinding]:
    """The last day of an exception is past: it removes nothing any more."""
    for item, doc in scene.policy.exceptions:
        if doc.expires is not None and date.fromisoformat(doc.expires) < scene.today:
            cure = "remove it, or give it another day if its reason still holds"
            yield _make_finding(item, doc, "expires", f"has expired on {doc.expires}", cure, _removal(item))


def expires_soon(scene: LintContext) -> Iterator[LintFinding]:
    """The last day of an exception is near."""
    for item, doc in scene.policy.exceptions:
        if doc.expires is None:
            continue
        left = (date.fromisoformat(doc.expires) - scene.today).days
        if 0 <= left <= SOON.days:
            days = "today" if left == 0 else f"in {left} day{'s' * (left > 1)}"
            yield _make_finding(
                item, doc, "expires", f"expires {days}", "decide whether its reason still holds"
            )


def no_expiry(scene: LintContext) -> Iterator[LintFinding]:
    """An exception has no end."""
    for item, doc in scene.policy.exceptions:
        if doc.expires is None:
            yield _make_finding(
                item, doc, "id", "never ends", f"give it a last day: expires: {scene.today.year + 1}-01-31"
            )


def no_owner(scene: LintContext) -> Iterator[LintFinding]:
    """Nobody answers for an exception."""
    for item, doc in scene.policy.exceptions:
        if not (doc.owner or "").strip():
            yield _make_finding(
                item, doc, "id", "has no owner", "say who answers for it: owner: trust@acme.example"
            )


def weak_reason(scene: LintContext) -> Iterator[LintFinding]:
    """The reason of an exception says nothing of the case."""
    for item, doc in scene.policy.exceptions:
        plain = " ".join(doc.reason.lower().split()).rstrip(".!")
        if len(plain) < SHORTEST_REASON or plain in EMPTY_REASONS:
            yield _make_finding(
                item,
                doc,
                "reason",
                f"gives no reason: {doc.reason!r}",
                "say why it is no harm",
            )


def untested_exception(scene: LintContext) -> Iterator[LintFinding]:
    """An exception has no test, so that nothing shows what it is for, nor when it is not needed any more."""
    for item, doc in scene.policy.exceptions:
        if doc.test is None:
            stage = min(_stages(scene, doc), default=Stage.INPUT).value
            cure = f"add what it is for: test: {{{stage}: …, expect: {{action: allow}}}}"
            yield _make_finding(item, doc, "id", "has no test", cure)


def exception_test_elsewhere(scene: LintContext) -> Iterator[LintFinding]:
    """The test of an exception stands at a stage, or is for a tenant, that the exception is not for."""
    for item, doc in scene.policy.exceptions:
        if doc.test is None:
            continue
        (name,) = content_fields(doc.test)
        at = doc.test.stage or (Stage.INPUT if name in FILES else name)
        stages = _stages(scene, doc)
        if at in {each.value for each in Stage} and stages and at not in stages:
            mark = item.key_mark(("test", "stage" if doc.test.stage else name))
            message = f"the test of exception {doc.id!r} is at stage {at}, and the exception holds at {display_stages(stages)}"
            yield LintFinding(mark, message, f"write it as {min(stages).value}: …", doc.id)
        if doc.tenants is not None and doc.test.tenant not in doc.tenants:
            whose = "no tenant" if doc.test.tenant is None else doc.test.tenant
            message = f"the test of exception {doc.id!r} is for {whose}, and the exception for {', '.join(doc.tenants)}"
            mark = item.mark(("test", "tenant") if doc.test.tenant is not None else ("test",))
            yield LintFinding(mark, message, f"write tenant: {doc.tenants[0]}", doc.id)


def _stages(scene: LintContext, doc: ExceptionDoc) -> frozenset[Stage]:
    """Return the stages at which an exception takes anything away."""
    made = [(row.rule.on, one.on) for row in scene.rows for one in row.rule.exceptions if one.id == doc.id]
    return frozenset().union(*(on if only is None else on & only for on, only in made))


def _rows(scene: LintContext, doc: ExceptionDoc) -> list[RuleRow]:
    return [row for row in scene.rows if doc.rules is None or row.doc.id in doc.rules]


def _read(row: RuleRow) -> frozenset[str]:
    return row.rule.condition.categories | row.rule.redact


def _touches(category: str, read: frozenset[str]) -> bool:
    """Tell whether findings of a category, or of one below it, count for a rule that reads some."""
    return any(
        category in taxonomy.with_ancestors(name) or name in taxonomy.with_ancestors(category)
        for name in read
    )


def unused_exception(scene: LintContext) -> Iterator[LintFinding]:
    """An exception is for rules that are disabled, or for categories that its rules do not read: it removes nothing."""
    for item, doc in scene.policy.exceptions:
        for index, name in enumerate(doc.rules or ()):
            if name in scene.policy.disabled and name not in scene.shapes:
                mark = item.mark(("rules", index))
                yield LintFinding(
                    mark,
                    f"exception {doc.id!r} is for rule {name!r}, which is disabled",
                    "leave it out",
                    doc.id,
                )
        rows = _rows(scene, doc)
        read = frozenset().union(*(_read(row) for row in rows))
        for index, category in enumerate(doc.categories or ()):
            if rows and not _touches(category, read):
                mark = item.mark(("categories", index))
                message = (
                    f"exception {doc.id!r} removes findings of {category}, which none of its rules reads"
                )
                names = ", ".join(sorted(read)) or "none"
                yield LintFinding(mark, message, f"name one that they read: {names}", doc.id)


def switches_off(scene: LintContext) -> Iterator[LintFinding]:
    """An exception removes every finding that a rule is for: the rule never fires."""
    for item, doc in scene.policy.exceptions:
        over = doc.expires is not None and date.fromisoformat(doc.expires) < scene.today
        if over or (doc.matches, doc.near, doc.when) != (None,) * 3:
            continue
        for row in _rows(scene, doc):
            needs = row.rule.needs_findings
            given = {
                each.category
                for each in scene.given
                if scene.shapes[row.rule.id].findings & set(each.variables())
            }
            all_gone = doc.categories is None or all(
                not set(doc.categories).isdisjoint(taxonomy.with_ancestors(category)) for category in given
            )
            if needs and given and all_gone:
                message = f"removes every finding of rule {row.doc.id!r}, which then never fires"
                cure = "name the texts (matches:, near:) or the requests (when:) that it is for, or disable the rule"
                yield _make_finding(item, doc, "categories" if doc.categories else "rules", message, cure)


def _finders(scene: LintContext, doc: ExceptionDoc) -> list[str]:
    """Return the detectors whose findings an exception may remove."""
    wanted = (
        frozenset(doc.categories)
        if doc.categories
        else frozenset().union(*(_read(row) for row in _rows(scene, doc)))
    )
    return [
        bound.name
        for bound in scene.compiled.detectors
        if any(_touches(category, wanted) for category in bound.categories)
    ]


def matches_nothing(scene: LintContext) -> Iterator[LintFinding]:
    """A text of an exception is nothing that its detectors find: lists and patterns are asked."""
    for item, doc in scene.policy.exceptions:
        finders = _finders(scene, doc)
        if not finders or not doc.matches or not all(scene.kinds[name].name in TRIED for name in finders):
            continue
        for index, text in enumerate(doc.matches):
            if not any(finds(scene, name, text) for name in finders):
                message = f"exception {doc.id!r} is for the text {text!r}, which detector {finders[0]!r} does not find"
                cure = "write the text that is found, whole: guardrails check shows it"
                yield LintFinding(item.mark(("matches", index)), message, cure, doc.id)


def finds(scene: LintContext, name: str, text: str) -> bool:
    """Tell whether a detector finds a text, or something within it."""
    contents: list[Content] = [Text(each) for each in (text, f"a {text} b", f"{text}.")]
    detector = scene.bounds[name].detector
    return any(
        finding.span is not None
        and fold_text(content.text[slice(*finding.span)]).text in fold_text(text).text
        for content, detection in zip(contents, detector.detect(contents), strict=True)
        for finding in detection.findings
        if isinstance(content, Text)
    )


def near_passage(scene: LintContext) -> Iterator[LintFinding]:
    """An exception removes what a model finds, a whole passage, wherever a phrase stands in it: other harm there passes too."""
    for item, doc in scene.policy.exceptions:
        finders = _finders(scene, doc)
        if doc.near is None or doc.matches is not None:
            continue
        judges = [name for name in finders if scene.bounds[name].passages]
        if judges:
            message = f"lets all pass that detector {judges[0]!r} finds in a passage with {doc.near[0]!r}"
            cure = (
                "write the harmless phrase itself, as matches: the rest of the passage is judged without it"
            )
            yield _make_finding(item, doc, "near", message, cure)


def all_rules(scene: LintContext) -> Iterator[LintFinding]:
    """An exception holds for every rule."""
    for item, doc in scene.policy.exceptions:
        if doc.rules is None and len(scene.rows) > 1 and doc.matches is None and doc.near is None:
            yield _make_finding(
                item, doc, "id", "holds for every rule", "name the rules that it is for: rules: [id]"
            )
