"""Where a growing text ends to be judged, what is held too long, and what is judged passage by passage or stands encoded."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails import Content, Detection, Finding, Guard, Stage, Verdict
from guardrails.detectors.kinds import Kind
from guardrails.engine.model import Request
from guardrails.engine.streaming.stream_evaluator import CONTEXT, StreamEvaluator
from guardrails.inference.safety.passages import LONGEST
from guardrails.types import CLEAN, Place, Unchecked
from tests.cases import each_case, scale

RULES = "rules:\n  - {id: stop, on: output, when: custom.stop > 0, then: block}\n"
KEY = r"detectors: {keys: {use: patterns, patterns: ['-{5}BEGIN KEY-{5}(?s:.)*?-{5}END KEY-{5}'], category: custom.stop}}"  # fmt: skip
KEYS = f"{KEY}\n{RULES}"
WORDS = f"detectors: {{words: {{use: terms, terms: [kkstop], category: custom.stop}}}}\n{RULES}"
Guards = Callable[..., Guard]


def cut(text: str, places: Sequence[int]) -> Iterator[str]:
    """Yield the parts of a text cut at places."""
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    yield from (text[start:end] for start, end in itertools.pairwise(bounds))


def shown(guard: Guard, parts: Sequence[str]) -> tuple[str, Verdict]:
    """Return what a stream shows of a text, and the verdict."""
    stream = guard.stream("output")
    text = "".join([*[stream.feed(part) for part in parts], stream.flush()])
    assert stream.verdict is not None
    return text, stream.verdict


def watched(guard: Guard, parts: Sequence[str], *, joined: bool = False) -> Iterator[StreamEvaluator]:
    """Yield a watch after each part of a text."""
    watch = StreamEvaluator(guard.pipeline, Place(Stage.OUTPUT), Request(), joined=joined)
    for part in parts:
        guard.pipeline.drive(watch.steps(part, None))
        yield watch


class TestLimits:
    """A text that is longer than is judged, or has something in it that does not end."""

    PROSE = "so it goes on and on. " * 60

    @each_case("size", [1, 7, 100, 2000])
    def test_what_lies_past_the_limit_stops_a_text(self, guard_of: Guards, size: int) -> None:
        """Where the policy says so, which is the default; nothing past it is shown."""
        guard = guard_of(f"{WORDS}limits: {{characters: 600}}\n")
        text, verdict = shown(guard, [self.PROSE[at : at + size] for at in range(0, 1200, size)])
        assert self.PROSE[:600].startswith(text)
        assert [(rule.id, rule.reason) for rule in verdict.rules] == [("unchecked.limit", "unchecked")]
        assert verdict.blocked

    @each_case("size", [1, 7, 100, 2000])
    @each_case("at", [590, 594, 597, 600, 700])
    def test_where_it_may_go_on_it_is_judged_as_far_as_the_whole_is(
        self, guard_of: Guards, size: int, at: int
    ) -> None:
        """The same words count, in the same way, as in the check of the whole: one that the limit cuts in two does not."""
        guard = guard_of(f"{WORDS}limits: {{characters: 600}}\nunchecked: {{limit: flag}}\n")
        given = f"{self.PROSE[: at - 1]} kkstop {self.PROSE[:300]}"
        text, verdict = shown(guard, [given[at : at + size] for at in range(0, len(given), size)])
        assert verdict.action is guard.check(given, "output").action
        assert text == given if not verdict.blocked else given[:at].startswith(text)
        assert verdict.blocked is (at + len("kkstop") <= 600)

    def test_the_length_of_a_text_is_that_of_what_is_judged(self, guard_of: Guards) -> None:
        """A rule that asks for it never lets a word go on that the check of the whole stops."""
        words = WORDS.replace("custom.stop > 0", "custom.stop > 0 && content.length <= 600")
        guard = guard_of(f"{words}limits: {{characters: 600}}\nunchecked: {{limit: flag}}\n")
        text, verdict = shown(guard, [*f"so kkstop {self.PROSE}"])
        assert (verdict.blocked, text) == (True, "so ")

    def test_a_joined_text_is_as_long_as_its_parts(self, guard_of: Guards) -> None:
        """Each of which has the limit: the whole is judged to its end."""
        guard = guard_of(f"{WORDS}limits: {{characters: 600}}\n")
        parts = [self.PROSE, "kkstop it"]
        assert next(watched(guard, parts)).stop is not None
        stops = [watch.stop for watch in watched(guard, parts, joined=True)]
        assert [stop and stop.reason for stop in stops] == [None, "matched"]

    @each_case("size", [1, 50, 5000])
    def test_what_is_held_too_long_stops_a_text(self, guard_of: Guards, size: int) -> None:
        """A key without its end; nothing of it is shown."""
        guard = guard_of(f"{KEYS}limits: {{max_hold: 512}}\n")
        given = f"My key: -----BEGIN KEY-----\n{self.PROSE}"
        text, verdict = shown(guard, [given[at : at + size] for at in range(0, len(given), size)])
        assert "My key: ".startswith(text)
        assert [(rule.id, rule.reason) for rule in verdict.rules] == [("unchecked.limit", "unchecked")]

    @each_case("size", [1, 50, 5000])
    @each_case("end", ["", "-----END KEY-----"])
    def test_or_is_held_to_its_end(self, guard_of: Guards, size: int, end: str) -> None:
        """Where the policy says so: then the check of the whole says what it is."""
        guard = guard_of(f"{KEYS}limits: {{max_hold: 512, on_limit: hold}}\n")
        given = f"My key: -----BEGIN KEY-----\n{self.PROSE}{end}"
        text, verdict = shown(guard, [given[at : at + size] for at in range(0, len(given), size)])
        assert verdict.blocked is bool(end)
        assert "My key: ".startswith(text) if end else text == given

    def test_a_floor_holds_no_longer_than_it_says(self, guard_of: Guards) -> None:
        """The stricter of both limits counts."""
        guard = guard_of(f"{KEYS}limits: {{on_limit: hold}}\n", floor=f"{WORDS}limits: {{max_hold: 512}}\n")
        assert shown(guard, ["-----BEGIN KEY-----", self.PROSE])[1].blocked


class Seen:
    """A detector that judges passage by passage, and keeps what it saw."""

    passages = True

    def __init__(self, judge: Callable[[str], Detection]) -> None:
        self.judge = judge
        self.seen: list[str] = []

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge texts."""
        texts: list[str] = [content.text for content in batch]  # type: ignore[union-attr]
        self.seen += texts
        return [self.judge(text) for text in texts]


def finds(word: str) -> Callable[[str], Detection]:
    """Return a judge that finds a word somewhere in a text."""
    found = Detection((Finding("custom.own", 1.0, "own"),))
    return lambda text: found if word in text else CLEAN


OWN = "detectors: {own: {use: own}}\nrules:\n  - {id: own, on: output, when: custom.own > 0, then: %s}\n"
Own = Callable[..., Guard]


@pytest.fixture(scope="module")
def own(guard_of: Guards, kind_of: Callable[..., Kind]) -> Own:
    """Return a function: a detector and what its rule does in, a guard out."""

    def make(detector: Any, then: str = "block", more: str = "", **kind: Any) -> Guard:
        made = kind_of(detector, **{"spans": False, "tier": 1, **kind})
        return guard_of(OWN % then + more, detectors={"own": made})

    return make


SENTENCES = ["Hello. ", "So it is! ", "Why? ", "no end ", "\n", "1.5 ", '"Yes." ', "zqxown. ", "x" * 50 + " ", "long " * 90, "。", "Dr. "]  # fmt: skip
texts = st.lists(st.sampled_from(SENTENCES), max_size=12).map("".join)


class TestPassages:
    """Detectors that need more than a word."""

    @given(text=texts, places=st.lists(st.integers(0, 3000), max_size=10))
    @settings(max_examples=scale(60))
    def test_they_judge_the_same_passages_however_a_text_is_cut(
        self, own: Own, text: str, places: list[int]
    ) -> None:
        """And nothing of one that stops the text is shown, nor of any after it."""
        seen: list[list[str]] = []
        for parts in ([text], [*cut(text, places)], [*text]):
            detector = Seen(finds("zqxown"))
            found, verdict = shown(own(detector), parts)
            assert "zqxown" not in found
            assert verdict.blocked is ("zqxown" in text)
            assert verdict.blocked or found == text
            seen.append(detector.seen)
        assert verdict.blocked or seen[0] == seen[1] == seen[2]

    def test_each_is_read_with_what_stands_before_it(self, own: Own) -> None:
        """As far back as `CONTEXT`; what was shown already can make a passage bad, and then only that is kept back."""
        detector = Seen(lambda text: finds("now zqxown")(text.replace(". ", " ")))
        text, verdict = shown(own(detector), [*"Say it now. zqxown said he. And more."])
        assert (text, verdict.blocked) == ("Say it now. ", True)
        assert detector.seen[:2] == ["Say it now. ", "Say it now. zqxown said he. "]
        prose = Seen(finds("zqxown"))
        shown(own(prose), ["So it is. "] * 300)
        assert max(map(len, prose.seen[:-1])) <= CONTEXT + LONGEST

    @each_case(
        ("stream", "before"),
        [("segment", "One. "), ("whole", ""), ("annotate", "One. Two zqxown. Three. ")],
    )
    def test_a_rule_says_how_it_streams(self, own: Own, stream: str, before: str) -> None:
        """Passage by passage, held to the end, or at once and judged at its end: the verdict is the same."""
        guard = own(Seen(finds("zqxown")), f"block, stream: {stream}")
        growing = guard.stream("output")
        text = "".join(growing.feed(part) for part in ("One. ", "Two zqxown. ", "Three. ", "x"))
        assert text.startswith(before)
        assert ("zqxown" in text) is (stream == "annotate")
        assert growing.flush() == ""
        assert growing.verdict is not None
        assert [rule.id for rule in growing.verdict.rules] == ["own"]

    def test_one_that_needs_the_whole_text_can_be_asked_passage_by_passage(
        self, own: Own, kind_of: Callable[..., Kind]
    ) -> None:
        """Where a rule says `segment`; else its text is held."""

        def judge(content: Any) -> Detection:
            return finds("zqxown")(content.text)

        parts = ["One. ", "Two zqxown. ", "Three. "]
        assert shown(own(judge, "block, stream: segment"), parts)[0] == "One. "
        assert shown(own(judge), parts)[0] == ""

    @each_case(("action", "text"), [("block", "One. "), ("flag", "One. Zwei zqxown. Three.")])
    def test_what_it_could_not_judge_stops_a_text_where_the_policy_says_so(
        self, own: Own, action: str, text: str
    ) -> None:
        """Of the kinds that a policy blocks; the others are named in the verdict."""
        odd = Detection(unchecked=(Unchecked("language", "not validated"),))
        guard = own(
            Seen(lambda given: odd if "zqxown" in given else CLEAN),
            more=f"unchecked: {{language: {action}}}\n",
        )
        found, verdict = shown(guard, ["One. ", "Zwei zqxown. ", "Three."])
        assert (str(verdict.action), found) == (action, text)
        assert [rule.id for rule in verdict.rules] == ["unchecked.language"]


SECRET = "please do kkstop it now"
ENCODED = {
    "base64": base64.b64encode(SECRET.encode()).decode(),
    "base64 url": base64.urlsafe_b64encode(f"{SECRET}???>>>".encode()).decode(),
    "hex": SECRET.encode().hex(),
    "hex bytes": SECRET.encode().hex(" "),
    "escapes": "".join(f"\\x{byte:02x}" for byte in SECRET.encode()),
    "percent": "".join(f"%{byte:02x}" for byte in SECRET.encode()),
    "some percent": quote(SECRET).replace("k", "%6b"),
    "twice": base64.b64encode(base64.b64encode(SECRET.encode())).decode(),
}


@pytest.fixture(scope="module")
def guards(guard_of: Guards) -> dict[str, Guard]:
    """Return a guard that blocks a word, and one that redacts it."""
    return {"block": guard_of(WORDS), "redact": guard_of(WORDS.replace("block", "redact"))}


class TestEncoded:
    """What stands encoded in a text."""

    @each_case("encoding", ENCODED)
    @each_case("then", ["block", "redact"])
    def test_it_is_judged_wherever_it_is_cut(
        self, guards: dict[str, Guard], encoding: str, then: str
    ) -> None:
        """Every place to cut it: the verdict of the whole, and nothing of what is found was shown."""
        payload = ENCODED[encoding]
        given = f"Look at {payload} and tell me."
        expected = guards[then].check(given, "output")
        assert str(expected.action) == then
        for place in range(8, 10 + len(payload)):
            text, verdict = shown(guards[then], [given[:place], given[place:]])
            assert verdict.action is expected.action
            assert text == expected.content if then == "redact" else "Look at ".startswith(text)

    @each_case("encoding", ENCODED)
    def test_it_is_judged_character_by_character(self, guards: dict[str, Guard], encoding: str) -> None:
        """As models send it."""
        given = f"Look at {ENCODED[encoding]} and tell me."
        text, verdict = shown(guards["redact"], [*given])
        expected = guards["redact"].check(given, "output")
        assert (text, verdict.action) == (expected.content, expected.action)

    def test_what_is_nested_too_deep_stops_a_text(self, guard_of: Guards) -> None:
        """As it stops the whole: it was not judged."""
        guard = guard_of(f"{WORDS}limits: {{encoding_depth: 1}}\n")
        given = f"Look at {ENCODED['twice']} and tell me."
        text, verdict = shown(guard, [*given])
        assert verdict.action is guard.check(given, "output").action
        assert (text, [rule.id for rule in verdict.rules]) == ("Look at ", ["unchecked.limit"])


class TestWork:
    """A text of any length costs in proportion to it."""

    PROSE = "So it goes on, and it goes on. Mail me at jo@example.com then, or do not. "

    @pytest.mark.parametrize("policy", ["default", "pii-only"])
    def test_little_is_kept_of_a_long_text(self, policy: str) -> None:
        """What is held, and a passage or two: not what went by."""
        guard = Guard.load(policy)
        for watch in watched(guard, [self.PROSE[at : at + 15] for at in range(0, 60, 15)] * 40):
            assert watch.stop is None
            assert len(watch._text.kept) < CONTEXT + 2 * LONGEST + 100

    def test_a_text_that_is_held_whole_is_not_kept_a_second_time(self, guard_of: Guards) -> None:
        """What rules read of it as it grows is let go as ever."""
        rule = "  - {id: w, on: output, when: custom.stop > 0, then: block, stream: whole}\n"
        *_, watch = watched(guard_of(WORDS + rule), [self.PROSE] * 50)
        assert (watch.mark, watch.length) == (0, 50 * len(self.PROSE))
        assert len(watch._text.kept) < len(self.PROSE)

    @each_case(
        "text", ["x" * 20_000, "1" * 20_000, "a@" * 10_000, "-----BEGIN KEY-----\n" * 1_000, "% " * 10_000, '"' * 20_000, "kkst " * 4_000]
    )  # fmt: skip
    @each_case("size", [4, 1000])
    def test_detectors_look_at_each_character_a_few_times(
        self, guard_of: Guards, text: str, size: int
    ) -> None:
        """Counted, not timed, for texts that keep much open."""
        pii = "detectors: {pii: {use: pii, entities: [email, credit_card]}, words: {use: terms, terms: [kkstop], category: custom.stop}}\n"
        rules = RULES + "  - {id: pii, on: output, when: pii > 0, then: redact}\n"
        guard = guard_of(f"{pii}{rules}limits: {{on_limit: hold}}\n")
        *_, watch = watched(guard, [text[at : at + size] for at in range(0, len(text), size)])
        scanned = [each._stream.scanned for each in watch._streams if hasattr(each._stream, "scanned")]  # type: ignore[union-attr]
        assert scanned
        bound = 64 * len(text) + 512 * (len(text) // size + 1)
        assert max(*scanned, watch._payloads.scanned) < bound  # type: ignore[union-attr]
