"""One streamed answer on its way, in a protocol of a test's own: order, pieces, copies, ends, and what waits to be judged."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import Action, BackendError, Guard, Stage
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome, Request
from guardrails.engine.streaming.stream import CHANGED
from guardrails.protocols.streaming.codec import Event, EventReading, Patch, ReceivedEvent, malformed_event
from guardrails.protocols.streaming.relay import REMEMBERED, Relay
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place
from tests.cases import each_case, scale

POLICY = """
detectors:
  bomb: {use: terms, terms: [zqxbomb], category: custom.bomb}
  mask: {use: terms, terms: [zqxmask], category: custom.mask, match: substring}
rules:
  - {id: bomb, on: output, when: custom.bomb > 0, then: block}
  - {id: mask, on: output, when: custom.mask > 0, then: redact%s}
"""
TOGETHER = ("a", "b")
"""Texts that are read as one."""


def answer_leaves(answer: Mapping[str, Any]) -> ContentTree:
    """Read an answer: texts by name, those of `TOGETHER` joined."""
    tree = ContentTree()
    for name, value in answer.items():
        tree.anything(value, (name,), Place(Stage.OUTPUT))
    joined = [at for at, leaf in enumerate(tree.leaves) if leaf.path[0] in TOGETHER]
    tree.join(joined, (), Place(Stage.OUTPUT))
    return tree


class Tiny:
    """A protocol whose events hold pieces of texts by name (`grow`), one text once more (`copy`), the names of those that
    end (`close`), what spells a piece (`spell`), and anything else (`note`); with `wait` they are told at the end. `bad` is
    malformed, and `end` the last.
    """

    def __init__(self) -> None:
        self.texts: dict[str, StreamedText] = {}
        self.is_finished = False

    def read(self, data: dict[str, Any], kind: str, begin: Callable[..., StreamedText]) -> EventReading:
        """Read an event."""
        if "bad" in data:
            raise malformed_event("event")
        self.is_finished = "end" in data
        grow = data.get("grow", {})
        for name in grow:
            if name not in self.texts:
                joined = ("m",) * (name in TOGETHER)
                self.texts[name] = begin((name,), Place(Stage.OUTPUT), *joined, shown=True)
        copies = ((self.texts[data["copy"]["of"]], ("copy", "text")),) if "copy" in data else ()
        return EventReading(
            data,
            [Patch("set", ("note",), data["note"])] if "note" in data else [],
            grows=tuple((self.texts[name], ("grow", name)) for name in grow),
            bare=len(grow) == 1 and data.keys() == {"grow"},
            copies=copies,
            closes=tuple(self.texts[name] for name in data.get("close", ())),
            spelled=((("spell",), "gone"),) if "spell" in data else (),
            rest={"note": data["note"]} if "note" in data else None,
            waits="wait" in data,
            is_last="end" in data,
        )

    def finish(self) -> list[Patch]:
        """Say that it has ended."""
        return [Patch("set", ("ended",), True)]

    def record_sent(self, event: Event) -> Event | None:
        """Leave out what says so."""
        return None if "mute" in event.data else event

    def write_rest(self, answer: Mapping[str, Any]) -> list[Event] | None:
        """Tell what is left of each text, and the answer's note."""
        rests = {name: grown.rest() for name, grown in self.texts.items()}
        if None in rests.values():
            return None
        more = [{"note": answer["note"]}] if "note" in answer else []
        return [Event("rest", {"grow": rests}), *[Event("rest", each) for each in more]]

    def write_refusal(self, answer: Mapping[str, Any] | None, words: str) -> list[Event]:
        """Tell that there is no more."""
        return [Event("refused", {"words": words, "whole": answer is not None})]


class One:
    """An answer in this protocol, driven to its end."""

    def __init__(self, guard: Guard, who: Request | None = None) -> None:
        self.guard, self.who = guard, who or Request()
        self.relay = Relay(guard.pipeline, self.who, Tiny(), answer_leaves)
        self.sent: list[dict[str, Any]] = []
        self.told: list[Event] = []

    def takes(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Take events; return what goes on by then."""
        before = len(self.told)
        for event in events:
            self.sent.append(event)
            self.guard.pipeline.drive(self.relay.take([(event, "k", b"as it came")], None))
            self.told += self.relay.ready()
        return [event.data for event in self.told[before:]]

    @property
    def answer(self) -> dict[str, Any]:
        """All that came."""
        texts: dict[str, Any] = {}
        for event in self.sent:
            for name, piece in event.get("grow", {}).items():
                texts[name] = texts.get(name, "") + piece
            texts |= {"note": event["note"]} if "note" in event else {}
        return texts

    def ends(self, outcome: Outcome | None = None) -> list[dict[str, Any]] | None:
        """Take the end; return what goes on then."""
        pipeline, relay, before = self.guard.pipeline, self.relay, len(self.told)
        pipeline.drive(relay.finish(None))
        if relay.stop is not None:
            self.outcome = relay.stopped(pipeline.check(relay.so_far(), self.who))
            self.told += relay.refused(None, "no")
        else:
            tree = answer_leaves(self.answer)
            self.outcome = relay.settled(tree, outcome or pipeline.check(tree, relay.request))
            if self.outcome.action is Action.BLOCK:
                self.told += relay.refused(self.answer, "no")
            else:
                edits = {str(tree.leaves[at].path[0]): text for at, text in self.outcome.edits.items()}
                rest = relay.end(tree, self.outcome, {**self.answer, **edits})
                if rest is None:
                    return None
                self.told += rest
        return [event.data for event in self.told[before:]]

    def read(self) -> dict[str, str]:
        """Return the texts that a client puts together."""
        texts: dict[str, str] = {}
        for event in self.told:
            for name, piece in event.data.get("grow", {}).items():
                texts[name] = texts.get(name, "") + piece
        return texts


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks one word and redacts another."""
    return guard_of(POLICY % "")


@pytest.fixture(scope="module")
def whole_guard(guard_of: Callable[..., Guard]) -> Guard:
    """The same, whose redaction waits for the whole."""
    return guard_of(POLICY % ", stream: whole")


def grow(**pieces: str) -> dict[str, Any]:
    """Write an event with pieces of texts."""
    return {"grow": pieces}


PIECES = ["zqxmask", "zqx", "mask", "zqxbomb ", "bomb ", " so it is. ", " ", "\n", "é"]
pieces = st.lists(st.tuples(st.sampled_from(["a", "a", "b", "c"]), st.sampled_from(PIECES)), max_size=8)


@pytest.mark.parametrize("name", ["guard", "whole_guard"])
@given(given=pieces, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=5), notes=st.integers(0, 9))
@example(given=[("a", "see zqx"), ("b", "mask and so on")], sizes=[3], notes=1)
@example(given=[("a", "see zqx"), ("c", "zqxbomb ")], sizes=[2], notes=9)
@settings(max_examples=scale(150))
def test_a_client_reads_what_is_left_of_the_whole(
    request: pytest.FixtureRequest,
    name: str,
    given: list[tuple[str, str]],
    sizes: list[int],
    notes: int,
) -> None:
    """However its texts are cut and mixed with other events; those stay in their order."""
    guard = request.getfixturevalue(name)
    one = One(guard)
    # Texts that are read as one come one behind the other.
    ordered = sorted(given, key=lambda each: each[0])
    cuts = [
        (text, piece[at : at + sizes[n % len(sizes)]])
        for n, (text, piece) in enumerate(ordered)
        for at in range(0, len(piece), sizes[n % len(sizes)])
    ]
    sent: list[dict[str, Any]] = []
    for at, (text, piece) in enumerate(cuts):
        sent += [{"grow": {text: piece}}, *([{"note": f"n{at}"}] if at % 10 == notes else [])]
    for event in sent:
        if one.relay.stop is None:
            one.takes(event)
    assert one.ends() is not None
    whole: dict[str, str] = {}
    for text, piece in cuts:
        whole[text] = whole.get(text, "") + piece
    if one.relay.stop is None:
        left_out = {"note", "ended"}
        assert {key: text for key, text in one.relay.answer().items() if key not in left_out} == whole
    tree = answer_leaves(whole)
    expected = guard.pipeline.check(tree, Request())
    assert one.outcome.action is expected.action
    if expected.action is not Action.BLOCK:
        left = whole | {tree.leaves[at].path[0]: text for at, text in expected.edits.items()}
        assert {key: text for key, text in one.read().items() if text} == {key: text for key, text in left.items() if text}  # fmt: skip
        told = [event.data["note"] for event in one.told if "note" in event.data and event.kind == "k"]
        assert told == [event["note"] for event in sent if "note" in event][: len(told)]
    else:
        assert not any("zqxmask" in text for text in one.read().values())
        assert one.told[-1].kind == "refused"


class TestOrder:
    """Events keep theirs."""

    def test_nothing_overtakes_what_is_held(self, guard: Guard) -> None:
        """An event behind a piece that is not settled waits for it."""
        one = One(guard)
        assert one.takes(grow(c="so it zqx"), {"note": "fine"}) == [grow(c="so it ")]
        one.takes(grow(c="mask and so on. "))
        one.ends()
        assert [[*event.data] for event in one.told[:3]] == [["grow"], ["grow"], ["note"]]
        assert "".join(event.data["grow"]["c"] for event in one.told[:2]) == "so it [MASK]"
        assert one.read() == {"c": "so it [MASK] and so on. "}

    def test_an_event_that_stays_goes_on_as_its_bytes(self, guard: Guard) -> None:
        """One that is changed, or told in pieces, does not."""
        one = One(guard)
        assert one.takes({"note": "fine"}, {"note": "zqxmas"}) == [{"note": "fine"}, {"note": "zqxmas"}]
        one.takes({"grow": {"a": "so it is", "c": "and so on"}})
        one.ends()
        assert [event.raw for event in one.told] == [b"as it came"] * 3
        one = One(guard)
        one.takes(grow(c="so zqxmask is, and "))
        one.ends()
        assert {event.raw for event in one.told} == {b""}

    def test_what_may_not_be_cut_goes_on_in_one(self, guard: Guard) -> None:
        """An event with two texts, or with more than its text."""
        one = One(guard)
        assert one.takes({"grow": {"a": "so zqx", "c": "fine "}}) == []
        one.takes({"grow": {"a": "mask it ", "c": "too "}})
        one.ends()
        assert [event.data["grow"]["a"] for event in one.told] == ["so [MASK]", " it "]

    def test_a_teller_may_leave_events_out(self, guard: Guard) -> None:
        """As it tells them."""
        one = One(guard)
        assert one.takes({"mute": 1}, {"note": "x"}) == [{"note": "x"}]


class TestOthers:
    """What stands in an event besides growing texts."""

    def test_a_text_told_once_more_is_as_it_was_told(self, guard: Guard) -> None:
        """Not as it came."""
        one = One(guard)
        one.takes(grow(c="so zqxmask it"), {"copy": {"of": "c", "text": "so zqxmask it"}, "close": ["c"]})
        one.ends()
        assert one.told[-1].data["copy"]["text"] == "so [MASK] it"
        assert "zqx" not in str(one.told)

    def test_it_ends_with_all_of_it_told(self, guard: Guard) -> None:
        """The end of a text settles what was open in it, and comes behind that."""
        one = One(guard)
        assert one.takes(grow(c="so zqx")) == [grow(c="so ")]
        assert one.takes({"close": ["c"]}) == [grow(c="zqx"), {"close": ["c"]}]

    def test_what_is_read_as_one_waits_for_its_next_part(self, guard: Guard) -> None:
        """Though the first has ended."""
        one = One(guard)
        assert one.takes(grow(a="so zqx"), {"close": ["a"]}, grow(b="ma")) == [grow(a="so ")]
        one.takes(grow(b="sk it"))
        one.ends()
        assert one.read() == {"a": "so [MASK]", "b": " it"}
        assert [*one.told[0].data] == ["grow"]

    @each_case(("text", "spelled"), [("so it is. ", "s-o"), ("so zqxmask it ", "gone")])
    def test_what_spells_a_text_goes_where_that_is_changed(
        self, guard: Guard, text: str, spelled: str
    ) -> None:
        """Else it stays."""
        one = One(guard)
        one.takes({"grow": {"c": text}, "spell": "s-o"})
        one.ends()
        assert [event.data["spell"] for event in one.told] == [spelled]

    @each_case("note", ["zqxbomb it", {"deep": ["zqxbomb"]}, {"zqxbomb": 1}])
    def test_what_is_blocked_is_not_told(self, guard: Guard, note: Any) -> None:
        """Nor anything behind it."""
        one = One(guard)
        assert one.takes({"note": note}, {"note": "fine"}, grow(c="so it is. ")) == []
        one.sent[1:2] = []
        one.ends()
        assert one.outcome.action is Action.BLOCK
        assert [event.kind for event in one.told] == ["refused"]

    def test_what_is_redacted_is_told_as_the_whole_answer_has_it(self, guard: Guard) -> None:
        """At the end, by the codec."""
        one = One(guard)
        one.takes(grow(c="so it is, "), {"note": "a zqxmask"}, grow(c="and more"))
        assert "zqx" not in str(one.told)
        assert "more" not in str(one.told)
        told = one.ends()
        assert told is not None
        assert told[-1] == {"note": "a [MASK]"}
        assert one.read() == {"c": "so it is, and more"}

    def test_what_was_harmless_is_remembered_and_nothing_else(self, guard: Guard) -> None:
        """However much comes: each other value is judged by itself."""
        one = One(guard)
        one.takes(*[{"note": f"n{at}"} for at in range(REMEMBERED + 10)], {"note": "n1"})
        assert one.takes({"note": "zqxbomb"}) == []

    def test_what_waits_is_told_at_the_end(self, guard: Guard) -> None:
        """With all that came behind it."""
        one = One(guard)
        assert one.takes({"wait": 1}, grow(c="so it is. ")) == []
        assert one.ends() == [{"wait": 1}, grow(c="so it is. ")]


class TestTogether:
    """Events that come together are taken up to what ends them."""

    @staticmethod
    def taken(guard: Guard, *events: dict[str, Any], kind: str = "") -> Relay:
        """Return what took events."""
        came: list[ReceivedEvent] = [({"type": "k", **event}, kind, b"raw") for event in events]
        relay = Relay(guard.pipeline, Request(), Tiny(), answer_leaves)
        guard.pipeline.drive(relay.take(iter(came), None))
        return relay

    def test_what_follows_the_last_is_not_looked_at(self, guard: Guard) -> None:
        """Neither told nor in the answer."""
        for events, count, ended in (
            ([{"note": 1}, {"note": 2}], 2, False),
            ([{"note": 1}, {"note": 2, "end": 1}, {"bad": 1}], 2, True),
            ([], 0, False),
        ):
            relay = self.taken(guard, *events)
            assert (relay.is_last, relay.is_finished, relay.error) == (ended, ended, None)
            assert relay.answer() == ({"note": 2} if count else {}) | {"ended": True}
            assert len(relay.ready()) == count

    def test_what_came_before_a_fault_counts(self, guard: Guard) -> None:
        """It may be told before the fault is; what follows that is not looked at."""
        relay = self.taken(
            guard, {**grow(c="so it"), "close": ["c"]}, {"note": 1}, {"bad": 1}, {"note": 2, "end": 1}
        )
        assert isinstance(relay.error, BackendError)
        assert (relay.is_last, relay.answer()) == (False, {"c": "so it", "note": 1, "ended": True})
        assert [event.data.get("grow") for event in relay.ready()] == [{"c": "so it"}, None]

    def test_a_fault_of_whoever_reads_the_bytes_is_one_as_well(self, guard: Guard) -> None:
        """Events are read one by one, as they are asked for."""

        def came() -> Iterator[ReceivedEvent]:
            yield {"note": 1}, "", b"raw"
            raise BackendError("no JSON", 502, "upstream_invalid")

        relay = Relay(guard.pipeline, Request(), Tiny(), answer_leaves)
        guard.pipeline.drive(relay.take(came(), None))
        assert (str(relay.error), len(relay.ready())) == ("no JSON", 1)

    def test_a_type_that_is_told_twice_is_told_alike(self, guard: Guard) -> None:
        """Once beside the event, and once in it."""
        assert self.taken(guard, {"note": 1}, kind="k").error is None
        relay = self.taken(guard, {"note": 1}, kind="other")
        assert "two types" in str(relay.error)
        assert (relay.ready(), relay.answer()) == ([], {"ended": True})


class TestEnds:
    """How an answer ends."""

    def test_a_stop_tells_nothing_more(self, guard: Guard) -> None:
        """But the refusal."""
        one = One(guard)
        one.takes(grow(c="so it "), grow(c="zqx"), grow(c="bomb is "), grow(c="more "))
        assert one.relay.stop is not None
        assert one.ends() == [{"words": "no", "whole": False}]
        assert one.read() == {"c": "so it "}
        assert [rule.id for rule in one.outcome.rules] == ["bomb"]

    def test_a_whole_that_is_judged_otherwise_is_stopped(self, guard: Guard) -> None:
        """What was told cannot be taken back, and no more of it is told."""
        one = One(guard)
        one.takes(grow(c="so it is, and more"))
        tree = answer_leaves(one.answer)
        other = guard.pipeline.check(tree, Request())
        other.edits = {0: "[X] it is, and more"}
        assert one.ends(other) == [{"words": "no", "whole": True}]
        assert [rule.id for rule in one.outcome.rules] == [CHANGED]

    def test_half_of_a_character_at_the_end_is_not_told(self, guard: Guard) -> None:
        """Halves that come one behind the other are one."""
        one = One(guard)
        one.takes(grow(c="so \ud83d"), grow(c="\ude42 it \ud83d"))
        one.sent[:] = [grow(c="so 🙂 it ")]
        one.ends()
        assert one.read() == {"c": "so 🙂 it "}

    def test_what_there_was_is_judged_where_it_is_stopped(self, guard: Guard) -> None:
        """Texts in their places, without those that are empty."""
        one = One(guard)
        one.takes(grow(a=""), grow(c="zqxbomb is "))
        assert [leaf.content.place.stage for leaf in one.relay.so_far().leaves] == [Stage.OUTPUT]
        assert one.relay.is_begun is False

    @each_case("value", ["jo@example.com", "[EMAIL_1]"])
    @each_case("closes", [True, False])
    def test_values_are_put_back(self, guard_of: Callable[..., Guard], value: str, closes: bool) -> None:
        """In copies too, and up to the end of a text where nothing goes on behind it."""
        vault_guard = guard_of("detectors: {w: {use: patterns, patterns: ['\\S+'], category: custom.w}}\nrules: [{id: v, on: input, when: custom.w > 0, then: redact, with: vault}]")  # fmt: skip
        verdict = vault_guard.check(value)
        one = One(vault_guard, Request(vault=verdict.restorer))  # type: ignore[arg-type]
        one.takes(*[grow(c=piece) for piece in ("Dear [", "W_", "1]", " and ", "[W_1]")])
        if closes:
            one.takes({"copy": {"of": "c", "text": "-"}, "close": ["c"]})
        one.ends()
        assert one.read() == {"c": f"Dear {value} and {value}"}
        if closes:
            assert one.told[-1].data["copy"]["text"] == f"Dear {value} and {value}"


def test_texts_of_many_events_cost_no_more_than_their_length(guard: Guard) -> None:
    """What is queued is what is held: events that went on are forgotten."""
    one = One(guard)
    for piece in itertools.islice(itertools.cycle(["so ", "it ", "is. "]), 600):
        one.takes(grow(c=piece))
        assert len(one.relay._held._queue) < 10
    assert len(one.told) > 500


def test_pieces_are_as_long_as_they_can_be(guard: Guard) -> None:
    """All that is settled of an event goes on at once."""

    def told(parts: Sequence[str]) -> list[str]:
        one = One(guard)
        return ["".join(data["grow"]["c"] for data in one.takes(grow(c=part))) for part in parts]

    assert told(["so it is, z", "q", "r it", " is."]) == ["so it is, ", "", "zqr ", "it "]
