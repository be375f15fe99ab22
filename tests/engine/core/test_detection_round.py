"""Which detector sees which leaf, and what the cache saves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from guardrails import Audio, Content, Detection, Finding, Guard, Image, Stage, Text, ToolCall, Unchecked
from guardrails.detectors.kinds import Kind
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.detection_round import MOST_FINDINGS, MOST_KEPT, DetectionRound
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.types import CLEAN, Place
from tests.cases import each_case

LONG = "a text that is long enough to be kept by the cache"


Make = Callable[..., tuple[Guard, Any]]


@pytest.fixture(scope="module")
def two(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], own: Any) -> Make:
    """Return a function: a function of one content in, a guard and its counting detector out. Finds `hate`,
    at input.
    """

    def make(
        judge: Callable[[Content], Detection] = lambda content: CLEAN, more: str = "", **kind: Any
    ) -> tuple[Guard, Any]:
        detector = own(judge)
        kinds = {"own": kind_of(detector, "hate", **kind)}
        rules = "  - {id: r, on: input, when: hate > 0, then: flag}"
        return guard_of(f"detectors:\n  d: {{use: own}}\nrules:\n{rules}\n{more}", detectors=kinds), detector

    return make


def round_of(guard: Guard, leaves: Sequence[Leaf], cache: FindingsCache | None = None) -> DetectionRound:
    """Return a round over some leaves in which every tier was run."""
    ran = DetectionRound((guard.policy,), leaves, cache, {}, {})
    for tier in ran.tiers():
        tasks = ran.tasks(tier)
        for each in tasks:
            each.run()
        ran.settle(tasks)
    return ran


def test_a_detector_sees_only_what_its_rules_need(two: Make) -> None:
    """No rule looks at replies, so no detector is run on them; and each kind of content goes to those that
    read it.
    """
    guard, detector = two()
    round_of(
        guard,
        [
            Leaf(Text("in")),
            Leaf(Text("out", Place(Stage.OUTPUT))),
            Leaf(Image(b"x")),
            Leaf(ToolCall("f", "{}")),
        ],
    )
    assert [content.text for content in detector.seen] == ["in"]


def test_a_detector_sees_all_contents_in_one_batch(two: Make) -> None:
    """Batch first: one call for all leaves of a check."""
    guard, _ = two()
    tasks = DetectionRound((guard.policy,), [Leaf(Text("a")), Leaf(Text("b"))], None, {}, {}).tasks(0)
    assert [len(each.contents) for each in tasks] == [2]


def test_two_policies_share_a_detector_of_one_digest(two: Make) -> None:
    """The floor's detectors are not run twice where they are the same."""
    guard, detector = two()
    ran = DetectionRound((guard.policy, guard.policy), [Leaf(Text("a"))], None, {}, {})
    for each in ran.tasks(0):
        each.run()
    assert len(detector.seen) == 1


def test_the_cache_knows_texts_that_were_judged(two: Make) -> None:
    """The same text costs nothing the second time, short texts and failures are asked again."""
    guard, detector = two()
    cache = FindingsCache()
    for text in (LONG, LONG, "short", "short"):
        round_of(guard, [Leaf(Text(text))], cache)
    assert [content.text for content in detector.seen] == [LONG, "short", "short"]
    failing, detector = two(lambda content: Detection(error="no"), version=2)
    for _ in range(2):
        round_of(failing, [Leaf(Text(LONG))], cache)
    assert len(detector.seen) == 2


def test_the_cache_tells_declared_contexts_apart(two: Make) -> None:
    """A detector that reads the prompt is asked again for another prompt, and not for what it does not read."""
    guard, detector = two(reads=("prompt", "system"))
    cache = FindingsCache()
    contexts = [
        {"prompt": "a\0", "system": "b"},
        {"prompt": "a", "system": "\0b"},
        {"prompt": "a\0", "system": "b", "x": "y"},
    ]
    for context in (*contexts, None):
        round_of(guard, [Leaf(Text(LONG, context=context))], cache)
    assert [content.context for content in detector.seen] == [contexts[0], contexts[1], None]


def test_the_cache_tells_stages_apart_where_they_are_read(two: Make) -> None:
    """A service may be told where a text stands; a turn that may be forged stands in two places."""
    places = [Place(Stage.INPUT), Place(Stage.OUTPUT, also=(Stage.INPUT,))]
    for reads, seen in ((("stage",), 2), (("prompt",), 1), ((), 1)):
        guard, detector = two(reads=reads)
        cache = FindingsCache()
        for place in (*places, *places):
            round_of(guard, [Leaf(Text(LONG, place))], cache)
        assert len(detector.seen) == seen


def test_what_the_cache_keeps_of_one_text_is_bounded(two: Make) -> None:
    """Neither many contexts nor a text full of findings can grow it without end."""
    guard, _ = two(reads=("prompt",))
    cache = FindingsCache()
    for number in range(3 * MOST_KEPT):
        round_of(guard, [Leaf(Text(LONG, context={"prompt": str(number)}))], cache)
    entry = cache.entry(LONG)
    assert entry is not None
    assert 0 < len(entry) <= MOST_KEPT
    many = Detection((Finding("hate", 1.0, "d", (0, 1)),) * (MOST_FINDINGS + 1))
    guard, detector = two(lambda content: many, version=3)
    for _ in range(2):
        round_of(guard, [Leaf(Text(LONG))], cache)
    assert len(detector.seen) == 2


def test_text_past_the_limit_is_not_judged_and_says_so(two: Make) -> None:
    """The detector sees the limit's characters; a joined text is as long as its parts, each of which was
    measured.
    """
    guard, detector = two(more="limits: {characters: 10}")
    tree = ContentTree()
    tree.text("0123456789X", ("a",), Place())
    tree.text("0123456", ("b",), Place())
    tree.join([0, 1], ("c",), Place())
    ran = round_of(guard, tree.leaves)
    assert [content.text for content in detector.seen] == ["0123456789", "0123456", "0123456789X0123456"]
    assert [(entry.kind, entry.path, entry.span, index) for entry, index in ran.find_unchecked()] == [
        ("limit", "/a", (10, 11), 0)
    ]


def test_findings_are_stamped_with_their_place(two: Make) -> None:
    """Detectors know no path; the verdict does."""
    guard, _ = two(lambda content: Detection((Finding("hate", 1.0, "d", (0, 1)),)))
    place = Place(path="/a", choice_index=2, origin="base64")
    leaves = [Leaf(Text("x", place)), Leaf(Text("x"))]
    ran = round_of(guard, leaves)
    [first], _ = ran.findings_of(0, ran.plans[0][0], frozenset())
    [second], _ = ran.findings_of(1, ran.plans[1][0], frozenset())
    assert (first.path, first.choice_index, first.origin) == ("/a", 2, "base64")
    assert second == Finding("hate", 1.0, "d", (0, 1))


def everywhere(word: str) -> Callable[[Content], Detection]:
    """Return a judge that finds a word, and a whole text that begins with `key:`."""

    def judge(content: Content) -> Detection:
        text = content.text if isinstance(content, Text) else ""
        at = text.find(word)
        found = [Finding("hate", 1.0, "d", (at, at + len(word)))] if at >= 0 else []
        if text.startswith("key:") and len(text) > 4:
            found.append(Finding("hate", 0.5, "d", (4, len(text))))
        return Detection(tuple(found)) if found else CLEAN

    return judge


@each_case(
    ("parts", "new"),
    [
        (["for", "bidden"], [(0, 9)]),
        (["a forbidden b", "x"], []),
        (["x", "forbidden"], []),
        # The part alone does not show it: the word before it, in another part, does.
        (["key:", "value"], [(4, 9)]),
        (["key:va", "lue"], [(4, 9)]),
    ],
)
def test_a_joined_text_adds_what_its_parts_alone_do_not_show(
    two: Make, parts: list[str], new: list[tuple[int, int]]
) -> None:
    """A finding that a part has is not counted twice; one that only the whole shows is kept, wherever it
    lies.
    """
    guard, _ = two(everywhere("forbidden"))
    tree = ContentTree()
    for index, text in enumerate(parts):
        tree.text(text, (index,), Place())
    tree.join([0, 1], (), Place())
    ran = round_of(guard, tree.leaves)
    findings, _ = ran.findings_of(2, ran.plans[2][0], frozenset())
    assert [finding.span for finding in findings] == new


def test_a_join_of_joins_does_not_repeat(two: Make) -> None:
    """A word that is split over two parts is found once, although two joined texts hold it."""
    guard, _ = two(everywhere("forbidden"))
    tree = ContentTree()
    for index, text in enumerate(["for", "bidden", "x"]):
        tree.text(text, (index,), Place())
    tree.join([0, 1], (), Place())
    tree.join([0, 1, 2], (), Place())
    ran = round_of(guard, tree.leaves)
    assert [len(ran.findings_of(index, ran.plans[index][0], frozenset())[0]) for index in range(5)] == [
        0,
        0,
        0,
        1,
        0,
    ]


def test_pending_and_failed_detectors_are_unknown(two: Make) -> None:
    """A tier that has not run yet is unknown, but only for contents that it would read."""
    guard, _ = two(lambda content: Detection(error="no"), tier=1)
    leaves = [Leaf(Text("x")), Leaf(Image(b"x"))]
    ran = DetectionRound((guard.policy,), leaves, None, {}, {})
    assert ran.findings_of(0, ran.plans[0][0], frozenset({1}))[1] == {"d"}
    assert ran.findings_of(1, ran.plans[1][0], frozenset({1}))[1] == set()
    ran = round_of(guard, leaves)
    assert ran.findings_of(0, ran.plans[0][0], frozenset())[1] == {"d"}
    assert [(failure.detector, failure.error, failure.path) for failure in ran.failures()] == [
        ("d", "no", "")
    ]


@each_case("content", [Image(b"x"), Audio(b"x")])
def test_media_that_no_detector_reads_are_unchecked(two: Make, content: Content) -> None:
    """A picture without a detector is named; with one it is judged like a text."""
    guard, _ = two()
    [(entry, _)] = round_of(guard, [Leaf(content)]).find_unchecked()
    kind = "audio" if isinstance(content, Audio) else "part"
    assert (entry.kind, content.kind in entry.reason) == (kind, True)
    guard, detector = two(contents=frozenset({content.kind}))
    assert round_of(guard, [Leaf(content)]).find_unchecked() == []
    assert detector.seen == [content]


def test_what_a_detector_left_out_is_named_with_its_place(two: Make) -> None:
    """`Detection.unchecked` goes into the coverage."""
    guard, _ = two(lambda content: Detection(unchecked=(Unchecked("language", "zz"),)))
    [(entry, index)] = round_of(guard, [Leaf(Text("x", Place(path="/p")))]).find_unchecked()
    assert (entry, index) == (Unchecked("language", "zz", "/p"), 0)
