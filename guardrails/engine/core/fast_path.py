"""The allow path: texts in which no detector finds anything, which is most of all traffic.

Without a finding, a failure or anything unchecked, only rules that can hold without findings could fire;
where a plan has none, the outcome is to allow, and nothing else needs to be built. As soon as there is
anything to say, what was detected so far goes on to the whole pipeline.

One pass over the patterns of all detectors of a file together, for each way to read the text, clears it of all of them. By file,
because what a policy inherits is then compiled once for all that inherit it; for one that does, two passes take 2.5 microseconds
more than one over 400 characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

from guardrails.cancellation import Cancelled, is_interrupt
from guardrails.detectors.binding import BoundDetector
from guardrails.detectors.patterns.table import PatternError, PatternTable
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.embedded_media import may_hold_media, media_kinds
from guardrails.engine.core.detection_round import cache_key, reads_form, store_detections
from guardrails.engine.core.findings_cache import SHORTEST, Entry, FindingsCache, Key
from guardrails.engine.core.outcome import build_coverage
from guardrails.engine.detector_task import validate_detection
from guardrails.engine.formats.derived_texts import add_derived_texts
from guardrails.engine.model import Outcome
from guardrails.policy.compiled import CompiledPolicy, DetectionPlan
from guardrails.text import (
    deobfuscate_text,
    is_clean,
    normalize_text,
    replace_surrogates,
)
from guardrails.text.matching.group_search import find_open_texts
from guardrails.types import CLEAN, Action, Content, Detection, Stage, Text, TextForm

ALL_PATTERNS = "patterns"
"""The name under which timings hold the passes over the patterns of all detectors."""


KINDS = ("text", "tool_call")
"""Kinds of content that are judged, if by no detector, then because there is nothing to find."""

KnownDetections = dict[int, Mapping[str, Detection]]
"""Index of a leaf → digest of a detector → its detection."""

ContentGroup = tuple[str, ...]
"""A kind of content, the form of a text, `DECODED` or "", `ACROSS` or "", and the stages at which it stands."""

DECODED = "decoded"
"""Marks what stood encoded in another text, which not every detector reads."""

ACROSS = "across"
"""Marks what is joined of several messages, at which not every rule looks."""


@dataclass(frozen=True, slots=True)
class FastPlan:
    """What contents of one kind at some stages need: all `patterns` of which the `filters`, one pass over those of each file,
    find anything, and the `others`. `clear` are the digests of all with what each says of a clear content; `reads` tells that
    some look at what the content stands beside, `media_kinds` that some look at pictures, which a text may carry.
    """

    patterns: tuple[BoundDetector, ...]
    filters: tuple[PatternTable, ...]
    others: tuple[BoundDetector, ...]
    clear: Mapping[str, Detection]
    reads: bool
    looks: bool

    def entry(self, content: Content) -> Mapping[Key, Detection]:
        """Return what a cache holds of a content that is clear."""
        if not self.reads:
            return self.clear  # type: ignore[return-value] # a digest is a key
        return {cache_key(bound, content): CLEAN for bound in (*self.patterns, *self.others)}


Batches = dict[int, tuple[FastPlan, list[int]]]
"""For each plan, by its identity, the leaves that need what it says."""

Name = tuple[ContentGroup, str]
"""A text too short for a cache, such as a model's name, and what it is."""

MOST_NAMES = 256
"""Names that are remembered as clear."""

FEW = 16
"""Leaves of a tree up to which names in it are remembered: those of tables hardly come again."""


@dataclass(slots=True)
class OpenBatches:
    """What is to be asked of contents: `batches`, of so many `characters`; `found` tells that something is known of others.
    `entries` are what a cache holds of texts; `names` are short texts that are asked for the first time, by leaf, `known_names`
    the leaves of others.
    """

    batches: Batches = field(default_factory=dict)
    characters: int = 0
    found: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)
    names: dict[int, Name] = field(default_factory=dict)
    known_names: set[int] = field(default_factory=set)


def decoding_limits(policies: Sequence[CompiledPolicy]) -> tuple[int, int, int]:
    """Return how deep encodings are followed, how many payloads and how many characters: no floor is weakened by the
    policy above it.
    """
    limits = [policy.limits for policy in policies]
    return (
        max(each.encoding_depth for each in limits),
        max(each.encoded_payloads for each in limits),
        max(each.characters for each in limits),
    )


class FastPath:
    """The allow path of some policies together."""

    def __init__(self, policies: Sequence[CompiledPolicy], cache: FindingsCache) -> None:
        self._policies = policies
        self._cache = cache
        self._limit = max(policy.limits.characters for policy in policies)
        self._joins = any(policy.joins_conversation for policy in policies)
        self._decoding = decoding_limits(policies)
        self._filters = _join_patterns(policies)  # here, not in the first request
        self._paths: dict[ContentGroup, FastPlan | None] = {}
        self._plans: dict[tuple[bool | str, ...], FastPlan] = {}
        self._names: dict[Name, None] = {}
        for stage in Stage:
            self._path((Text.kind, "prose", "", "", stage))  # likewise

    def allow(
        self,
        tree: ContentTree,
        known: KnownDetections,
        timings: dict[str, float],
        limit: int | None = None,
    ) -> Outcome | None:
        """Return the outcome if all is clear, else None, and fill in what was detected and what it took.

        Args:
            tree: what is checked.
            known: index of a leaf → digest of a detector → its detection.
            timings: name of a detector → milliseconds.
            limit: characters up to which the caller's thread may do it (None: any number).
        """
        started = perf_counter()
        if tree.unchecked or not tree.leaves:
            return None
        mark = tree.mark()
        if self._joins and tree.roles:
            tree.join_turns()
        kept: list[tuple[Entry, Mapping[Key, Detection]]] = []
        try:
            clear = self._is_clear(tree, known, timings, kept, limit)
        except Cancelled:  # the pipeline makes the failure of those that are late part of the verdict
            clear = False
        if not clear:
            tree.cut(mark)
            for index in [index for index in known if index >= mark[0]]:
                del known[index]  # what is joined depends on what stays of a conversation
            return None
        for entry, nothing in kept:
            store_detections(entry, nothing)
        timings["total"] = (perf_counter() - started) * 1000.0
        return Outcome(Action.ALLOW, (), (), (), build_coverage(tree, ()), (), True, timings=timings)

    def _is_clear(
        self,
        tree: ContentTree,
        known: KnownDetections,
        timings: dict[str, float],
        kept: list[tuple[Entry, Mapping[Key, Detection]]],
        limit: int | None,
    ) -> bool:
        """Tell whether nothing is found in the texts of a tree, nor in what stands in these, which it adds."""
        remembers = len(tree.leaves) > 1 or self._cache.every  # a text that comes alone hardly comes again
        new = self._new(tree, 0, kept if remembers else None, limit)
        # What is known to have findings goes the long way, with what is found out here of the others: it is quicker here.
        if new is None or not self._ask_batches(tree, new, known, timings) or new.found:
            return False
        first, names = len(tree.leaves), new.names
        add_derived_texts(tree, self._decoding, new.entries.get if remembers else None, new.known_names)
        if tree.unchecked:
            return False
        if len(tree.leaves) > first:
            left = None if limit is None else limit - new.characters
            new = self._new(tree, first, kept if remembers else None, left)
            if new is None or new.found or not self._ask_batches(tree, new, known, timings):
                return False
            for leaf in tree.leaves[first:]:
                names.pop(-1 if leaf.parent is None else leaf.parent, None)
        if names:
            if len(self._names) >= MOST_NAMES:
                self._names.clear()
            self._names.update(dict.fromkeys(names.values()))
        return True

    def _new(
        self,
        tree: ContentTree,
        first: int,
        kept: list[tuple[Entry, Mapping[Key, Detection]]] | None,
        limit: int | None,
    ) -> OpenBatches | None:
        """Return what is to be asked of the leaves from the `first` on, None where that is too much, or more than the allow path
        can settle; `kept` takes what to remember once all is clear (None: nothing is remembered).
        """
        new = OpenBatches()
        leaves = tree.leaves
        few = kept is not None and len(leaves) <= FEW
        for index in range(first, len(leaves)):
            leaf = leaves[index]
            content = leaf.content
            place = content.place
            form = content.form if isinstance(content, Text) else "prose"
            decoded = DECODED if place.origin is not None else ""
            across = ACROSS if leaf.across else ""
            at = (content.kind, form, decoded, across, place.stage, *place.also)
            try:
                path = self._paths[at]
            except KeyError:
                path = self._path(at)
            if path is None or (decoded and leaf.parent is None):
                return None
            if isinstance(content, Text):
                if len(content.text) > self._limit or (path.looks and may_hold_media(content.text)):
                    return None
                if kept is not None:
                    known = self._is_known(
                        content, path, kept, new, index, at if few and not leaf.again else None
                    )
                    if known is None:
                        return None
                    if known:
                        continue
                new.characters += len(content.text)
            if id(path) in new.batches:
                new.batches[id(path)][1].append(index)
            else:
                new.batches[id(path)] = (path, [index])
        return None if limit is not None and new.characters > limit else new

    def _is_known(
        self,
        content: Text,
        path: FastPlan,
        kept: list[tuple[Entry, Mapping[Key, Detection]]],
        new: OpenBatches,
        index: int,
        at: ContentGroup | None,
    ) -> bool | None:
        """Tell whether all is known of a text, None where what is known is left to the pipeline; note what is to be remembered.

        Args:
            content: the text.
            path: what it needs.
            kept: takes what a cache is to hold of it.
            new: takes its leaf as a name's, or that something is known of it.
            index: the leaf.
            at: what it is; None where no names are remembered.
        """
        if len(content.text) < SHORTEST and at is not None and not path.reads:
            name = (at, content.text)
            if name in self._names:
                new.known_names.add(index)
                return True
            new.names[index] = name
        # What a record says is remembered where somebody judges sentences.
        entry = self._cache.entry(content.text) if path.clear or content.form != "record" else None
        if entry is None:
            return False
        new.entries[content.text] = entry
        nothing = path.entry(content)
        if entry or not nothing:
            held = [*map(entry.get, nothing)]
            if held.count(CLEAN) == len(held):
                return True
            if any(each is not None and each is not CLEAN for each in held):
                new.found = True
                return True
        if entry and self._cache.every:
            return None  # the pipeline asks the others alone
        kept.append((entry, nothing))
        return False

    @staticmethod
    def _ask_batches(
        tree: ContentTree, new: OpenBatches, known: KnownDetections, timings: dict[str, float]
    ) -> bool:
        """Ask; tell whether nothing is found."""
        for path, batch in new.batches.values():
            contents = [tree.leaves[index].content for index in batch]
            answers = _detect(path, contents, timings)
            for at, index in enumerate(batch):
                known[index] = (
                    path.clear
                    if answers is None
                    else {digest: given[at] for digest, given in answers.items()}
                )
            if answers is not None:
                return False
        return True

    def _path(self, at: ContentGroup) -> FastPlan | None:
        """Return what contents need, None if some detector is slow or a rule needs no finding."""
        kind, form, decoded, across, *stages = at
        plans = [policy.plan(tuple(map(Stage, stages)), across=bool(across)) for policy in self._policies]
        bounds = {
            bound.digest: bound
            for bound in iterate_bounds(plans)
            if kind in bound.contents
            and reads_form(bound, cast(TextForm, form))
            and (bound.decoded or not decoded)
        }
        at_once = all(bound.inline or bound.at_once is not None for bound in bounds.values())
        path = None
        if kind in KINDS and at_once and not any(plan.always for plan in plans):
            filters = self._filters if kind == Text.kind else ()
            shared = [bound for bound in bounds.values() if filters and bound.prefilter is not None]
            others = [bound for bound in bounds.values() if bound not in shared]
            path = FastPlan(
                tuple(shared),
                filters if shared else (),
                tuple(
                    sorted(others, key=lambda bound: not bound.inline)
                ),  # what may need a worker after all: last
                dict.fromkeys(bounds, CLEAN),
                any(bound.reads for bound in bounds.values()),
                bool(media_kinds(self._policies, tuple(map(Stage, stages)))),
            )
            # Contents that need the same are asked together, whatever they are.
            path = self._plans.setdefault((path.looks, bool(path.filters), *bounds), path)
        self._paths[at] = path
        return path


def _join_patterns(policies: Sequence[CompiledPolicy]) -> tuple[PatternTable, ...]:
    """Return the patterns of all detectors, one table for those of each file: a pass over it costs little more than over the
    dearest of them, and policies that build on the same file share it. None where there are not several detectors.
    """
    families: dict[str, dict[str, PatternTable]] = {}
    for bound in (bound for policy in policies for bound in policy.detectors):
        if (table := bound.prefilter) is not None:
            families.setdefault(bound.family, {})[bound.digest] = table
    if sum(map(len, families.values())) < 2:
        return ()
    return tuple(table for tables in families.values() for table in _join_tables([*tables.values()]))


def _join_tables(tables: Sequence[PatternTable]) -> Sequence[PatternTable]:
    """Return some tables as one; each as it is where they are too large together."""
    try:
        return [PatternTable.union(tables)] if len(tables) > 1 else tables
    except PatternError:
        return tables


def iterate_bounds(plans: Iterable[DetectionPlan]) -> Iterator[BoundDetector]:
    """Yield the detectors of plans."""
    return (bound for plan in plans for tier in plan.tiers for bound in tier)


def _detect(
    path: FastPlan, contents: Sequence[Content], timings: dict[str, float]
) -> dict[str, Sequence[Detection]] | None:
    """Return what was detected until there was something to say; None where nothing is to be said of any content."""
    before = perf_counter()
    found: frozenset[str] = frozenset()
    detectors = path.others
    if path.filters:
        found = _matching_categories(path.filters, contents)
        if found:
            some = (bound for bound in path.patterns if not found.isdisjoint(bound.categories))
            detectors = (*some, *path.others)
        after = perf_counter()
        timings[ALL_PATTERNS] = timings.get(ALL_PATTERNS, 0.0) + (after - before) * 1000.0
        before = after
    answers: dict[str, Sequence[Detection]] = {}
    clear = True
    for bound in detectors:
        given = _ask(bound, contents)
        if given is not None:
            answers[bound.digest] = given
            after = perf_counter()
            timings[bound.name] = timings.get(bound.name, 0.0) + (after - before) * 1000.0
            before = after
        clear = given is not None and given.count(CLEAN) == len(given)
        if not clear:
            break
    if clear:
        return None
    rest = (bound.digest for bound in path.patterns if found.isdisjoint(bound.categories))
    return answers | dict.fromkeys(rest, [CLEAN] * len(contents))


def _ask(bound: BoundDetector, contents: Sequence[Content]) -> list[Detection] | None:
    """Return what a detector says, None where it needs a worker, or fails."""
    try:
        ask = bound.detector.detect if bound.inline or bound.at_once is None else bound.at_once
        given = ask(contents)
        if given is None or len(given) != len(contents):
            return None
        return [
            answer if answer is CLEAN else validate_detection(answer, content, bound)
            for answer, content in zip(given, contents, strict=True)
        ]
    except BaseException as error:
        if is_interrupt(error):
            raise
        return None  # the pipeline asks again, and makes the failure part of the verdict


def _matching_categories(tables: Sequence[PatternTable], contents: Sequence[Content]) -> frozenset[str]:
    """Return the categories of the patterns that may be found in texts, in one of the ways to read them."""
    texts = [each.text for each in contents if isinstance(each, Text)]
    if len(texts) > 1 or not all(text.isascii() and is_clean(text) for text in texts):
        texts = _find_readings(texts)
    found = [table.categories_of(texts) for table in tables]
    return found[0] if len(found) == 1 else frozenset[str]().union(*found)


def _find_readings(texts: Sequence[str]) -> list[str]:
    """Return texts, each once, and the other ways to read them."""
    texts = [*dict.fromkeys(map(replace_surrogates, texts))]
    readings = dict.fromkeys(texts)
    for at in find_open_texts(texts, is_clean):
        readings |= dict.fromkeys([view.text for view in deobfuscate_text(texts[at])])
    for text in texts:
        if not text.isascii():
            readings[normalize_text(text).text] = None
    return [*readings]
