"""Renders the verdicts on checked contents as one HTML file that needs nothing but itself.

    judged = [CheckedContent("a.png", Path("a.png"), guard.check(Path("a.png")))]
    with open_report(Path("out.html")) as save:
        save(render_report(judged))

A reviewer is not shown what the policy would show to nobody: of what is blocked, and of turns that were removed, texts are
masked, and pictures and frames of films pixelated; of what is redacted that is shown which is still there afterwards. All this is
done before the page is made, so the rest is not in the file either. `covered=False` shows it all.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from guardrails.authoring.markup import Html, make_page, make_table, tag
from guardrails.authoring.reports.before_after import ReportStyle, render_checked, render_result
from guardrails.authoring.reports.contact_sheet import Numbered
from guardrails.authoring.reports.report_source import render_date
from guardrails.authoring.reports.terms import explain_terms
from guardrails.authoring.reports.timeline import describe_clip, describe_nearness, describe_watch
from guardrails.engine.core.observers import FilmRecord
from guardrails.errors import GuardrailsError, describe_unavailable
from guardrails.media.limits import PictureLimits
from guardrails.media.video.film_source import VideoLimits
from guardrails.taxonomy import describe_not_seen
from guardrails.types import Action, Finding, Verdict

SUFFIXES: Final = (".html", ".htm")

FINDINGS: Final = 200
"""Findings of one verdict that are numbered and marked, those with the highest scores."""

FRAMES: Final = 12
"""Frames of one picture or film that are shown."""

DONE: Final = {
    Action.ALLOW: "allowed",
    Action.FLAG: "flagged",
    Action.REDACT: "redacted",
    Action.BLOCK: "blocked",
}
REASONS: Final[Mapping[str, str]] = {
    "matched": "its condition holds",
    "error": "what it asks for could not be judged",
    "unsound_arguments": "the arguments of the call are no JSON, or can be read in two ways",
    "unchecked": "a part was not judged",
    "unsafe_edit": "it would replace what must not be changed",
    "not_redacted": "what was found could not be covered",
    "repaired": "the format was wrong, and was mended",
}
"""Why a rule fired → in words."""

COVERED: Final = (
    "What is blocked or redacted is masked here, and is not in this file. "
    "Other texts are covered until you ask for them."
)


class UnusableReportError(GuardrailsError):
    """A report that cannot be written where it should be."""


@dataclass(frozen=True, slots=True)
class CheckedContent:
    """One thing that was checked: what people call it (not a text itself: names are not masked), as it was given, the verdict,
    and what else was seen and heard of films in it (`observers`).
    """

    name: str
    content: object
    verdict: Verdict
    told: Sequence[FilmRecord] = ()


def render_report(
    judged: Iterable[CheckedContent],
    *,
    covered: bool = True,
    limits: PictureLimits | None = None,
    film_limits: VideoLimits | None = None,
    frames: int = FRAMES,
    at: datetime | None = None,
) -> str:
    """Return a whole HTML document with a card for each thing that was checked.

    Args:
        judged: what was checked, in the order of the cards.
        covered: mask what is blocked or redacted.
        limits: what is read of pictures; give those of the policy.
        film_limits: what is watched of films; give those of the policy.
        frames: the most frames of one picture or film that are shown.
        at: when it was checked, where that is known.
    """
    looks = ReportStyle(covered, limits or PictureLimits(), frames, film_limits or VideoLimits())
    cards: list[Html] = []
    names: list[Html] = []
    counts: Counter[Action] = Counter()
    policies: dict[str, None] = {}
    worst: CheckedContent | None = None
    for number, each in enumerate(judged, 1):
        policy = each.verdict.policy
        policies[f"{policy.name} {policy.version}, {policy.digest[:19]}"] = None
        if worst is None or each.verdict.action > worst.verdict.action:
            worst = each
        counts[each.verdict.action] += 1
        link = tag("a", each.name, href=f"#item-{number}")
        names.append(tag("li", _action(each.verdict.action), " ", link))
        cards.append(_card(number, each, looks))
    told = ", ".join(f"{counts[action]} {DONE[action]}" for action in sorted(Action, reverse=True))
    head = [
        tag("h1", "guardrails check"),
        tag("p", tag("strong", f"{len(cards)} checked: {told}."), " ", *_next_step(worst)),
        *(tag("p", f"Policy: {each}", class_="dim") for each in policies),
        *([] if at is None else [tag("p", f"Date: {render_date(at)}.", class_="dim")]),
        tag("p", COVERED if covered else "Nothing is masked here, whatever it is.", class_="dim"),
    ]
    contents = tag("nav", tag("ol", *names), aria_label="What was checked") if len(names) > 1 else Html()
    return make_page("guardrails check", [*head, contents, *cards])


def _next_step(worst: CheckedContent | None) -> Iterator[str]:
    """Yield what to do next, by the strictest of the verdicts."""
    if worst is None:
        yield "Nothing was given to check."
    elif worst.verdict.unavailable is not None:
        yield f"Begin with {worst.name}, which could not be judged: see why below, and check it again."
    elif worst.verdict.action is Action.ALLOW:
        yield "There is nothing to do; what was found all the same is below."
    else:
        yield f"Begin with {worst.name}: if that is wrong, "
        yield tag("code", "guardrails explain")
        yield " tells which condition decided and what it would take to let it pass."


def _action(action: Action) -> Html:
    return tag("span", str(action), class_=f"action {action}")


def _card(number: int, judged: CheckedContent, looks: ReportStyle) -> Html:
    """Return all about one verdict."""
    verdict = judged.verdict
    ranked = sorted(verdict.findings, key=lambda finding: -finding.score)
    numbered = [*enumerate(ranked[:FINDINGS], 1)]
    parts = [
        tag("h2", _action(verdict.action), " ", judged.name, id=f"title-{number}"),
        tag("p", _render_decision(verdict), class_="dim"),
        *_rules(verdict),
        *_render_findings(verdict, numbered),
        *_coverage(verdict),
        *render_checked(judged.content, verdict, numbered, looks, {each.path: each for each in judged.told}),
    ]
    if not verdict.blocked and (verdict.action is Action.REDACT or verdict.removed):
        parts += render_result(judged.content, verdict, looks)
    return tag("article", *parts, id=f"item-{number}", aria_labelledby=f"title-{number}")


def _render_decision(verdict: Verdict) -> str:
    policy = verdict.policy
    took = f", {verdict.timings_ms['total']:.2f} ms" if "total" in verdict.timings_ms else ""
    rest = "" if verdict.complete else "; not all detectors ran, as nothing stricter could come of them"
    if verdict.unavailable is not None:
        rest += f"; {describe_unavailable(verdict)}"
    return f"{verdict.stage}, policy {policy.name} {policy.version} ({policy.digest[:19]}), {verdict.id}{took}{rest}"


def _rules(verdict: Verdict) -> Iterator[Html]:
    if not verdict.rules and not verdict.shadow:
        return
    rows = [
        [
            tag("strong", rule.id),
            _action(rule.action),
            str(rule.severity),
            f"{REASONS.get(rule.reason, rule.reason)}{', in shadow' if shadow else ''}",
            rule.message or "",
        ]
        for shadow, rules in ((False, verdict.rules), (True, verdict.shadow))
        for rule in rules
    ]
    yield tag("h3", "Rules")
    yield make_table(("Rule", "Action", "Severity", "Why", "Message"), rows)
    used = dict.fromkeys(str(rule.action) for rule in (*verdict.rules, *verdict.shadow))
    yield explain_terms(*used, "Severity", *(("Shadow",) if verdict.shadow else ()))


def _render_findings(verdict: Verdict, numbered: Sequence[Numbered]) -> Iterator[Html]:
    """Yield a bar for each category, and the legend."""
    if not verdict.findings:
        return
    best: dict[str, float] = {}
    for finding in verdict.findings:
        best[finding.category] = max(finding.score, best.get(finding.category, 0.0))
    counts = Counter(finding.category for finding in verdict.findings)
    ranked = sorted(best.items(), key=lambda entry: (-entry[1], entry[0]))
    yield tag("h3", "Scores")
    bars = [
        [category, tag("span", _bar(category, score), f" {score:.2f}"), str(counts[category])]
        for category, score in ranked
    ]
    yield make_table(("Category", "Highest score", "Findings"), bars)
    yield explain_terms("Score")
    yield tag("h3", "Findings")
    legend = [
        [str(at), each.category, f"{each.score:.2f}", each.detector, describe_place(each)]
        for at, each in numbered
    ]
    yield make_table(("Number", "Category", "Score", "Detector", "Where"), legend)
    if len(verdict.findings) > len(numbered):
        yield tag("p", f"{len(verdict.findings) - len(numbered):,} more findings are not listed.")


def _bar(category: str, score: float) -> Html:
    return tag("meter", min=0, max=1, value=f"{score:.3f}", aria_label=f"score of {category}")


def describe_place(finding: Finding) -> str:
    """Return where a finding is, in a line."""
    said = []
    if finding.span is not None:
        said.append("characters {}..{}".format(*finding.span))
    if finding.box is not None:
        said.append("{}, {}, {} x {} pixels".format(*finding.box))
    if finding.clip is not None:
        said.append(describe_clip(finding.clip))
    if finding.path:
        said.append(f"in {finding.path}")
    if finding.origin:
        said.append(f"by way of {finding.origin}")
    if (on := finding.listed) is not None:
        said.append(f"on {on.list} as {on.id} ({on.kind}, {on.form}, {describe_nearness(on)})")
    return ", ".join(said) or "all of it"


def _coverage(verdict: Verdict) -> Iterator[Html]:
    coverage = verdict.coverage
    lines = []
    for kind, count in coverage.kinds.items():
        size = f", frames: {count.frames:,}" if count.frames else ""
        size = f", characters: {count.characters:,}" if count.characters else size
        if count.parts:
            lines.append(tag("li", f"{kind}: {count.checked:,} of {count.parts:,} checked{size}"))
    lines += [
        tag("li", f"watched: {describe_watch(film)}{f' ({film.path})' if film.path else ''}")
        for film in coverage.films
    ]
    for entry in coverage.unchecked:
        where = f" ({entry.path})" if entry.path else ""
        lines.append(tag("li", tag("strong", "unchecked"), f" {entry.kind}: {entry.reason}{where}"))
    if coverage.not_seen:
        lines.append(tag("li", tag("strong", "not seen"), f" {describe_not_seen(coverage.not_seen)}"))
    lines += [tag("li", f"unknown field: {name}") for name in coverage.unknown_fields]
    for error in verdict.errors:
        lines.append(tag("li", tag("strong", "failed"), f" {error.detector}: {error.error}"))
    if lines:
        yield tag("h3", "Coverage")
        yield tag("ul", *lines)


@contextmanager
def open_report(path: Path) -> Iterator[Callable[[str], None]]:
    """Give what saves a report: the file is made beside its place first, and takes it at once when it is whole.

    Raises:
        UnusableReportError: it cannot be written there, which is mostly known before there is anything to save.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UnusableReportError(f"{path}: a report is an .html file")
    place = Path(os.path.realpath(path))
    beside = place.with_name(f".{secrets.token_hex(8)}.report")

    def save(html: str) -> None:
        try:
            beside.write_text(html, "utf-8")
            beside.replace(place)
        except OSError as error:
            raise UnusableReportError(f"{path}: {error.strerror or error}") from error

    try:
        if place.exists() and not (place.is_file() and os.access(place, os.W_OK)):
            raise UnusableReportError(f"{path}: no file that can be written")
        beside.touch(exist_ok=False)
    except OSError as error:
        raise UnusableReportError(f"{path}: {error.strerror or error}") from error
    try:
        yield save
    finally:
        beside.unlink(missing_ok=True)
