"""Renders an `Explanation` as lines for people.

What people ask for first comes first: the verdict, the text with what was found in it, the rules that fired and those that nearly
did, then what was replaced, the detectors, and the time. Rules that had nothing to fire for are summed up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from guardrails.authoring.checked_files import display_name
from guardrails.authoring.explain.rules_report import LISTED, PLAIN, quote_text, render_rules
from guardrails.authoring.terminal import Style
from guardrails.engine.formats.format_repair import REPAIRED
from guardrails.errors import describe_unavailable
from guardrails.taxonomy import describe_not_seen
from guardrails.types import Action, Stage, Verdict

if TYPE_CHECKING:
    from guardrails.authoring.explain.explained_texts import MarkedText
    from guardrails.authoring.explain.explanation import Explanation
    from guardrails.authoring.explain.word_importance import ScoreImportance

LINES: Final = 12
"""Lines of one text that are shown, those first in which something was found."""

STREAMED: Final = (Stage.OUTPUT, Stage.TOOL_CALL)
"""Stages whose texts come in pieces."""


def render_explanation(
    explanation: Explanation, style: Style, *, name: str = "", every: bool = False, only: bool = False
) -> Iterator[str]:
    """Yield the lines that people read.

    Args:
        explanation: what is explained.
        style: how it is marked.
        name: what people call the content, where there are several.
        every: show every rule term by term.
        only: it is about one rule; the rest of the check is left out.
    """
    yield from _head(explanation, style, name)
    yield from _texts(explanation, style)
    yield from _render_findings(explanation, style)
    yield from render_rules(explanation.rules, style, every=every or only)
    if not only:
        yield from _render_unchecked(explanation, style)
    if not only:
        yield from _redaction(explanation, style)
        yield from _detectors(explanation, style)
    yield from _streaming(explanation, style, every=every or only)
    if not only:
        yield from _time(explanation, style)


def _head(explanation: Explanation, style: Style, name: str) -> Iterator[str]:
    verdict = explanation.verdict
    policy = verdict.policy
    took = style.dim(f"{verdict.timings_ms['total']:.2f} ms")
    yield (
        f"{style.decision(verdict)}  {verdict.stage}  policy {policy.name} {policy.version} "
        f"{style.dim(policy.digest[:19])}  {took}"
    )
    if name:
        yield f"  {style.dim('content')}  {quote_text(name)}"
    if explanation.floor is not None:
        yield f"  {style.dim('floor')}    {explanation.floor.name} {explanation.floor.version}"
    for kind, count in verdict.coverage.kinds.items():
        size = f", {count.characters:,} characters" if kind == "text" else ""
        if count.parts:
            yield f"  {style.dim('checked')}  {kind}: {count.checked:,} of {count.parts:,}{size}"
    for path in verdict.coverage.declared[:LISTED]:
        yield f"  {style.dim('declared')} {path or 'the text'}: the application's own"
    for film in verdict.coverage.films:
        from guardrails.authoring.reports.timeline import describe_watch

        yield f"  {style.dim('watched')}  {describe_watch(film)}"
    for entry in verdict.coverage.unchecked[:LISTED]:
        yield f"  {style.dim('unread')}   {entry.kind}: {entry.reason} {entry.path}".rstrip()
    if verdict.coverage.not_seen:
        yield f"  {style.dim('unseen')}   in pictures: {describe_not_seen(verdict.coverage.not_seen)}"
    yield from _formats(verdict, style)
    yield from _failures(verdict, style)
    for path in verdict.removed[:LISTED]:
        yield f"  {style.dim('removed')}  {path}: an earlier turn that is blocked does not go on"


def _failures(verdict: Verdict, style: Style) -> Iterator[str]:
    """Yield why the check could not be done, and which detectors failed."""
    if verdict.unavailable is not None:
        yield f"  {style.bad('cause')}    {describe_unavailable(verdict)}"
    for error in verdict.errors[:LISTED]:
        yield f"  {style.bad('failed')}   {error.detector}: {error.error} {error.path}".rstrip()


def _formats(verdict: Verdict, style: Style) -> Iterator[str]:
    """Yield what became of texts in a wrong format."""
    for rule in verdict.rules:
        if rule.reason == REPAIRED:
            yield f"  {style.dim('repaired')} by {rule.id}: what follows is judged of the text as it was mended"
    for failure in verdict.format_failures[:LISTED]:
        problems = "; ".join(map(str, failure.problems[:LISTED]))
        yield f"  {style.dim('wrong')}    {failure.rule}: {display_name(problems)}"


def _texts(explanation: Explanation, style: Style) -> Iterator[str]:
    marked = [text for text in explanation.texts if text.marks]
    texts = marked or [text for text in explanation.texts if text.text][:1]
    for text in texts[:LISTED]:
        own = "the application's own" if text.declared else ""
        where = " ".join(filter(None, (text.path, text.role, text.origin, own)))
        yield style.dim(f"text {where}".rstrip())
        yield from (f"  {line}" for line in _text(text, style))
    rest = len(marked) - LISTED
    if rest > 0:
        yield style.dim(f"  and {rest:,} more texts with findings")


def _text(text: MarkedText, style: Style) -> Iterator[str]:
    """Yield the lines of a text, with what was found in it marked and numbered."""
    pieces: list[tuple[str, tuple[int, ...]]] = []
    position = 0
    for start, end, numbers in text.marks:
        pieces += [(text.text[position:start], ()), (text.text[start:end], numbers)]
        position = end
    pieces.append((text.text[position:], ()))
    rows: list[tuple[str, bool]] = [("", False)]
    for piece, numbers in pieces:
        for number, line in enumerate(piece.replace("\r\n", "\n").split("\n")):
            if number:
                rows.append(("", False))
            if line:
                before, held = rows[-1]
                rows[-1] = (before + _piece(line, numbers, style), held or bool(numbers))
    wanted = [at for at, (_, held) in enumerate(rows) if held][:LINES]
    wanted = sorted({*wanted, *[*range(len(rows))][: LINES - len(wanted)]})
    for place, at in enumerate(wanted):
        if place and wanted[place - 1] != at - 1:
            yield style.dim("…")
        yield rows[at][0]
    if text.cut or wanted[-1] < len(rows) - 1:
        cut = f"{text.cut:,} more characters" if text.cut else f"{len(rows) - 1 - wanted[-1]:,} more lines"
        yield style.dim(f"… {cut}")


def _piece(line: str, numbers: Sequence[int], style: Style) -> str:
    if numbers:
        return style.highlight(display_name(line)) + style.dim(f"({','.join(map(str, numbers))})")
    if len(line) > 3 * PLAIN:
        gone = len(line) - 2 * PLAIN
        return f"{display_name(line[:PLAIN])}{style.dim(f'…({gone:,} characters)…')}{display_name(line[-PLAIN:])}"
    return display_name(line)


def _render_findings(explanation: Explanation, style: Style) -> Iterator[str]:
    from guardrails.authoring.reports.check_report import describe_place

    if not explanation.findings:
        yield style.dim("found") + "  nothing"
        return
    yield style.dim("found")
    raised: dict[int, ScoreImportance] = {each.finding: each for each in explanation.raised}
    for found in explanation.findings[:LISTED]:
        finding = found.finding
        shows = found.quote is not None and not (found.whole and len(found.quote) > PLAIN / 2)
        about = f"{quote_text(found.quote or '')}  " if shows else ""
        place = describe_place(replace(finding, span=None) if found.whole else finding)
        place = place.replace("all of it", "all of the text") if found.whole else place
        yield (
            f"  {found.number:>3}  {style.bold(finding.category)} {finding.score:.2f}  {about}"
            f"{style.dim(f'{place}, by {finding.detector}')}"
        )
        if found.within is not None:
            read = "fills a slot" if found.fills else "read as" if finding.origin else "read together"
            yield f"       {style.dim(read)}  {quote_text(found.within)}"
        if found.number in raised:
            yield f"       {style.dim('raised by')}  {_render_importance(raised[found.number])}"
    rest = len(explanation.findings) - LISTED + explanation.left_out["findings"]
    if rest > 0:
        yield style.dim(f"  and {rest:,} more")


def _render_importance(raised: ScoreImportance) -> str:
    """Return the words that raise a score, each with what it adds."""
    if raised.error is not None:
        return f"not known: the detector {raised.error}"
    if not raised.words:
        return "no single word: without any one of them the score is the same"
    said = ", ".join(f"{quote_text(word.text)} {word.adds:+.2f}" for word in raised.words)
    if raised.left is not None:
        together = " and ".join(quote_text(word.text) for word in raised.together)
        said += f"; without {together} together {raised.left:.2f}"
    return said


def _render_unchecked(explanation: Explanation, style: Style) -> Iterator[str]:
    """Yield what the policy's `unchecked:` table did."""
    verdict = explanation.verdict
    for rule in verdict.rules:
        if rule.reason == "unchecked":
            kind = rule.id.removeprefix("unchecked.")
            reasons = dict.fromkeys(
                entry.reason for entry in verdict.coverage.unchecked if entry.kind == kind
            )
            why = ", ".join([*reasons][:LISTED])
            yield f"  {style.action(rule.action)}  {style.bold(rule.id)}  {style.dim(f'what could not be judged: {why}')}"


def _redaction(explanation: Explanation, style: Style) -> Iterator[str]:
    redaction, verdict = explanation.redaction, explanation.verdict
    if not (redaction.replaced or redaction.covered or redaction.kept):
        return
    moot = "  (but the content is blocked)" if verdict.blocked else ""
    yield style.dim("redacted") + moot
    for each in redaction.replaced[:LISTED]:
        by = f"by {each.rule} ({each.with_})" if each.rule else "as it looks like what was handed out"
        also = f", also wanted by {', '.join(each.rules[1:])}" if len(each.rules) > 1 else ""
        merged = f", {len(each.findings)} findings in one" if each.merged else ""
        at = f" in {each.path}" if each.path else ""
        yield f"  {quote_text(each.before)} {style.dim('→')} {quote_text(each.after)}  {style.dim(f'{by}{also}{merged}{at}')}"
    for cover in redaction.covered[:LISTED]:
        done = f"covered ({cover.how})" if cover.done else "could not be covered"
        yield f"  finding {cover.finding} {done}  {style.dim(f'by {cover.rule}')}"
    kept: dict[tuple[str, str], list[int]] = {}
    for stays in redaction.kept:
        kept.setdefault((stays.rule, stays.why), []).append(stays.finding)
    for (rule, why), numbers in [*kept.items()][:LISTED]:
        more = f" and {len(numbers) - LISTED:,} more" if len(numbers) > LISTED else ""
        said = f"finding {', '.join(map(str, numbers[:LISTED]))}{more}"
        yield f"  {style.dim('stays')}  {said}  {style.dim(f'for {rule}: {why}')}"
    rest = redaction.left_out + sum(
        max(0, len(each) - LISTED) for each in (redaction.replaced, redaction.covered, kept)
    )
    if rest:
        yield style.dim(f"  and {rest:,} more")
    if verdict.action is Action.REDACT and isinstance(verdict.content, str | list | dict):
        left = verdict.content if isinstance(verdict.content, str) else json.dumps(verdict.content)
        yield f"  {style.dim('becomes')}  {quote_text(left, 4 * PLAIN)}"


def _detectors(explanation: Explanation, style: Style) -> Iterator[str]:
    yield style.dim("detectors")
    width = max((len(each.name) for each in explanation.detectors), default=0)
    for each in explanation.detectors:
        took = "" if each.took_ms is None else f"{each.took_ms:9.2f} ms"
        notes = [f"tier {each.tier}", f"{each.findings:,} found"] if each.why is None else [each.why]
        cached = each.parts.get("cached", 0)
        notes += [f"{cached:,} parts known from before"] if cached else []
        notes += ["an ordinary check spares it"] if each.spared else []
        notes += [f"failed: {error}" for error in each.errors]
        notes += [f"did not judge: {entry.reason}" for entry in each.unchecked[:1]]
        state = (
            style.bad(each.state.ljust(8))
            if each.state == "failed"
            else each.state.replace("_", " ").ljust(8)
        )
        yield f"  {each.name.ljust(width)}  {state} {took:>12}  {style.dim(', '.join(notes))}"


def _streaming(explanation: Explanation, style: Style, *, every: bool) -> Iterator[str]:
    from guardrails.authoring.explain.explained_streaming import HOWS

    told = [each for each in explanation.streaming if every or each.stage in STREAMED]
    by_how: dict[str, dict[str, str]] = {}
    for each in told:
        by_how.setdefault(each.how, {})[each.rule] = each.why
    if told:
        yield style.dim("if it came in pieces")
    for how, held in by_how.items():
        if how == "whole":
            yield from (f"  held to the end  {rule}: {why}" for rule, why in [*held.items()][:LISTED])
        else:
            yield f"  {', '.join([*held][:LISTED])}: {style.dim(HOWS[how])}"
    for pattern in dict.fromkeys(pattern for each in told for pattern in each.patterns):
        yield f"    {style.dim(display_name(pattern))}"


def _time(explanation: Explanation, style: Style) -> Iterator[str]:
    from guardrails.authoring.explain.explanation import OWN

    timings = explanation.verdict.timings_ms
    parts = [f"{timings['total']:.2f} ms in total"]
    parts += [f"tier {tier} {took:.2f} ms" for tier, took in explanation.tiers.items()]
    parts += [f"{what} {timings[name]:.2f} ms" for name, what in OWN.items() if name in timings]
    yield f"{style.dim('time')}  {', '.join(parts)}"
    if explanation.sure is not None:
        yield f"  an ordinary check stops after tier {explanation.sure}: the block is certain then"
