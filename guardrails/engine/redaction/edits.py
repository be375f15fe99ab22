"""Builds the new texts of contents in which redact rules matched.

Spans that share a character merge into one; it is replaced once, by the first of the rules that want it
(severity, then order in the file), as the longest of that rule's findings says.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from guardrails.cancellation import is_interrupt
from guardrails.engine.content.content_tree import Leaf, LeafSpan, resolve_span
from guardrails.engine.content.places import role_of
from guardrails.engine.message_languages import NO_REQUEST, NOBODY, Reader
from guardrails.engine.model import REDACTABLE_MEDIA, Change, RedactionFailure, Request, RuleMatch, Span
from guardrails.engine.redaction.replacements import placeholder
from guardrails.engine.redaction.vault import Vault
from guardrails.policy.redactions import BUILTIN, OWN_TEXT, FoundValue
from guardrails.types import Action, DetectorFailure, Finding, Media, Place, Text

SEEN = 200
"""Characters before a value that tell whether a number stands by itself in JSON, and the language of a text that replaces it."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_JSON_VALUE = re.compile(r'(?<!\\)"\s*:\s*(?:\[[\s\d.,+eE-]*)?\Z')

LanguageLister = Callable[[Collection[str]], Iterable[str]]

LONGEST = 10_000
"""Characters of the new text of a plugin's redaction, beside three times as many as it replaces."""


def spans(leaves: Sequence[Leaf], fired: Iterable[RuleMatch]) -> dict[int, list[Span]]:
    """Return the stretches to replace, by leaf."""
    found: dict[int, list[Span]] = {}
    for each in fired:
        for index, finding in each.replace:
            if _is_medium(leaves[index]):
                continue
            assert finding.span is not None  # evaluate blocks what has none
            touched = [
                each for each in resolve_span(leaves, index, finding.span) if not _is_medium(leaves[each[0]])
            ]
            rest = "".join(_text(leaves[leaf])[start:end] for leaf, start, end in touched[1:])
            for position, (leaf, start, end) in enumerate(touched):
                leads = position == 0
                span = Span(start, end, each.rule, finding, leads, rest if leads else "")
                found.setdefault(leaf, []).append(span)
    return found


def _is_medium(leaf: Leaf) -> bool:
    """Tell whether what is found in a leaf is covered in a picture or film (`media_redaction.py`)."""
    content = leaf.content
    return isinstance(content, Media) and isinstance(content.source, REDACTABLE_MEDIA)


def _text(leaf: Leaf) -> str:
    return leaf.content.text if isinstance(leaf.content, Text) else ""


def replace_spans(text: str, changes: Iterable[Change]) -> str:
    """Return the text with every change made; changes do not overlap."""
    out: list[str] = []
    position = 0
    for change in sorted(changes, key=lambda change: change.start):
        out += [text[position : change.start], change.new]
        position = change.end
    return "".join((*out, text[position:]))


def changes(
    content: Text,
    wanted: Iterable[Span],
    vault: Vault,
    *,
    reserve: bool = False,
    before: str = "",
    shown: str = "",
    reader: Reader = NOBODY,
) -> Iterator[Change]:
    """Yield a change for each stretch that spans cover together, in the order of the text.

    With `reserve`, what looks like a placeholder before a stretch, also where it begins in the text `before` this one, is not
    handed out for it: a model wrote it, and a text that grows gets its numbers as it is shown. What was `shown` before this text
    tells whether a number is one of JSON, which becomes a string there, so that the JSON stays valid. What stands before a
    stretch, and the `reader` where that does not tell it, says in which language a text is put there: what follows may not be
    known yet.
    """
    position = 0
    for group in _merge_spans(wanted):
        start, end = group[0].start, max(span.end for span in group)
        if reserve:
            vault.reserve(before + content.text[position:start])
            before, position = "", end
        ahead = (shown + content.text[max(0, start - SEEN) : start])[-SEEN:]
        new, failure = _replacement(
            content, (start, end), group, vault, partial(reader.list_languages, ahead)
        )
        if _NUMBER.fullmatch(content.text, start, end) and _JSON_VALUE.search(ahead):
            new = json.dumps(new, ensure_ascii=False)
        yield Change(start, end, new, (*group,), failure)


def _merge_spans(wanted: Iterable[Span]) -> list[list[Span]]:
    groups: list[list[Span]] = []
    reach = 0
    for span in sorted(wanted, key=lambda span: (span.start, span.end)):
        if groups and span.start < reach:
            groups[-1].append(span)
            reach = max(reach, span.end)
        else:
            groups.append([span])
            reach = span.end
    return groups


def _replacement(
    content: Text, place: tuple[int, int], group: Sequence[Span], vault: Vault, languages: LanguageLister
) -> tuple[str, RedactionFailure | None]:
    """Return the new text of a stretch; where a plugin's redaction fails the kind in brackets, and the failure."""
    leading = [span for span in group if span.leads]
    if not leading:
        return "", None
    rule = min((span.rule for span in leading), key=lambda rule: rule.order)
    own = [span for span in leading if span.rule is rule]
    longest = max(own, key=lambda span: (_length(span.finding), -span.start))
    text = content.text[slice(*place)]
    value = text + max((span.rest for span in leading), key=len)
    found = FoundValue(longest.finding.category, text, value, content.place, rule.locale, vault, languages)
    redaction = rule.replacement
    if redaction.name in BUILTIN or redaction.name == OWN_TEXT:
        return redaction.replace(found), None
    try:
        new = redaction.replace(found)
        why = _find_fault(new, found)
    except BaseException as error:  # what it says stays out: it may quote the value
        if is_interrupt(error):
            raise
        new, why = "", f"raised {type(error).__name__}"
    if not why:
        return new, None
    return placeholder(found), RedactionFailure(rule, f"with: {redaction.name}", why)


def _find_fault(new: object, found: FoundValue) -> str:
    """Return why the answer of a plugin cannot stand for a value, "" where it can."""
    if not isinstance(new, str):
        return f"answered with {type(new).__name__}"
    if len(new) > LONGEST + 3 * len(found.text):
        return "answered with a text that is too long"
    if found.text.strip() and found.text in new:
        return "left the value as it is"
    return ""


def _length(finding: Finding) -> int:
    assert finding.span is not None
    return finding.span[1] - finding.span[0]


@dataclass(frozen=True, slots=True)
class Redactions:
    """The new text of each leaf that changes; as blocks, what would change a leaf that must not be edited; what was handed out,
    None where nothing was found; the changes that made each new text; and which redactions of plugins failed.
    """

    texts: Mapping[int, str]
    blocks: Sequence[RuleMatch] = ()
    vault: Vault | None = None
    changes: Mapping[int, Sequence[Change]] = field(default_factory=dict)
    failures: Sequence[DetectorFailure] = ()


def build_redactions(
    leaves: Sequence[Leaf],
    fired: Iterable[RuleMatch],
    before: Vault | None = None,
    request: Request = NO_REQUEST,
) -> Redactions:
    """Return what becomes of the leaves.

    Args:
        leaves: all of a body.
        fired: the rules that redact in it.
        before: what an earlier check of the same conversation handed out.
        request: who asks.
    """
    found = spans(leaves, fired)
    if not found:
        return Redactions({})
    blocks: list[RuleMatch] = []
    wanted: dict[int, list[Span]] = {}
    for index, some in found.items():
        if leaves[index].editable and isinstance(leaves[index].content, Text):
            wanted[index] = some
        else:
            rules = {id(span.rule): span.rule for span in some}
            blocks += [RuleMatch(rule, Action.BLOCK, "unsafe_edit", (index,)) for rule in rules.values()]
    vault = Vault(before)
    made = _replace_in_leaf(leaves, wanted, vault, request)
    texts = {index: replace_spans(_text(leaves[index]), some) for index, some in made.items()}
    failed = [
        (index, change.failure)
        for index, some in made.items()
        for change in some
        if change.failure is not None
    ]
    blocks += [
        RuleMatch(failure.rule, failure.rule.on_error, "error", (index,))
        for index, failure in failed
        if failure.rule.on_error > Action.REDACT
    ]
    failures = {
        DetectorFailure(failure.redaction, failure.reason, leaves[index].content.place.path): None
        for index, failure in failed
    }
    return Redactions(texts, blocks, vault, made, (*failures,))


def _replace_in_leaf(
    leaves: Sequence[Leaf], wanted: Mapping[int, list[Span]], vault: Vault, request: Request
) -> dict[int, list[Change]]:
    """Return the changes of each leaf, made in the order of the conversation."""
    numbers = any(span.rule.replacement.numbered for some in wanted.values() for span in some)
    made: dict[int, list[Change]] = {}
    if numbers:
        for leaf in leaves:
            if _is_fixed(leaf):
                vault.reserve(_text(leaf))
    # What stands outside the messages does not change as they grow in number.
    order = sorted(range(len(leaves)), key=lambda index: _message(leaves[index].content.place))
    for index in order:
        leaf = leaves[index]
        own = numbers and _is_models(leaf)
        if index in wanted and isinstance(leaf.content, Text):
            reader = Reader(request, leaves, leaf.content.place.message)
            made[index] = list(changes(leaf.content, wanted[index], vault, reserve=own, reader=reader))
        if own:
            vault.reserve(_text(leaf))
    if numbers:
        _escape_placeholders(leaves, made, vault)
    return made


def _message(place: Place) -> int:
    return -1 if place.message is None else place.message


def _is_fixed(leaf: Leaf) -> bool:
    """Tell whether a text goes on as it is whatever it says of placeholders: identifiers, and what the operator wrote."""
    return not (_is_models(leaf) or leaf.is_record or leaf.pieces) and (
        not leaf.editable or role_of(leaf.content.place) in ("system", "developer")
    )


def _is_models(leaf: Leaf) -> bool:
    return role_of(leaf.content.place) == "assistant"


def _escape_placeholders(leaves: Sequence[Leaf], made: dict[int, list[Change]], vault: Vault) -> None:
    """Add changes for what somebody wrote that looks like a placeholder which was handed out."""
    before = {index: tuple(some) for index, some in made.items()}
    written: dict[LeafSpan, str] = {}
    for index, leaf in enumerate(leaves):
        text = _text(leaf)
        if "[" not in text or leaf.parent is not None or leaf.is_record or _is_models(leaf):
            continue
        for span, new in vault.find_mistakable(text):
            touched = list(resolve_span(leaves, index, span))
            if touched and all(
                leaves[at].editable and _is_free(before.get(at, ()), span) for at, *span in touched
            ):
                # In a joined text the same one comes up again.
                written.update(dict.fromkeys(touched, "") | {touched[0]: new})
    for (at, start, end), new in written.items():
        made.setdefault(at, []).append(Change(start, end, new))


def _is_free(changes: Sequence[Change], span: Sequence[int]) -> bool:
    """Tell whether none of the changes, which are in the order of the text, shares a character with a span."""
    start, end = span
    last = bisect_left(changes, end, key=lambda change: change.start) - 1
    return last < 0 or changes[last].end <= start
