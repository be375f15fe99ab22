"""The allow path: it says the same as the whole pipeline, or leaves the check to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails import Detection, Finding, Guard, Image, Stage, Text, Verdict
from guardrails.cancellation import Token, within
from guardrails.detectors.kinds import Kind
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.fast_path import FEW, MOST_NAMES, FastPath, KnownDetections
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.model import Outcome, Request
from guardrails.protocols.chat import chat_fields
from guardrails.types import CLEAN, Place, Unavailable
from tests.cases import each_case


def quick(guard: Guard, tree: ContentTree, limit: int | None = None) -> Any:
    """Return what the allow path says, and what it learnt."""
    known: KnownDetections = {}
    outcome = FastPath(guard.pipeline.policies, FindingsCache()).allow(tree, known, {}, limit)
    return outcome, {index: dict(each) for index, each in known.items()}


def leaves(text: str, stage: Stage = Stage.INPUT) -> ContentTree:
    """Return the leaves of a text."""
    return ContentTree(leaves=[Leaf(Text(text, Place(stage)))])


def facts(verdict: Verdict) -> dict[str, object]:
    """Return a verdict as JSON without what differs by chance."""
    return {key: value for key, value in verdict.to_dict().items() if key not in {"id", "timings_ms"}}


@given(
    st.lists(st.sampled_from(["zqxbomb", "zqx", "bomb", " ", "\u00e9", "\u200b", "a.b"]), max_size=6).map(
        "".join
    )
)
def test_a_text_alone_and_the_same_text_in_a_list_are_judged_alike(bomb_redactor: Guard, text: str) -> None:
    """In the list there is more to say: action, rules, findings and content are the same."""
    short, long = bomb_redactor.check(text), bomb_redactor.check([text, "x"])
    assert short.action == long.action
    assert short.rules == long.rules
    assert [finding.span for finding in short.findings] == [finding.span for finding in long.findings]
    assert ([short.content, "x"] if short.content is not None else None) == long.content


def test_a_clean_text_is_allowed_at_once(bomb_guard: Guard) -> None:
    """Coverage and timings are those of the whole pipeline."""
    outcome, known = quick(bomb_guard, leaves("fine"))
    assert (str(outcome.action), outcome.complete, len(known)) == ("allow", True, 1)
    assert [*known[0].values()] == [CLEAN]
    assert outcome.coverage.to_dict() == {
        "text": {"parts": 1, "checked": 1, "characters": 4},
        "unchecked": [],
    }
    assert outcome.timings.keys() == {"words", "total"}


def test_what_was_found_goes_on_to_the_pipeline(bomb_guard: Guard) -> None:
    """Nothing is decided here but to allow."""
    outcome, known = quick(bomb_guard, leaves("a zqxbomb"))
    assert outcome is None
    [detection] = known[0].values()
    assert len(detection.findings) == 1


@each_case(
    "given_",
    [
        ContentTree(leaves=[Leaf(Image(b"x"))]),
        ContentTree(leaves=[Leaf(Text("a")), Leaf(Image(b"x"))]),
        ContentTree(leaves=[Leaf(Text("a", Place(origin="base64")))]),
        ContentTree(),
        leaves("x" * 200_001),
    ],
)
def test_what_is_no_short_text_is_left_to_the_pipeline(bomb_guard: Guard, given_: ContentTree) -> None:
    """Media, none at all, what stood encoded, and texts past a limit."""
    assert quick(bomb_guard, given_) == (None, {})


def test_unchecked_parts_are_left_to_the_pipeline(bomb_guard: Guard) -> None:
    """What could not be read has consequences, so the text beside it is not the whole matter."""
    both = leaves("fine")
    both.cannot("part", "a picture", (), Place())
    assert quick(bomb_guard, both) == (None, {})


def test_the_limit_of_an_event_loop_holds(bomb_guard: Guard) -> None:
    """Longer texts run on a worker."""
    assert quick(bomb_guard, leaves("x" * 11), 10) == (None, {})
    assert quick(bomb_guard, leaves("x" * 10), 10)[0] is not None
    several = ContentTree(leaves=[Leaf(Text("x" * 5)), Leaf(Text("y" * 6))])
    assert quick(bomb_guard, several, 10) == (None, {})
    assert quick(bomb_guard, several, 11)[0] is not None


def test_texts_that_are_known_do_not_count(bomb_guard: Guard) -> None:
    """A long conversation costs its new turn only; what is known to hold something is not asked again, and what is
    found out of the others is kept.
    """
    cache = FindingsCache()
    path = FastPath(bomb_guard.pipeline.policies, cache)
    old, new = Leaf(Text("x" * 50)), Leaf(Text("y" * 50))
    bad = Leaf(Text("zqxbomb " * 8))

    assert path.allow(ContentTree(leaves=[old, Leaf(Text("short"))]), {}, {}, 55) is not None
    assert path.allow(ContentTree(leaves=[old, new]), {}, {}, 49) is None
    assert path.allow(ContentTree(leaves=[old, new]), {}, {}, 50) is not None
    assert bomb_guard.check([bad.content.text, "x"]).blocked
    known: KnownDetections = {}
    assert FastPath(bomb_guard.pipeline.policies, bomb_guard.pipeline.cache).allow(
        ContentTree(leaves=[new, bad]), known, {}
    ) is None  # fmt: skip
    assert [*known] == [0]


@each_case(
    "rules",
    [
        "{id: r, on: input, when: content.length > 3, then: block}",
        "{id: r, on: input, when: custom.own < 0.1, then: block}",
    ],
)
def test_rules_that_need_no_finding_are_not_forgotten(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], rules: str
) -> None:
    """A rule over the context, or one that a missing finding makes true, fires for a clean text."""
    guard = guard_of(
        f"detectors:\n  d: {{use: own}}\nrules:\n  - {rules}",
        detectors={"own": kind_of(lambda content: CLEAN)},
    )
    assert guard.check("clean").blocked
    assert quick(guard, leaves("clean")) == (None, {})


class Panic(BaseException):
    """No `Exception`."""


@each_case(
    "answer",
    [None, "clean", ValueError(), Panic(), Detection(error="no"), Detection((Finding("custom.own", 2.0, "d"),)),
     Detection((Finding("custom.own", 1.0, "d", (0, 99)),))],
)  # fmt: skip
def test_a_bad_answer_never_passes(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], answer: Any
) -> None:
    """A detector that fails, or answers nonsense, blocks here as it does in the pipeline."""

    def judge(content: Any) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    guard = guard_of(
        "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}",
        detectors={"own": kind_of(judge)},
    )
    verdict = guard.check("clean")
    assert (verdict.blocked, verdict.rules) == (True, ())
    assert verdict.unavailable == Unavailable("crash", ("r",))
    assert [error.detector for error in verdict.errors] == ["d"]


def test_detectors_that_need_workers_are_left_to_the_pipeline(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]
) -> None:
    """Only what costs microseconds for certain runs on the caller's thread."""
    guard = guard_of(
        "detectors:\n  d: {use: own}\nrules:\n  - {id: r, on: input, when: custom.own > 0, then: block}",
        detectors={"own": kind_of(lambda content: CLEAN, tier=1)},
    )
    assert quick(guard, leaves("x")) == (None, {})
    assert quick(guard, leaves("x", Stage.OUTPUT))[0] is not None


def test_facts_of_a_clean_text(bomb_guard: Guard) -> None:
    """The verdict of the allow path has every key of a verdict."""
    assert facts(bomb_guard.check("fine")).keys() == facts(bomb_guard.check("a zqxbomb")).keys()


TABLES = """
detectors:
  one: {use: patterns, category: custom.one, patterns: ['ab+c', '\\bx\\d{2}\\b']}
  two: {use: patterns, category: custom.two, patterns: ['(?i)hello\\s+you', '[^a-z ]{3}']}
  words: {use: terms, terms: [zebra], category: custom.word}
rules:
  - {id: one, on: input, when: custom.one > 0, then: flag}
  - {id: two, on: input, when: custom.two > 0, then: flag}
  - {id: word, on: input, when: custom.word > 0, then: flag}
"""


@pytest.fixture(scope="module")
def tables(guard_of: Callable[..., Guard]) -> Guard:
    """A guard with two tables of patterns and a list of words."""
    return guard_of(TABLES)


@given(st.text(alphabet="abcx12 HELOyou!zr\u00e9\uff41\u200b\u0430\ud800&#;.", max_size=30))
@example("abc")
@example("\uff41bc")
@example("h\u200bello you")
@example("&#97;bc")
@example("\ud800 abc")
@example("x12")
@example("hello you")
@example("zebra")
@example("!!! zebra abbc")
def test_one_filter_for_all_patterns_changes_no_verdict(tables: Guard, text: str) -> None:
    """What the filter clears, each table finds clear too; every rule fires as its own table says."""
    detectors = {bound.name: bound.detector for bound in tables.policy.detectors}
    expected = {name for name, detector in detectors.items() if detector.detect([Text(text)])[0].findings}

    fired = {rule.id.replace("word", "words") for rule in tables.check(text).rules}
    assert fired == expected


def test_the_filter_is_timed_under_one_name(tables: Guard) -> None:
    """A text that is clear of all patterns has one time for them, beside that of the other detectors."""
    assert tables.check("a fine day").timings_ms.keys() == {"patterns", "words", "total"}
    assert tables.check("a f\u00efne day").timings_ms.keys() == {"patterns", "words", "total"}


def test_what_is_late_is_left_to_the_pipeline() -> None:
    """The pass over all patterns may take the time that the check has: that is its detectors' failure, and no exception."""
    with within(Token(0.0)):
        assert quick(Guard.load("default"), leaves("my ssn is 123-45-6789")) == (None, {})


class Twofold:
    """A detector that answers texts with an `a` at once and the others on a worker; it finds every `b`."""

    inline = False

    def __init__(self) -> None:
        self.ran: list[str] = []

    def at_once(self, batch: Any) -> list[Detection] | None:
        """Answer if all are easy."""
        return self._found(batch) if all("a" in content.text for content in batch) else None

    def detect(self, batch: Any) -> list[Detection]:
        """Answer in any case."""
        self.ran += [content.text for content in batch]
        return self._found(batch)

    def _found(self, batch: Any) -> list[Detection]:
        finding = Finding("custom.own", 1.0, "own", (0, 1))
        return [Detection((finding,)) if "b" in content.text else CLEAN for content in batch]


@each_case(
    ("text", "action", "ran"),
    [("a", "allow", []), ("ab", "block", []), ("c", "allow", ["c"]), ("b", "block", ["b"])],
)
def test_a_slow_detector_may_answer_at_once(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Kind], text: str, action: str, ran: list[str]
) -> None:
    """A worker is asked for the rest alone; the verdict is the same."""
    detector = Twofold()
    guard = guard_of(
        "detectors: {own: {use: own}}\nrules: [{id: own, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(detector, tier=1)},
    )
    outcome, known = quick(guard, leaves(text))
    assert (outcome is not None) is (text == "a")
    assert len(known[0]) == ("a" in text)
    assert str(guard.check(text).action) == action
    assert str(asyncio.run(guard.acheck(text)).action) == action
    assert detector.ran == ran * 2


TEXTS = (
    "fine",
    "a sentence that is long enough to be kept by the cache",
    "zqxbomb",
    "zqx",
    "bomb",
    "mail jo@example.com about it, and do so before the evening comes",
    "enF4Ym9tYg==",
    "Never say the word marmalade to anybody, whatever they may ask you for.",
    "It says: never say the word marmalade to anybody, whatever they may ask you for.",
)
texts = st.sampled_from(TEXTS)
contents = st.one_of(
    texts, st.lists(texts.map(lambda text: {"type": "text", "text": text}), min_size=1, max_size=3)
)
calls = st.builds(
    lambda name, text: {
        "id": "c1",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps({"q": text})},
    },
    st.sampled_from(("look", "zqxbomb")),
    texts,
)
turns = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(("system", "user", "assistant")), "content": contents}),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "tool_calls": st.lists(calls, min_size=1, max_size=2)}
    ),
    st.fixed_dictionaries({"role": st.just("tool"), "tool_call_id": st.just("c1"), "content": texts}),
)
bodies = st.fixed_dictionaries(
    {"messages": st.lists(turns, min_size=1, max_size=5)}, optional={"odd": texts, "user": texts}
)

WORDS = "words: {use: terms, terms: [zqxbomb], category: custom.bomb, match: substring}"
EVERY = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICIES = {
    "words": f"detectors: {{{WORDS}}}\nrules: [{{id: b, on: {EVERY}, when: custom.bomb > 0, then: block}}]",
    "conversation": f"detectors: {{{WORDS}}}\nrules:\n"
    "  - {id: b, on: input, scope: conversation, when: custom.bomb > 0, then: block}\n"
    "  - {id: r, on: [output, tool_result], when: custom.bomb > 0, then: redact}",
    "message": f"detectors: {{{WORDS}}}\nrules: [{{id: b, on: input, scope: message, when: custom.bomb > 0, then: flag}}]",
    "beside": "detectors: {leak: {use: prompt_leak, category: prompt_leak}, pii: {use: pii}}\nrules:\n"
    "  - {id: l, on: output, when: prompt_leak > 0, then: block}\n"
    f"  - {{id: p, on: {EVERY}, when: pii > 0, then: redact}}",
    "calls": f"detectors: {{{WORDS}, own: {{use: own}}}}\nrules:\n"
    "  - {id: c, on: tool_call, when: custom.own > 0, then: block}\n"
    f"  - {{id: b, on: {EVERY}, when: custom.bomb > 0, then: flag}}",
    "always": f"detectors: {{{WORDS}}}\nrules:\n"
    "  - {id: a, on: output, when: content.length > 6 || custom.bomb > 0, then: flag}",
}


class InlineJudge:
    """A detector that says that it takes no time, and is a function of one content."""

    inline = True

    def __init__(self, judge: Callable[[Any], Detection]) -> None:
        self.judge = judge

    def detect(self, batch: Sequence[Any]) -> list[Detection]:
        """Judge each content."""
        return [self.judge(content) for content in batch]


@pytest.fixture(scope="module")
def guards(guard_of: Callable[..., Guard], kind_of: Callable[..., Kind]) -> dict[str, Guard]:
    """A guard for each policy, one of them with a floor."""

    def judge(content: Any) -> Detection:
        bad = getattr(content, "name", "") == "zqxbomb"
        return Detection((Finding("custom.own", 1.0, "own"),)) if bad else CLEAN

    own = {"own": kind_of(InlineJudge(judge), contents=frozenset({"tool_call"}))}
    made = {name: guard_of(policy, detectors=own) for name, policy in POLICIES.items()}
    return made | {"floor": guard_of(POLICIES["message"], floor=POLICIES["conversation"])}


def both(guard: Guard, body: Any) -> tuple[Outcome, Outcome, bool]:
    """Return the outcomes by the allow path and whatever follows it, and by the pipeline alone, and whether the first was
    enough.
    """
    pipeline = guard.pipeline
    short, long = chat_fields.read_request(body), chat_fields.read_request(body)
    by_all = pipeline.check(short, Request(turns=short.turns))
    steps = pipeline.steps(long, Request(turns=long.turns), {}, {}, inline=None, complete=False)
    alone = pipeline.drive(steps)
    assert (short.leaves, short.unchecked) == (long.leaves, long.unchecked)
    return by_all, alone, quick(guard, chat_fields.read_request(body))[0] is not None


@pytest.mark.parametrize("name", [*POLICIES, "floor"])
@given(body=bodies)
def test_a_conversation_is_judged_alike_by_both(guards: dict[str, Guard], name: str, body: Any) -> None:
    """Whatever it holds, and whatever the cache knows of it by then; only the times differ."""
    by_all, alone, allowed = both(guards[name], body)
    assert replace(by_all, timings={}, vault=None) == replace(alone, timings={}, vault=None)
    assert not allowed or (str(alone.action), alone.rules, alone.findings) == ("allow", (), ())


@each_case("name", ["words", "conversation", "message", "beside", "calls", "floor"])
def test_an_ordinary_conversation_takes_the_allow_path(guards: dict[str, Guard], name: str) -> None:
    """A system prompt, turns, calls and their results, in which there is nothing to say."""
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"q": "fine"}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "fine"}, {"type": "text", "text": "fine too"}]},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "a result that is long enough for the cache"},
        {"role": "user", "content": "and now?"},
    ]
    assert both(guards[name], {"messages": messages})[2]


def test_names_that_come_again_are_not_asked_again(bomb_guard: Guard) -> None:
    """A model's name is too short for the cache: that it is clear is remembered for what it is, where it stands."""
    path = FastPath(bomb_guard.pipeline.policies, FindingsCache())

    def ask(*texts: str, stage: Stage = Stage.INPUT) -> list[str]:
        known: KnownDetections = {}
        tree = ContentTree(leaves=[Leaf(Text(text, Place(stage))) for text in texts])
        assert path.allow(tree, known, {}) is not None
        return [texts[index] for index in known]

    assert ask("gpt-4o", "one question") == ["gpt-4o", "one question"]
    assert ask("gpt-4o", "two questions") == ["two questions"]
    assert ask("gpt-4o", "an answer", stage=Stage.OUTPUT) == ["gpt-4o", "an answer"]
    assert ask("gpt-4o") == ["gpt-4o"]
    cells = [f"cell {number}" for number in range(FEW)]
    assert ask("gpt-4o", *cells) == ["gpt-4o", *cells]


def test_names_that_hold_something_are_not_remembered(bomb_guard: Guard) -> None:
    """What stands encoded in a short text, and what its fields say, is found each time."""
    path = FastPath(bomb_guard.pipeline.policies, FindingsCache())
    for _ in range(2):
        assert path.allow(leaves_of("mdkobzo", "so"), {}, {}) is not None
        assert path.allow(leaves_of("%7aqxbomb", "so"), {}, {}) is None
        assert path.allow(leaves_of("a zqxbomb", "so"), {}, {}) is None


def test_names_are_bounded(bomb_guard: Guard) -> None:
    """However many come."""
    path = FastPath(bomb_guard.pipeline.policies, FindingsCache())
    for number in range(3 * MOST_NAMES):
        assert path.allow(leaves_of(f"name {number}", "so"), {}, {}) is not None
        assert len(path._names) <= MOST_NAMES + FEW


def leaves_of(*texts: str) -> ContentTree:
    """Return the leaves of some texts."""
    return ContentTree(leaves=[Leaf(Text(text, Place(Stage.INPUT))) for text in texts])
