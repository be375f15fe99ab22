"""The stages of a check, as a table: what is done about which contents, in this order.

A stage that does not apply is not entered: a plain text meets no picture, film or sound. What the table comes to where no stage
finds anything is told sooner by `fast_path`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.conditions.exceptions import Rereading
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.embedded_media import add_embedded_media, may_hold_media, note_nested_media
from guardrails.engine.core.detection_round import DetectionRound
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.history import History
from guardrails.engine.core.observers import CheckRecord, Observer
from guardrails.engine.core.outcome import FormatOutcome, affected_places, build_outcome
from guardrails.engine.core.rule_evaluation import Evaluation
from guardrails.engine.core.task_runner import INLINE_ON_LOOP, run_tasks
from guardrails.engine.detector_task import Task
from guardrails.engine.formats.derived_texts import add_derived_texts
from guardrails.engine.formats.file_kinds import FileKinds
from guardrails.engine.formats.format_repair import repair_texts
from guardrails.engine.formats.metadata_texts import MetadataTexts, is_readable
from guardrails.engine.formats.replies import add_json_texts, asks_for_formats, find_unformatted
from guardrails.engine.media.film_settings import film_limits, sound_limits
from guardrails.engine.media.films import FilmCheck, add_film_contents, open_films
from guardrails.engine.media.ocr_text import PictureReading
from guardrails.engine.media.picture_decoding import limits_of, prepare_decoding, release_pictures
from guardrails.engine.media.picture_parts import PictureParts, has_file
from guardrails.engine.model import NO_REPAIRS, JudgedContent, Outcome, Repairs, Request, RuleMatch
from guardrails.engine.redaction.media_redaction import (
    NO_MEDIA_EDITS,
    MediaEdits,
    MediaRedaction,
    find_wanted,
)
from guardrails.engine.redaction.metadata_removal import MetadataRemoval, removes_metadata
from guardrails.engine.tools.tool_context import PREPARED, ToolContext
from guardrails.engine.tools.tool_preparation import preparation_task
from guardrails.policy.compiled import CompiledPolicy
from guardrails.types import Action, Audio, Detection, Image, Media, Mode, Text, Video

Steps = Generator[list[Task], None, Outcome]
StageSteps = Generator[list[Task], None, None]


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What all checks of a pipeline have in common: its policies, the floor last, and what follows from them.

    Attributes:
        policies: the policies.
        decoding: how deep encodings are followed, how many payloads and how many characters.
        readers: the detectors that read texts in pictures.
        looks_at_media: whether any detector looks at pictures, films or sounds.
    """

    policies: tuple[CompiledPolicy, ...]
    decoding: tuple[int, int, int]
    readers: tuple[BoundDetector, ...]
    looks_at_media: bool


@dataclass(slots=True)
class Check:
    """One check under way: what is asked, and what the stages found out so far.

    Attributes:
        settings: of the pipeline.
        cache: of findings.
        budget: of the request.
        tree: what is checked; stages add to it.
        request: who asks.
        known: detections that were made already, by leaf and digest.
        timings: milliseconds by detector.
        inline: the characters up to which quick detectors run right here; None: always.
        complete: run every tier, also when a block is certain.
        observer: who is told of the check.
        is_repeat: what was redacted is judged again.
        films: the films and sounds, watched.
        read: the leaves whose texts were read.
        requests: the request for each policy, with what its conditions may read of the use of tools.
        round: the detections.
        tasks: those that were run for them.
        matches: the rules that matched, by policy.
        certain_tier: the tier after which a block was certain, None where that took all.
        stopped_early: whether something was not looked at, as a block was certain.
        media_edits: redacted pictures, films and sounds.
        repairs: texts that rules with `on_fail` repaired before this reading of the tree.
        unformatted: the leaves at which such rules do not look.
    """

    settings: CheckSettings
    cache: FindingsCache
    budget: Budget
    tree: ContentTree
    request: Request
    known: Mapping[int, Mapping[str, Detection]]
    timings: dict[str, float]
    inline: int | None
    complete: bool
    observer: Observer | None = None
    is_repeat: bool = False
    films: list[FilmCheck] = field(default_factory=list)
    read: frozenset[int] = frozenset()
    requests: tuple[Request, ...] = ()
    round: DetectionRound | None = None
    tasks: list[Task] = field(default_factory=list)
    matches: list[list[RuleMatch]] = field(default_factory=list)
    certain_tier: int | None = None
    stopped_early: bool = False
    media_edits: MediaEdits = NO_MEDIA_EDITS
    repairs: Repairs = NO_REPAIRS
    unformatted: frozenset[int] = frozenset()

    def holds(self, *kinds: type[Media] | type[Text]) -> bool:
        """Tell whether there is a content of some kinds."""
        return any(isinstance(leaf.content, kinds) for leaf in self.tree.leaves)


class CheckStage(NamedTuple):
    """A row of the table: `run` does what the name says, if it `applies`."""

    name: str
    applies: Callable[[Check], bool]
    run: Callable[[Check], StageSteps]


def _may_hold_media(check: Check) -> bool:
    """Tell whether a text may carry a file that a detector looks at."""
    if not check.settings.looks_at_media:
        return False
    texts = (leaf.content.text for leaf in check.tree.leaves if isinstance(leaf.content, Text))
    return any(map(may_hold_media, texts))


def _add_embedded_media(check: Check) -> StageSteps:
    """Add the files that texts carry."""
    if add_embedded_media(check.tree, check.settings.policies, check.settings.decoding[2]):
        check.budget.admits_pictures(check.tree.leaves)
    yield from ()


def _may_be_mistyped(check: Check) -> bool:
    """Tell whether there is a file that is judged as what its bytes are, and not as what it is called."""
    return check.holds(Media) and not check.is_repeat and limits_of(check.settings.policies).by_bytes


def _find_kinds(check: Check) -> StageSteps:
    """Take files for what their bytes are."""
    kinds = FileKinds(check.tree)
    yield from run_tasks([kinds.task], check.inline)
    kinds.settle(check.tree, check.timings)


def _has_picture_file(check: Check) -> bool:
    """Tell whether there is the file of a picture that a detector looks at."""
    if not (check.settings.looks_at_media and check.holds(Image)):
        return False
    return any(has_file(leaf.content) for leaf in check.tree.leaves)


def _add_picture_parts(check: Check) -> StageSteps:
    """Add what stands behind the end of pictures."""
    parts = PictureParts(check.tree, limits_of(check.settings.policies))
    yield from run_tasks([parts.task], check.inline)
    if parts.settle(check.tree, check.timings):
        check.budget.admits(check.tree.leaves)


def _may_have_texts(check: Check) -> bool:
    """Tell whether there is a picture that a detector looks at, and beside which something may be written."""
    return check.settings.looks_at_media and any(is_readable(leaf.content) for leaf in check.tree.leaves)


def _add_metadata_texts(check: Check) -> StageSteps:
    """Add what is written in the files of pictures."""
    policies = check.settings.policies
    texts = MetadataTexts(check.tree, limits_of(policies), removed=removes_metadata(policies))
    yield from run_tasks([texts.task], check.inline)
    if texts.settle(check.tree, check.timings):
        check.budget.admits(check.tree.leaves)


def _watch_films(check: Check) -> StageSteps:
    """Watch films, and add what is written and said in them; one that is sure to be blocked is not watched any further."""
    films = open_films(check.settings.policies, check.tree.leaves, check.cache.films)
    check.films = films
    check.tree.opened += films
    for film in films:
        try:
            while not (film.done or check.stopped_early):
                yield from run_tasks([film.task], check.inline)
                film.settle(check.timings)
                if not (check.complete or film.done) and _is_film_blocked(check, film):
                    check.stopped_early = film.ended_early = True
        finally:
            film.close()
        add_film_contents(film, check.tree)
    check.stopped_early = any(film.ended_early for film in films)
    check.known = {**check.known, **{film.index: film.detections() for film in films}}
    check.read |= {film.index for film in films if film.is_read}


def _is_film_blocked(check: Check, film: FilmCheck) -> bool:
    """Tell whether what was found in a film so far blocks it, whatever comes."""
    policies = check.settings.policies
    alone = replace(check.tree, leaves=[film.leaf(check.tree)], unchecked=[], unknown=[])
    round_ = DetectionRound(policies, alone.leaves, None, {0: film.detections()}, {})
    for tier in round_.tiers():
        round_.tasks(tier)  # all is known
    matches = evaluate_rules(policies, round_, [check.request] * len(policies), frozenset(), frozenset({0}))
    sure = [
        [each for each in some if each.reason == "matched" and not each.rule.how.whole] for some in matches
    ]
    return is_certain_block(sure, alone)


def _decode_pictures(check: Check) -> StageSteps:
    """Decode pictures, covers of sounds too, and add what is written in them."""
    tree, readers = check.tree, check.settings.readers
    decoding = prepare_decoding(
        check.settings.policies,
        tree.leaves,
        read=bool(readers),
        seen=check.cache.shapes,
        budget=check.budget,
    )
    if decoding is not None:
        yield from run_tasks([decoding.task], check.inline)
        decoding.settle(tree.leaves, check.timings)
    for bound in readers:
        reading = PictureReading(bound, tree)
        if reading.task.leaves:
            yield from run_tasks([reading.task], check.inline)
            check.read |= reading.settle(tree, check.timings)


def _decode_texts(check: Check) -> StageSteps:
    """Add what stands encoded in texts, and what fields of files and JSON in them say beside what they are called."""
    count = len(check.tree.leaves)
    add_derived_texts(check.tree, check.settings.decoding, check.cache.entry)
    if check.settings.looks_at_media and len(check.tree.leaves) > count:
        note_nested_media(check.tree, check.settings.policies, check.settings.decoding[2])
    yield from ()


def _wants_formats(check: Check) -> bool:
    """Tell whether texts may have to be JSON."""
    return asks_for_formats(check.settings.policies) and check.holds(Text)


def _read_json_texts(check: Check) -> StageSteps:
    """Add what stands in texts that may have to be JSON."""
    add_json_texts(check.settings.policies, check.tree)
    yield from ()


def _reads_tools(check: Check) -> bool:
    """Tell whether a condition reads of the use of tools."""
    return any(policy.names.intersection(PREPARED) for policy in check.settings.policies)


def _prepare_tools(check: Check) -> StageSteps:
    """Find out what conditions may read of the use of tools, for each policy."""
    requests = []
    for policy in check.settings.policies:
        names = policy.names.intersection(PREPARED)
        if not names:
            requests.append(check.request)
            continue
        context = ToolContext(
            policy.tools, names, check.tree.leaves, check.request.heard, check.settings.decoding
        )
        yield from run_tasks([preparation_task(context, INLINE_ON_LOOP)], check.inline)
        requests.append(replace(check.request, tool_context=context))
    check.requests = tuple(requests)


def _detect(check: Check) -> StageSteps:
    """Run detectors, tier by tier, and evaluate the rules; stop between tiers as soon as a block is certain."""
    policies = check.settings.policies
    requests = check.requests = check.requests or (check.request,) * len(policies)
    check.unformatted = find_unformatted(policies, check.tree)
    round_ = check.round = DetectionRound(
        policies, check.tree.leaves, check.cache, check.known, check.timings, check.read
    )
    tiers = round_.tiers()
    for position, tier in enumerate(tiers):
        tasks = round_.tasks(tier)
        yield from run_tasks(tasks, check.inline)
        round_.settle(tasks)
        check.tasks += tasks
        pending = frozenset(tiers[position + 1 :])
        if not pending or check.certain_tier is not None or (check.complete and check.observer is None):
            continue
        yield from _reread(check, pending)
        check.matches = evaluate_rules(policies, round_, requests, pending, check.unformatted)
        if is_certain_block(check.matches, check.tree):
            check.certain_tier = tier
            if not check.complete:
                check.stopped_early = True
                return
    yield from _reread(check, frozenset())
    check.matches = evaluate_rules(policies, round_, requests, frozenset(), check.unformatted)


def _reread(check: Check, pending: frozenset[int]) -> StageSteps:
    """Have what models found judged again without the phrases that exceptions are for."""
    policies, round_ = check.settings.policies, check.round
    if round_ is None or not any(policy.rereads for policy in policies):
        return
    evaluations = _evaluations(policies, round_, check.requests, pending, check.unformatted)
    for evaluation, known in zip(evaluations, round_.rereads, strict=True):
        rereading = Rereading(evaluation.find_rereads(), evaluation.policy.detectors)
        if rereading.tasks:
            yield from run_tasks(rereading.tasks, check.inline)
            known.update(rereading.settle())


def _redacts_media(check: Check) -> bool:
    """Tell whether a rule may redact a picture, a film or a sound; what was redacted is not redacted again."""
    replaces = any(each.replace for some in check.matches for each in some)
    return replaces and not check.is_repeat and check.holds(Media)


def _redact_media(check: Check) -> StageSteps:
    """Redact media, and judge each again before anybody sees it: what is still found in one stops it."""
    if is_certain_block(check.matches, check.tree):
        return
    wanted = find_wanted(check.tree.leaves, check.matches)
    if not wanted:
        return
    policies = check.settings.policies
    limits = (limits_of(policies), film_limits(policies), sound_limits(policies))
    redaction = MediaRedaction(check.tree.leaves, wanted, *limits)
    yield from run_tasks([redaction.task], check.inline)
    for index, tree in redaction.again(check.tree, check.timings):
        outcome = yield from run_stages(
            Check(
                settings=check.settings,
                cache=check.cache,
                budget=check.budget,
                tree=tree,
                request=check.request,
                known={},
                timings=check.timings,
                inline=check.inline,
                complete=False,
                is_repeat=True,
            )
        )
        release_pictures(tree.leaves)
        if outcome.action >= Action.REDACT:
            redaction.refuse(index, None if outcome.unavailable is None else outcome.unavailable.reason)
    check.media_edits = redaction.settled()


def _strips_metadata(check: Check) -> bool:
    """Tell whether pictures go on without their metadata."""
    return removes_metadata(check.settings.policies) and not check.is_repeat and check.holds(Image)


def _strip_metadata(check: Check) -> StageSteps:
    """Remove the metadata of pictures that go on."""
    if is_certain_block(check.matches, check.tree):
        return
    removal = MetadataRemoval(check.tree, [*check.media_edits.edits], limits_of(check.settings.policies))
    yield from run_tasks([removal.task], check.inline)
    edits = removal.settle(check.tree, check.timings)
    check.media_edits = replace(check.media_edits, edits={**check.media_edits.edits, **edits})


STAGES: Final = (
    CheckStage("kinds of files", _may_be_mistyped, _find_kinds),
    CheckStage("files in texts", _may_hold_media, _add_embedded_media),
    CheckStage("parts of pictures", _has_picture_file, _add_picture_parts),
    CheckStage("texts in the files of pictures", _may_have_texts, _add_metadata_texts),
    CheckStage("films and sounds", lambda check: check.holds(Video, Audio), _watch_films),
    CheckStage("pictures", lambda check: check.holds(Image), _decode_pictures),
    CheckStage("encoded texts", lambda check: check.holds(Text), _decode_texts),
    CheckStage("texts of JSON", _wants_formats, _read_json_texts),
    CheckStage("use of tools", _reads_tools, _prepare_tools),
    CheckStage("detectors and rules", lambda check: True, _detect),
    CheckStage("redaction of media", _redacts_media, _redact_media),
    CheckStage("metadata of pictures", _strips_metadata, _strip_metadata),
)


def run_stages(check: Check) -> Steps:
    """Run the stages that apply; return the outcome. Yields tasks for workers, and expects them run when it is resumed."""
    for stage in STAGES:
        if stage.applies(check):
            yield from stage.run(check)
    assert check.round is not None
    repairs, failures = yield from repair_texts(
        check.settings.policies, check.tree.leaves, check.matches, check.repairs, check.inline
    )
    outcome = build_outcome(
        check.settings.policies,
        check.tree,
        check.round,
        check.matches,
        check.request,
        check.media_edits,
        complete=not check.stopped_early,
        formats=FormatOutcome(check.repairs, repairs, failures, check.unformatted),
    )
    if check.observer is not None:
        evaluations = _evaluations(
            check.settings.policies, check.round, check.requests, frozenset(), check.unformatted
        )
        check.observer.on_check(
            CheckRecord(
                check.tree, check.round, check.tasks, evaluations, check.matches, check.certain_tier, outcome
            )
        )
    return outcome


def release_media(tree: ContentTree) -> None:
    """Keep nothing of films and pictures any longer that a check opened."""
    for film in tree.opened:
        film.release()
    if any(isinstance(leaf.content, Media) for leaf in tree.leaves):
        release_pictures(tree.leaves)


def evaluate_rules(
    policies: Sequence[CompiledPolicy],
    round_: DetectionRound,
    requests: Sequence[Request],
    pending: frozenset[int],
    unformatted: frozenset[int],
) -> list[list[RuleMatch]]:
    """Return the rules that match, by policy. What depends on a pending tier is left out; rules with `on_fail` do not look at
    `unformatted` leaves.
    """
    # Each policy has its own exceptions: the floor sees findings before those of the policy above it.
    evaluations = _evaluations(policies, round_, requests, pending, unformatted)
    return [
        evaluation.run_certain() if pending else evaluation.run(round_.rule_timings)
        for evaluation in evaluations
    ]


def _evaluations(
    policies: Sequence[CompiledPolicy],
    round_: DetectionRound,
    requests: Sequence[Request],
    pending: frozenset[int],
    unformatted: frozenset[int],
) -> list[Evaluation]:
    """Return what evaluates each policy."""
    evaluations = []
    for position, policy in enumerate(policies):
        items = []
        request = replace(requests[position], is_floors=True) if position else requests[0]
        for index, plans in enumerate(round_.plans):
            plan, leaf = plans[position], round_.leaves[index]
            findings, unknown = round_.findings_of(index, plan, pending)
            start = leaf.derived.pieces[0].begin if leaf.is_filling and leaf.derived else 0
            items.append(
                JudgedContent(
                    round_.contents[index],
                    plan,
                    findings,
                    unknown,
                    leaf.again,
                    leaf.across,
                    start,
                    index in unformatted,
                )
            )
        evaluations.append(Evaluation(policy, items, request, round_.rereads[position]))
    return evaluations


def is_certain_block(matches: Sequence[Sequence[RuleMatch]], tree: ContentTree) -> bool:
    """Tell whether a check will block whatever the other tiers say. Blocks of rules with `on_fail` do not count: what they
    look at may be repaired, or shown to the model again unless another rule blocks it.
    """
    blocks = [
        each
        for some in matches
        for each in some
        if each.action is Action.BLOCK and each.rule.mode is Mode.ENFORCE and each.rule.on_fail is None
    ]
    if not blocks:
        return False
    history = History(tree)
    return not all(history.removable(affected_places(each, tree)) for each in blocks)
