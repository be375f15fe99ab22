"""Renders the rules of an explanation as lines for people.

Rules that fired, and those that nobody could decide, come with their conditions term by term; those that nearly fired with what
is missing; all others are summed up, unless every one is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from guardrails.authoring.checked_files import display_name
from guardrails.authoring.terminal import Style

if TYPE_CHECKING:
    from guardrails.authoring.explain.conditions.condition_terms import Term
    from guardrails.authoring.explain.conditions.missing_scores import ScoreChange
    from guardrails.authoring.explain.explained_rules import RuleNote, RuleTrial

NEAR: Final = 5
"""Rules that nearly fired that are shown."""

LISTED: Final = 20
"""Findings, stretches and ids that are shown of each kind."""

PLAIN: Final = 60
"""Characters of a text in quotes."""

TRUTHS: Final[Mapping[bool | None, str]] = {True: "true ", False: "false", None: "?    "}

KINDS: Final[Mapping[str, str]] = {
    "and": "all of",
    "or": "any of",
    "not": "not",
    "if": "the first decides between the others",
}
"""What joins terms, as people read it."""

AT_BOUND: Final[Mapping[str, str]] = {">": "above", "<": "below", "!=": "another"}
"""What a value at the bound of a comparison is not."""


def quote_text(text: str, most: int = PLAIN) -> str:
    """Return a text in quotes, on one line."""
    return f"'{display_name(text if len(text) <= most else f'{text[: most - 1]}…')}'"


def render_rules(notes: Sequence[RuleNote], style: Style, *, every: bool) -> Iterator[str]:
    """Yield the lines of all rules; `every` one term by term."""
    told = [note for note in notes if note.state in ("fired", "undecided", "nothing_to_redact")]
    near = [note for note in notes if note.state == "not_fired" and note.tries[0].evidence]
    near = near if every else near[:NEAR]
    rest = [note for note in notes if note not in told and note not in near]
    undecided = sum(note.state == "undecided" for note in told)
    open_ = f", {undecided} undecided" if undecided else ""
    yield (
        style.dim("rules") + f"  {len(told) - undecided} fired{open_}, {len(notes) - len(told)} did not fire"
    )
    every = every or len(notes) == 1
    for note in (*told, *near):
        yield from _rule(note, style, terms=every or note in told, every=every)
    if every:
        for note in rest:
            yield from _rule(note, style, terms=True, every=True)
        return
    for state, what in (("not_fired", "nothing to fire for"), ("not_at_stage", "at other stages")):
        ids = [note.rule.id for note in rest if note.state == state]
        if ids:
            more = f" and {len(ids) - LISTED:,} more" if len(ids) > LISTED else ""
            yield f"  {style.dim(what)}: {', '.join(ids[:LISTED])}{more}"
    if rest:
        yield style.dim("  --all shows these term by term, --rule ID one of them")


def _rule(note: RuleNote, style: Style, *, terms: bool, every: bool) -> Iterator[str]:
    from guardrails.authoring.explain.explained_rules import STATES

    rule = note.rule
    mark = style.dim("not fired") if note.verdict is None else style.action(note.verdict.action)
    notes = [f"then {rule.then}", str(rule.severity)]
    notes += [f"scope {rule.scope}"] if rule.scope != "part" else []
    notes += ["shadow only"] if rule.mode.value == "shadow" else []
    notes += ["of the floor"] if note.floor else []
    if note.state not in ("fired", "not_fired"):
        notes.append(STATES[note.state])
    yield f"  {mark}  {style.bold(rule.id)}  {style.dim(', '.join(notes))}"
    tries = (
        note.tries
        if every
        else [each for each in note.tries if each.state == note.state][: None if terms else 1]
    )
    for each in tries:
        yield from (f"      {line}" for line in _try(note, each, style, terms=terms))
    rest = note.left_out + len(note.tries) - len(tries)
    if rest:
        yield style.dim(f"      and {rest:,} more places")


def _try(note: RuleNote, each: RuleTrial, style: Style, *, terms: bool) -> Iterator[str]:
    paths = [path for path in each.paths if path]
    if paths:
        more = f" and {len(paths) - LISTED:,} more" if len(paths) > LISTED else ""
        yield style.dim(f"at {', '.join(paths[:LISTED])}{more}")
    if each.grounds:
        yield style.dim(f"for {', '.join(map(str, each.grounds[:LISTED]))}")
    if terms:
        yield from _tree(each.tree, style)
    if each.missing is not None and each.state == "not_fired":
        yield from _missing(each, style)
    yield from (f"absent: {name}, as {why}" for name, why in each.absent.items())
    unknown = each.unknown if each.state == "undecided" else {}
    yield from (f"not known: {name}, as {why}" for name, why in unknown.items())
    if each.state == "undecided":
        yield f"so on_error decides: {note.rule.on_error}"
    elif each.reason not in (None, "matched"):
        yield f"because of {each.reason}"
    for gone in each.excepted[:LISTED]:
        number = "a finding" if gone.finding is None else f"finding {gone.finding}"
        what = f"expired on {gone.expires} and keeps" if gone.expired else "removes"
        yield f"exception {gone.exception}: {what} {number}"
    if not each.tried and terms:
        yield style.dim("not tried by the check: nothing was found, and without that it cannot hold")


def _missing(each: RuleTrial, style: Style) -> Iterator[str]:
    assert each.missing is not None
    if each.missing.changes:
        yield f"{style.bold('missing')}: {' and '.join(map(_change, each.missing.changes))}"
    elif each.missing.in_the_way:
        said = ", ".join(each.missing.in_the_way)
        yield f"{style.bold('missing')}: no finding would be enough, as this is not true: {said}"


def _change(change: ScoreChange) -> str:
    """Return a change as people read it: `hate >= 0.85: 0.61, 0.24 short`."""
    value, short = _numbers(change.value, change.distance, score=change.is_score)
    return f"{change.name} {change.operator} {change.bound:g}: {value}, {_off(change.operator, short, change.bound)}"


def _numbers(value: float, distance: float, *, score: bool) -> tuple[str, str]:
    """Return a value and how far off it is, with as many digits as tell them apart."""
    if not score:
        return f"{value:g}", f"{distance:g}"
    digits = 2 if distance >= 0.01 or not distance else 4
    return f"{value:.{digits}f}", f"{distance:.{digits}f}"


def _off(operator: str, short: str, bound: float) -> str:
    """Return how far off a value is; at the bound itself what it should be."""
    if not float(short):
        return "nothing found" if not bound else f"not {AT_BOUND.get(operator, operator)}"
    if operator.startswith(">"):
        return f"{short} short"
    return f"{short} too much" if operator.startswith("<") else f"{short} off"


def _tree(term: Term, style: Style, depth: int = 0) -> Iterator[str]:
    """Yield the terms of a condition, each with its truth and what it comes from."""
    colour = {True: style.good, False: style.dim, None: style.bad}[term.truth]
    mark = colour(TRUTHS[term.truth])
    indent = "  " * depth
    if term.kind == "term":
        yield f"{mark}  {indent}{display_name(term.text)}  {style.dim(_values(term))}".rstrip()
        return
    yield f"{mark}  {indent}{KINDS[term.kind]}"
    for part in term.parts:
        yield from _tree(part, style, depth + 1)


def _values(term: Term) -> str:
    """Return what a term reads."""
    said = []
    for name, value in term.values.items():
        compared = term.compared is not None and term.compared.name == name
        if compared and isinstance(value, int | float) and term.compared is not None:
            short = term.short
            number, off = _numbers(float(value), short or 0.0, score=term.compared.is_score)
            said.append(
                number
                if short is None
                else f"{number}, {_off(term.compared.operator, off, term.compared.bound)}"
            )
        else:
            said.append(
                f"{name} is {quote_text(str(value)) if isinstance(value, str) else display_name(str(value))[:PLAIN]}"
            )
    said += [f"{name} is not known" for name in term.unknown]
    return ", ".join([*said, *(f"{name} is absent" for name in term.absent)])


def render_terms(each: RuleTrial, style: Style) -> Iterator[str]:
    """Yield the condition of a rule term by term, and what is not known of it."""
    yield from _tree(each.tree, style)
    yield from (f"not known: {name}, as {why}" for name, why in each.unknown.items())
