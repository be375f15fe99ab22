"""One round of detection: which detectors each content needs, in tiers, and what they found, from the cache where it can be.

`DetectionRound` knows no thread and no clock but the one that times detectors: it hands out `Task`s, and whoever
drives it (`pipeline.py`) runs them where they belong and gives the answers back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from guardrails.detectors.binding import BoundDetector
from guardrails.engine.conditions.exceptions import Reread, RereadScores
from guardrails.engine.content.content_tree import Leaf, LeafSpan, resolve_span
from guardrails.engine.content.places import role_of
from guardrails.engine.core.findings_cache import Entry, FindingsCache, Key
from guardrails.engine.detector_task import Task
from guardrails.engine.media.unreadable_media import describe_unreadable
from guardrails.media.errors import MediaError
from guardrails.media.images.picture import Picture
from guardrails.media.video.film_source import Film
from guardrails.policy.compiled import CompiledPolicy, DetectionPlan
from guardrails.taxonomy import is_depicted
from guardrails.types import (
    CLEAN,
    Audio,
    Content,
    Detection,
    DetectorFailure,
    Finding,
    Image,
    JudgedPart,
    Media,
    Text,
    TextForm,
    ToolCall,
    Unchecked,
    Video,
)

MOST_FINDINGS = 64
"""Findings in one text up to which they are kept: a cache that counts characters must not hold more than
those.
"""


MOST_KEPT = 64
"""Detections of one text that are kept: one for each detector and context."""


def judges(bound: BoundDetector, content: Content) -> bool:
    """Tell whether a detector looks at this content at all."""
    # Who looks at pictures looks at films, frame by frame (`films.py`).
    kind = Image.kind if bound.pixels and isinstance(content, Video) else content.kind
    if kind not in bound.contents or not (bound.decoded or content.place.origin is None):
        return False
    if isinstance(content, Text) and not reads_form(bound, content.form):
        return False
    return not (bound.pixels and isinstance(content, Media)) or isinstance(content.source, Picture | Film)


def reads_form(bound: BoundDetector, form: TextForm) -> bool:
    """Tell whether a detector reads texts of a form: one that judges sentences no data, and it alone what a record says."""
    return form == "prose" or bound.prose is (form == "record")


def _reads_whole(plan: DetectionPlan) -> bool:
    """Tell whether a rule wants a format of texts as a whole: what is found in a part says nothing of what it is joined to."""
    return any(rule.on_fail is not None for rule in plan.rules)


class DetectionRound:
    """All detections of one check."""

    def __init__(
        self,
        policies: Sequence[CompiledPolicy],
        leaves: Sequence[Leaf],
        cache: FindingsCache | None,
        known: Mapping[int, Mapping[str, Detection]],
        timings: dict[str, float],
        read: frozenset[int] = frozenset(),
    ) -> None:
        """Prepare a check; `known` are detections that were made already, by leaf and digest, in `timings`, and `read` the
        pictures whose texts are leaves too.
        """
        self.leaves = leaves
        self.plans: list[tuple[DetectionPlan, ...]] = []
        self.contents: list[Content] = []
        self.found: list[dict[str, Detection]] = []
        self.cached: list[Entry | None] = []
        self.unchecked: list[tuple[Unchecked, int]] = []
        self.timings = timings
        self.rule_timings: dict[str, float] = {}
        self.rereads: list[dict[Reread, RereadScores]] = [{} for _ in policies]
        self._known = known
        self._read = read
        self._own: dict[str, dict[int, tuple[Finding, ...]]] = {}
        self._described: dict[int, JudgedPart] = {}
        self._of_form: dict[tuple[int, TextForm, bool], Sequence[BoundDetector]] = {}
        limit = max(
            policy.limits.characters for policy in policies
        )  # a floor sees no less than it would alone
        for index, leaf in enumerate(leaves):
            content = leaf.content
            place = content.place
            stages = (place.stage, *place.also)
            self.plans.append(tuple(policy.plan(stages, across=leaf.across) for policy in policies))
            # A joined text is as long as its parts, each of which is measured.
            if isinstance(content, Text) and len(content.text) > limit and not leaf.again:
                self.unchecked.append(
                    (
                        Unchecked(
                            "limit",
                            f"text past {limit} characters, the policy's limits.characters",
                            place.path,
                            (limit, len(content.text)),
                        ),
                        index,
                    )
                )
                content = Text(content.text[:limit], place, content.context)
            self.contents.append(content)
            self.found.append({})
            kept = cache is not None and (not leaf.is_record or self._is_judged(index))
            self.cached.append(cache_entry(cache, content) if cache is not None and kept else None)

    def tiers(self) -> list[int]:
        """Return the tiers that these leaves need, cheapest first."""
        return sorted(
            {bound.tier for plans in self.plans for plan in plans for tier in plan.tiers for bound in tier}
        )

    def tasks(self, tier: int) -> list[Task]:
        """Return what is to be run for a tier; what the cache knows is filled in already."""
        tasks: dict[str, Task] = {}
        for index, plans in enumerate(self.plans):
            for plan in plans:
                for bounds in plan.tiers:
                    if bounds[0].tier == tier:
                        self._need(index, bounds, tasks)
        return list(tasks.values())

    def _need(self, index: int, bounds: tuple[BoundDetector, ...], tasks: dict[str, Task]) -> None:
        content, found, entry = self.contents[index], self.found[index], self.cached[index]
        given = self._known.get(index, {})
        for bound in self._choose(bounds, content):
            digest = bound.digest
            if digest in found:
                continue
            known = given.get(digest)
            if known is not None:
                self._keep(index, bound, known)
            elif entry is not None:
                known = entry.get(cache_key(bound, content))
            if known is not None:
                found[digest] = known
                continue
            found[digest] = CLEAN  # stands for the answer until `settle` puts it here
            task = tasks.get(digest)
            if task is None:
                task = tasks[digest] = Task(bound)
            task.leaves.append(index)
            task.contents.append(content)

    def _choose(self, bounds: tuple[BoundDetector, ...], content: Content) -> Sequence[BoundDetector]:
        """Return the detectors of a tier that look at a content; texts of one form have the same."""
        if not isinstance(content, Text):
            return [bound for bound in bounds if judges(bound, content)]
        key = (id(bounds), content.form, content.place.origin is None)
        chosen = self._of_form.get(key)
        if chosen is None:
            chosen = self._of_form[key] = [bound for bound in bounds if judges(bound, content)]
        return chosen

    def settle(self, tasks: Iterable[Task]) -> None:
        """Take the answers of tasks that were run."""
        for task in tasks:
            bound = task.bound
            self.timings[bound.name] = self.timings.get(bound.name, 0.0) + task.took_ms
            for index, answer in zip(task.leaves, task.answers, strict=True):
                self.found[index][bound.digest] = answer
                self._keep(index, bound, answer)

    def _keep(self, index: int, bound: BoundDetector, answer: Detection) -> None:
        entry = self.cached[index]
        if entry is not None and answer.error is None and len(answer.findings) <= MOST_FINDINGS:
            store_detections(entry, {cache_key(bound, self.contents[index]): answer})

    def findings_of(
        self, index: int, plan: DetectionPlan, pending: frozenset[int]
    ) -> tuple[tuple[Finding, ...], frozenset[str]]:
        """Return what a plan's detectors found in a leaf, and which of them failed or belong to a pending
        tier.
        """
        findings: list[Finding] = []
        unknown: set[str] = set()
        leaf, found = self.leaves[index], self.found[index]
        if not pending and [*found.values()].count(CLEAN) == len(found):
            return (), frozenset()
        for bounds in plan.tiers:
            for bound in bounds:
                detection = found.get(bound.digest)
                if detection is None:
                    if bound.tier in pending and judges(bound, leaf.content):
                        unknown.add(bound.name)
                elif detection.error is not None:
                    unknown.add(bound.name)
                elif detection.findings:
                    is_new = not leaf.again or (bound.format_problems is not None and _reads_whole(plan))
                    own = detection.findings if is_new else self._new_findings(index, bound.digest)
                    if leaf.content.place.asks_for == "absence":
                        own = tuple(each for each in own if not is_depicted(each.category))
                    findings.extend(self._stamp(index, own))
        return tuple(findings), frozenset(unknown)

    def _new_findings(self, index: int, digest: str) -> tuple[Finding, ...]:
        """Return what a detector found in a joined or decoded text and not yet in the parts, in a join of fewer of
        them, or in the text around. What is found in the application's own text says nothing of what fills its slots.
        """
        own = self._own.get(digest)
        if own is None:
            own = self._own[digest] = {}
            seen: dict[tuple[str, bool, tuple[LeafSpan, ...]], float] = {}
            for at, found in enumerate(self.found):
                detection = found.get(digest)
                if detection is None or not detection.findings:
                    continue
                new: list[Finding] = []
                derived, declared = self.leaves[at].derived, self.leaves[at].content.place.declared
                for finding in detection.findings:
                    if finding.span is not None:
                        if derived is not None and not derived.hides(finding.span):
                            continue  # it stands in the text as it is
                        spans = tuple(resolve_span(self.leaves, at, finding.span))
                        if not spans:
                            continue  # it stands in what a value is called, which is judged by itself
                        key = (finding.category, declared, spans)
                        if seen.get(key, -1.0) >= finding.score and self.leaves[at].again:
                            continue
                        seen[key] = max(finding.score, seen.get(key, 0.0))
                    new.append(finding)
                own[at] = tuple(new)
        return own.get(index, ())

    def _stamp(self, index: int, findings: Iterable[Finding]) -> Iterable[Finding]:
        place, part = self.leaves[index].content.place, self._describe(index)
        for each in findings:
            yield Finding(
                each.category,
                each.score,
                each.detector,
                each.span,
                each.box,
                each.clip,
                place.path,
                place.choice_index,
                place.origin,
                each.listed,
                part,
            )

    def _describe(self, index: int) -> JudgedPart:
        """Return what is to be known of a leaf in which something was found."""
        described = self._described.get(index)
        if described is None:
            leaf = self.leaves[index]
            place = leaf.content.place
            described = self._described[index] = JudgedPart(
                index,
                (place.stage, *place.also),
                role_of(place),
                place.message,
                leaf.again,
                leaf.across,
                all(self.leaves[at].editable for at in self._sources(index)),
            )
        return described

    def _sources(self, index: int) -> Iterator[int]:
        """Yield the leaves whose texts a leaf was made of, itself where it was made of none."""
        leaf = self.leaves[index]
        made_of = [at for at, _ in leaf.pieces] or ([] if leaf.parent is None else [leaf.parent])
        if not made_of:
            yield index
        for at in made_of:
            yield from self._sources(at)

    def failures(self) -> list[DetectorFailure]:
        """Return each detector that failed, and where."""
        return [failure for index in range(len(self.found)) for failure in self.failures_of(index)]

    def failures_of(self, index: int) -> list[DetectorFailure]:
        """Return each detector that failed over a leaf."""
        path = self.leaves[index].content.place.path
        return [
            DetectorFailure(self._names[digest], detection.error, path, detection.reason)
            for digest, detection in self.found[index].items()
            if detection.error is not None
        ]

    @cached_property
    def _names(self) -> dict[str, str]:
        """The detectors' names by their digests."""
        bounds = (bound for plans in self.plans for plan in plans for tier in plan.tiers for bound in tier)
        return {bound.digest: bound.name for bound in bounds}

    def _is_judged(self, index: int) -> bool:
        """Tell whether some detector looks at a leaf, if it is not reached because a block is certain before."""
        plans, content = self.plans[index], self.contents[index]
        return any(judges(bound, content) for plan in plans for tier in plan.tiers for bound in tier)

    def find_unchecked(self) -> list[tuple[Unchecked, int]]:
        """Return what was left out, with the leaf that it belongs to."""
        out = list(self.unchecked)
        for index, found in enumerate(self.found):
            place = self.leaves[index].content.place
            content = self.contents[index]
            if isinstance(content, Media) and isinstance(content.source, MediaError):
                out.append((describe_unreadable(content, content.source), index))
            elif not isinstance(content, Text | ToolCall) and not (
                index in self._read or self._is_judged(index)
            ):
                kind = content.kind if isinstance(content, Audio) else "part"
                out.append((Unchecked(kind, f"no detector reads this {content.kind}", place.path), index))
            for detection in found.values():
                out.extend((replace(entry, path=place.path), index) for entry in detection.unchecked)
        return out


def cache_entry(cache: FindingsCache, content: Content) -> Entry | None:
    """Return what a cache knows of a content; None of what it does not keep."""
    if isinstance(content, Text):
        return cache.entry(content.text)
    picture = content.source if isinstance(content, Media) else None
    if (
        not isinstance(content, Media) or not isinstance(picture, Picture) or picture.covered
    ):  # what was covered is judged as what it is, this once
        return None
    return cache.picture(picture.sha256, partial=content.partial)


def store_detections(entry: Entry, answers: Mapping[Key, Detection]) -> None:
    """Keep detections of a text in its entry of the cache."""
    if len(entry) >= MOST_KEPT:
        entry.clear()
    entry.update(answers)


def cache_key(bound: BoundDetector, content: Content) -> Key:
    """Return under what a cache keeps what a detector says of a content, in the entry of its text."""
    if not bound.reads:
        return bound.digest
    context, place = content.context or {}, content.place
    stages = " ".join((place.stage, *place.also))  # a service may be told where a text stands
    return (bound.digest, *(stages if name == "stage" else context.get(name) for name in bound.reads))
