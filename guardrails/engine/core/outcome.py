"""Builds the outcome of a check from the rules that matched and what was left unchecked: action, rules, edits, and turns to
remove.

Rules with `on_error: block` that a failed detector leaves undecided stop the content, too, but have not fired: the outcome is
unavailable (DESIGN §4.5), unless a rule blocks for certain. Nothing is left out for them.

An earlier turn that is blocked must not poison a conversation for ever: with `history: remove` its exchange
is left out, and the action is a redaction. What blocks in the current turn, or outside turns, blocks the
whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Final

from guardrails.detectors.formats.syntax import find_json_error
from guardrails.engine.content.content_tree import ContentTree, Leaf, resolve_span
from guardrails.engine.core.detection_round import DetectionRound
from guardrails.engine.core.floor import withhold_values
from guardrails.engine.core.history import Exchange, History
from guardrails.engine.formats.format_repair import redact_problems
from guardrails.engine.formats.json_edits import replace_in_json
from guardrails.engine.formats.replies import is_repaired
from guardrails.engine.media.ocr_text import locate_in_picture
from guardrails.engine.message_languages import choose_builtin_language, list_message_languages
from guardrails.engine.model import NO_REPAIRS, Outcome, Repairs, Request, RuleMatch
from guardrails.engine.redaction.edits import Redactions, build_redactions
from guardrails.engine.redaction.media_redaction import NO_MEDIA_EDITS, MediaEdits
from guardrails.engine.unseen_harms import find_unseen_harms
from guardrails.media.images.picture import Picture
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import (
    Action,
    Coverage,
    Finding,
    FiredRule,
    KindCoverage,
    Media,
    Mode,
    Place,
    Severity,
    Text,
    Unavailable,
    UnavailableReason,
    Unchecked,
)
from guardrails.verdicts.format_failure import FormatFailure
from guardrails.verdicts.unavailable import most_lasting


class _Rules:
    """The rules of a verdict, each once, with the strictest that it did."""

    def __init__(self, tree: ContentTree, request: Request) -> None:
        self._tree, self._request = tree, request
        self._found: dict[tuple[str, Mode], tuple[tuple[int, int, int], FiredRule]] = {}

    def add(self, each: RuleMatch, action: Action) -> None:
        rule = each.rule
        key = (-action, *rule.order)
        if self._is_first(rule.id, rule.mode, key):  # of thousands of matches one has its message chosen
            members = dict.fromkeys(index for index, _ in each.grounds) or each.members
            leaves, request = self._tree.leaves, self._request
            languages = list_message_languages(rule.messages, leaves, members, request, each.grounds)
            self._found[rule.id, rule.mode] = (
                key,
                rule.fired(action, each.reason, languages, request.country),
            )

    def put(self, fired: FiredRule, order: tuple[int, int]) -> None:
        key = (-fired.action, *order)
        if self._is_first(fired.id, fired.mode, key):
            self._found[fired.id, fired.mode] = (key, fired)

    def _is_first(self, name: str, mode: Mode, key: tuple[int, int, int]) -> bool:
        known = self._found.get((name, mode))
        return known is None or key < known[0]

    def of(self, mode: Mode) -> tuple[FiredRule, ...]:
        rows = sorted(
            (key, fired.id, fired) for (_, kind), (key, fired) in self._found.items() if kind is mode
        )
        return tuple(fired for _, _, fired in rows)


@dataclass(frozen=True, slots=True)
class _Undecided:
    """A rule that would block if it could not be decided, over which contents, and for which kinds of failure."""

    rule: str
    order: tuple[int, int]
    places: Sequence[Place]
    members: Sequence[int]
    reasons: Collection[UnavailableReason]


class _Effects:
    """What becomes of what fired: the strictest action, leaves that block, messages to leave out."""

    def __init__(self, tree: ContentTree, *, keep: bool) -> None:
        self.tree = tree
        self._history, self._keep = History(tree), keep
        self.action = Action.ALLOW
        self._is_violation = False
        self.blocked: set[int] = set()
        self._left_out: set[Exchange] = set()

    def of(
        self, action: Action, places: Iterable[Place], indexes: Iterable[int], *, certain: bool = True
    ) -> Action:
        """Return what an action comes to: a block of earlier turns alone leaves them out. One that is not `certain` may be
        lifted, as that of a rule with `on_fail` by another answer.
        """
        if action is Action.BLOCK:
            gone = set() if self._keep else self._history.removable(places)
            if gone:
                self._left_out |= gone
                action = Action.REDACT
            else:
                self.blocked.update(indexes)
                self._is_violation = self._is_violation or certain
        self.action = max(self.action, action)
        return action

    def stop(self, undecided: Iterable[_Undecided]) -> Unavailable | None:
        """Stop contents for rules that could not be decided, once all is known that fires for certain; return what that comes
        to, None where something blocks anyway, or what is undecided is left out.
        """
        left = [each for each in undecided if not self._is_left_out(each.places)]
        if not left:
            return None
        self.action = Action.BLOCK
        self.blocked.update(index for each in left for index in each.members)
        if self._is_violation:
            return None
        ids = dict.fromkeys(each.rule for each in sorted(left, key=lambda each: each.order))
        return Unavailable(most_lasting(reason for each in left for reason in each.reasons), (*ids,))

    def _is_left_out(self, places: Iterable[Place]) -> bool:
        """Tell whether all that stands at these places is left out."""
        gone = self._history.removable(places)
        return bool(gone) and gone <= self._left_out

    @property
    def removed(self) -> tuple[int, ...]:
        """The messages to leave out, in order."""
        return self._history.messages(self._left_out)


@dataclass(frozen=True, slots=True)
class FormatOutcome:
    """What became of texts in a wrong format: `done` are the repairs that were judged, `found` those that are to be judged yet,
    and `failures` what could not be repaired. Rules with `on_fail` do not look at `unformatted` leaves.
    """

    done: Repairs = NO_REPAIRS
    found: Repairs = NO_REPAIRS
    failures: tuple[tuple[int, FormatFailure], ...] = ()
    unformatted: frozenset[int] = frozenset()


NO_FORMATS: Final = FormatOutcome()

UNCHECKED_ORDER: Final = (-Severity.HIGH, 1_000_000)
"""Where what was left unchecked stands among rules: behind the severe ones."""


def build_outcome(
    policies: Sequence[CompiledPolicy],
    tree: ContentTree,
    round_: DetectionRound,
    fired: Sequence[Sequence[RuleMatch]],
    request: Request,
    pictures: MediaEdits = NO_MEDIA_EDITS,
    *,
    complete: bool,
    formats: FormatOutcome = NO_FORMATS,
) -> Outcome:
    """Put together the outcome of a check; `pictures` are those that were redacted, or could not be, `formats` what became of
    texts in a wrong format.
    """
    unchecked = [(entry, tree.leaves[index].content.place, index) for entry, index in round_.find_unchecked()]
    unchecked += [(entry, place, -1) for entry, place in tree.unchecked]
    coverage = build_coverage(tree, unchecked, find_unseen_harms(round_))
    everything = [*formats.done.matches, *(each for some in fired for each in some)]
    if not everything and not unchecked and not pictures.edits:
        return Outcome(
            Action.ALLOW, (), (), _findings(policies, round_), coverage, tuple(round_.failures()), complete,
            timings=round_.timings, rule_timings=round_.rule_timings,
        )  # fmt: skip
    rules = _Rules(tree, request)
    effects = _Effects(tree, keep=any(policy.history == "block" for policy in policies))
    enforced = [each for each in everything if each.rule.mode is Mode.ENFORCE]
    for each in everything:
        if each.rule.mode is Mode.SHADOW and not each.is_undecided:
            rules.add(each, each.action)
    edits = _build_edits(policies, tree, enforced, request, formats)
    if edits.vault is not None:
        for floor in policies[1:]:
            withhold_values(edits.vault, request.vault, floor, request)
    matches = (*enforced, *edits.blocks, *pictures.blocks)
    unavailable = _apply_effects(rules, effects, matches, unchecked, policies, round_)
    language, enforced_rules = "en", rules.of(Mode.ENFORCE)
    if effects.action is Action.BLOCK:
        language = choose_builtin_language(enforced_rules, tree.leaves, effects.blocked, request)
    return Outcome(
        language=language,
        action=effects.action,
        unavailable=unavailable,
        rules=enforced_rules,
        shadow=rules.of(Mode.SHADOW),
        findings=(*formats.done.findings, *_findings(policies, round_)),
        coverage=coverage,
        errors=(*round_.failures(), *edits.failures),
        complete=complete,
        edits={**formats.done.texts, **edits.texts, **pictures.edits},
        vault=edits.vault,
        changes=edits.changes,
        blocked=frozenset(effects.blocked),
        removed=effects.removed,
        timings=round_.timings,
        rule_timings=round_.rule_timings,
        repairs=formats.found,
        format_failures=tuple(_redact_failure(tree, edits, index, each) for index, each in formats.failures),
    )


def _redact_failure(
    tree: ContentTree, edits: Redactions, index: int, failure: FormatFailure
) -> FormatFailure:
    """Return what is wrong with the text of a leaf, with the text and the words on it as rules redact them."""
    members = [at for at, _ in tree.leaves[index].pieces] or [index]
    before = {at: getattr(tree.leaves[at].content, "text", "") for at in members}
    changes = [(text, change) for at, text in before.items() for change in edits.changes.get(at, ())]
    shown = "".join(edits.texts.get(at, text) for at, text in before.items())
    return replace(failure, text=shown, problems=redact_problems(failure.problems, changes))


def _build_edits(
    policies: Sequence[CompiledPolicy],
    tree: ContentTree,
    matches: Iterable[RuleMatch],
    request: Request,
    formats: FormatOutcome,
) -> Redactions:
    """Return what becomes of the leaves. Where a rule with `on_fail` looks at JSON, that stays valid; what cannot be edited so
    is blocked.
    """
    replaced = (each for each in matches if each.replace)
    edits = build_redactions(tree.leaves, replaced, request.vault, request)
    texts, blocks = dict(edits.texts), [*edits.blocks]
    for index in edits.texts:
        place, text = tree.leaves[index].content.place, getattr(tree.leaves[index].content, "text", "")
        if (
            index in formats.unformatted
            or not is_repaired(policies, place.stage)
            or find_json_error(text) is not None
        ):
            continue
        changes = edits.changes[index]
        new = replace_in_json(text, changes)
        if new is not None:
            texts[index] = new
            continue
        rules = {id(span.rule): span.rule for change in changes for span in change.spans}
        blocks += [RuleMatch(rule, Action.BLOCK, "unsafe_edit", (index,)) for rule in rules.values()]
    return replace(edits, texts=texts, blocks=blocks)


def _apply_effects(
    rules: _Rules,
    effects: _Effects,
    matches: Iterable[RuleMatch],
    unchecked: Iterable[tuple[Unchecked, Place, int]],
    policies: Sequence[CompiledPolicy],
    round_: DetectionRound,
) -> Unavailable | None:
    """Take to effect what fires and what was left unchecked, and then what could not be decided; return what that comes to."""
    undecided: list[_Undecided] = []
    for each in matches:
        if each.is_undecided:
            undecided.append(_undecided_match(each, effects.tree, round_))
        else:
            places, certain = affected_places(each, effects.tree), each.rule.on_fail is None
            rules.add(each, effects.of(each.action, places, each.members, certain=certain))
    for entry, place, index in unchecked:
        # A kind that no table has comes from a detector of the caller's own.
        wanted = max(policy.unchecked.get(entry.kind, Action.BLOCK) for policy in policies)
        if entry.failure is not None and wanted is Action.BLOCK:
            undecided.append(
                _Undecided(_unchecked_id(entry), UNCHECKED_ORDER, [place], (index,), {entry.failure})
            )
            continue
        effect = effects.of(wanted, [place], (index,))
        if effect is not Action.ALLOW:
            rules.put(_unchecked_rule(entry, effect), UNCHECKED_ORDER)
    return effects.stop(undecided)


def _undecided_match(match: RuleMatch, tree: ContentTree, round_: DetectionRound) -> _Undecided:
    """Return what a rule stops that detectors leave undecided."""
    failures = (failure for index in match.members for failure in round_.failures_of(index))
    reasons = {failure.reason for failure in failures if failure.detector in match.failed}
    if match.cause is not None:
        reasons.add(match.cause)
    return _Undecided(
        match.rule.id, match.rule.order, [*affected_places(match, tree)], match.members, reasons
    )


def _unchecked_id(entry: Unchecked) -> str:
    """Return the id under which what was left unchecked stands among rules."""
    return f"unchecked.{entry.kind}"


def _unchecked_rule(entry: Unchecked, action: Action) -> FiredRule:
    return FiredRule(
        _unchecked_id(entry), action, None, Severity.HIGH, ("unchecked",), Mode.ENFORCE, "unchecked"
    )


def affected_places(fired: RuleMatch, tree: ContentTree) -> Iterable[Place]:
    """Return where that stands for which a rule fires: the parts of a joined text that a finding touches, or
    all it saw.
    """
    if any(finding.span is None for _, finding in fired.grounds) or not fired.grounds:
        return [tree.leaves[index].content.place for index in fired.members]
    touched = {
        leaf
        for index, finding in fired.grounds
        if finding.span
        for leaf, _, _ in resolve_span(tree.leaves, index, finding.span)
    }
    return [tree.leaves[index].content.place for index in touched]


def _findings(policies: Sequence[CompiledPolicy], round_: DetectionRound) -> tuple[Finding, ...]:
    found: dict[Finding, None] = {}
    for index, plans in enumerate(round_.plans):
        for plan in plans:
            found.update(
                (_locate_in_original(finding, round_.leaves, index), None)
                for finding in round_.findings_of(index, plan, frozenset())[0]
            )
    return tuple(found)


def _locate_in_original(finding: Finding, leaves: Sequence[Leaf], index: int) -> Finding:
    """Return a finding in a decoded text as one in the text that it stood encoded in, or in a picture, and one in what a record
    says as one in the value that says it, or in all of the record.
    """
    leaf = leaves[index]
    if leaf.pieces and isinstance(leaf.content, Text) and leaf.content.form != "prose" and finding.span:
        parts = [*resolve_span(leaves, index, finding.span)]
        if len(parts) != 1:
            return replace(finding, span=None)
        [(part, start, end)] = parts
        return replace(finding, path=leaves[part].content.place.path, span=(start, end))
    if leaf.derived is None or leaf.parent is None or finding.span is None:
        return finding
    if pictured := locate_in_picture(finding, leaves, index):
        return pictured[0][1]
    spans = leaf.derived.originals(finding.span)
    around = leaves[leaf.parent]
    if around.is_filling and around.derived is not None:
        spans = [each for span in spans for each in around.derived.originals(span)]
    return replace(finding, span=(min(start for start, _ in spans), max(end for _, end in spans)))


NO_LEAVES: Final[Set[int]] = frozenset()


def build_coverage(
    tree: ContentTree,
    unchecked: Sequence[tuple[Unchecked, Place, int]],
    not_seen: tuple[str, ...] = (),
) -> Coverage:
    """Return what was judged; each entry of `unchecked` names the leaf that it belongs to, or none (-1), and `not_seen` what was
    not looked for in pictures.
    """
    missed = {index for _, _, index in unchecked} if unchecked else NO_LEAVES
    texts = checked = characters = 0
    others: dict[str, list[int]] = {}
    declared: dict[str, None] = {}
    for index, leaf in enumerate(tree.leaves):
        if leaf.pieces or leaf.parent is not None:  # its text is judged elsewhere too
            continue
        content = leaf.content
        if type(content) is Text:
            texts += 1
            checked += index not in missed
            characters += len(content.text)
            if content.place.declared:
                declared[content.place.path] = None
            continue
        counts = others.setdefault(content.kind, [0] * 5)
        counts[0] += 1
        counts[1] += index not in missed
        if isinstance(content, Media) and isinstance(picture := content.source, Picture):
            counts[3] += len(picture.frames)
            counts[4] += picture.width * picture.height
    kinds = {Text.kind: KindCoverage(texts, checked, characters)}
    if others:
        kinds |= {kind: KindCoverage(*counts) for kind, counts in others.items()}
    named = tuple([entry for entry, _, _ in unchecked])
    return Coverage(kinds, named, tuple(tree.unknown), tuple(tree.films.values()), tuple(declared), not_seen)
