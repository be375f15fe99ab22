"""The texts of one answer as they grow, alone and read together: what of each is shown is what the check of all of it leaves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import Action, Guard, Stage
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Outcome, Request
from guardrails.engine.streaming.text_channels import StreamedPart, TextChannels
from guardrails.types import Place
from tests.cases import scale

DETECTORS = """
detectors:
  words: {use: terms, terms: [zqxbomb, qq], category: custom.bad, match: substring}
  stops: {use: terms, terms: [kkstop], category: custom.stop}
  pii: {use: pii, entities: [email]}
  orders: {use: patterns, patterns: ['ORD-\\d{4,6}', '<<[^>]*>>'], category: custom.order}
"""
ANY = "custom.bad > 0 || pii > 0 || custom.order > 0"
RULES = {
    "placeholder": f"  - {{id: r, on: output, when: {ANY}, then: redact}}\n",
    "mask": f"  - {{id: r, on: output, when: {ANY}, then: redact, with: mask}}\n",
    "hash": f"  - {{id: r, on: output, when: {ANY}, then: redact, with: hash}}\n",
    "vault": f"  - {{id: r, on: output, when: {ANY}, then: redact, with: vault}}\n",
    "two": "  - {id: a, on: output, when: custom.bad > 0, then: redact, severity: high}\n"
    "  - {id: b, on: output, when: custom.order > 0 || pii > 0, then: redact, with: mask}\n",
    "block": "  - {id: s, on: output, when: custom.stop > 0, then: block}\n"
    f"  - {{id: r, on: output, when: {ANY}, then: redact}}\n",
    "whole": "  - {id: w, on: output, when: custom.bad > 0 && pii > 0, then: block}\n",
}


@pytest.fixture(scope="module")
def guards(guard_of: Callable[..., Guard]) -> dict[str, Guard]:
    """Return a guard for each set of rules."""
    return {name: guard_of(f"{DETECTORS}rules:\n{rules}") for name, rules in RULES.items()}


def cut(text: str, places: Sequence[int]) -> Iterator[str]:
    """Yield the parts of a text cut at places."""
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    yield from (text[start:end] for start, end in itertools.pairwise(bounds))


def place(index: int, choice: int | None = None) -> Place:
    """Return where a text of an answer stands."""
    return Place(Stage.OUTPUT, role="assistant", path=f"/{index}", message=None, choice_index=choice)


def checked(guard: Guard, texts: Sequence[str], *, joined: bool = True) -> Outcome:
    """Check the texts of one answer as a whole."""
    tree = ContentTree()
    for index, text in enumerate(texts):
        tree.text(text, (index,), place(index))
    if joined:
        tree.join([*range(len(tree.leaves))], (), Place(Stage.OUTPUT, role="assistant"))
    return guard.pipeline.check(tree, Request())


class Answer:
    """An answer that grows."""

    def __init__(self, guard: Guard, choices: int = 1) -> None:
        self.pipeline = guard.pipeline
        self.voices = TextChannels(self.pipeline, Request(), choices=choices)
        self.parts: list[StreamedPart] = []

    def begin(self, *joined: str, choice: int | None = None) -> StreamedPart:
        """Begin a text."""
        self.parts.append(
            self.voices.part(place(len(self.parts), choice), *((name, choice) for name in joined))
        )
        return self.parts[-1]

    def feed(self, part: StreamedPart, *deltas: str) -> str:
        """Feed a text; return what is shown of it in addition."""
        out = ""
        for delta in deltas:
            self.pipeline.drive(self.voices.feed(part, delta, None))
            out += "" if self.voices.stop else part.take()
        return out

    def end(self, part: StreamedPart) -> str:
        """End a text."""
        self.pipeline.drive(self.voices.end(part, None))
        return "" if self.voices.stop else part.take()

    def finish(self) -> list[str]:
        """End the answer; return all that was shown of its texts."""
        self.pipeline.drive(self.voices.finish(None))
        if self.voices.stop is None:
            for part in self.parts:
                part.take()
        return [part.text for part in self.parts]


PIECES = ["zqxbomb", "zqx", "bomb", "q", "qq", "kkstop", "kk", "stop ", " ", " and so on ", "jo@example.com ", "jo@", "example", ".com", "ORD-", "ORD-1234", "56", "<<a ", "b>>", "<<", ">", "\n", "[BAD_1]", "é", "enF4Ym9tYiBlbnF4Ym9tYg==", "%7aqxbomb "]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)


@pytest.mark.parametrize("name", RULES)
@given(
    given=st.lists(texts, min_size=1, max_size=3),
    places=st.lists(st.integers(0, 100), max_size=6),
    ends=st.booleans(),
)
@example(given=["see zqx", "bomb", " and jo@example.com"], places=[2], ends=True)
@example(given=["q", "q", "q"], places=[], ends=True)
@example(given=["<<a ", "zqxbomb jo@example.com", " b>> zqxbomb"], places=[1, 5], ends=False)
@settings(max_examples=scale(60))
def test_texts_that_are_read_together_are_shown_as_the_check_of_all_leaves_them(
    guards: dict[str, Guard], name: str, given: list[str], places: list[int], ends: bool
) -> None:
    """However each is cut: what was shown of a text is always the beginning of what is left of it."""
    expected = checked(guards[name], given)
    left = [expected.edits.get(index, text) for index, text in enumerate(given)]
    answer = Answer(guards[name])
    for text, final in zip(given, left, strict=True):
        part = answer.begin("message")
        for delta in cut(text, places):
            answer.feed(part, delta)
            assert expected.action is Action.BLOCK or final.startswith(part.text)
        if ends:
            answer.end(part)
    shown = answer.finish()
    if expected.action is Action.BLOCK:
        assert answer.voices.stop is not None or name == "whole"
        assert not any("kkstop" in text for text in shown)
    else:
        assert (answer.voices.stop, shown) == (None, left)


def test_a_word_split_over_two_texts_is_held_and_replaced(guards: dict[str, Guard]) -> None:
    """The first half becomes what stands for it, the second nothing; a text that has ended waits for the next."""
    answer = Answer(guards["placeholder"])
    first = answer.begin("message")
    assert answer.feed(first, "see zq", "x") + answer.end(first) == "see "
    second = answer.begin("message")
    assert answer.feed(second, "bo") == ""
    assert first.take() == ""
    assert answer.feed(second, "mb, so ") == ", "
    assert first.take() == "[BAD]"
    assert answer.finish() == ["see [BAD]", ", so "]
    assert (first.changed, second.changed) == (True, True)


def test_texts_that_are_not_read_together_do_not_wait_for_each_other(guards: dict[str, Guard]) -> None:
    """One that has ended is shown to its end."""
    answer = Answer(guards["placeholder"])
    first = answer.begin()
    assert answer.feed(first, "see zqx") + answer.end(first) == "see zqx"
    second = answer.begin()
    answer.feed(second, "bomb ")
    assert answer.finish() == ["see zqx", "bomb "]


def test_a_stop_in_what_is_read_together_stops_the_answer(guards: dict[str, Guard]) -> None:
    """No half of it is shown."""
    answer = Answer(guards["block"])
    first, second = answer.begin("message"), answer.begin("message")
    answer.feed(first, "do kk")
    answer.feed(second, "stop it")
    answer.finish()
    assert answer.voices.stop is not None
    assert answer.voices.stop.rule is not None
    assert answer.voices.stop.rule.id == "s"
    assert [part.text for part in answer.parts] == ["do ", ""]


def test_numbers_are_given_as_values_are_shown(guards: dict[str, Guard]) -> None:
    """In the order of the text, not in that in which detectors find them; the same value has the same number."""
    answer = Answer(guards["vault"])
    part = answer.begin()
    answer.feed(part, *"ORD-1234 jo@example.com <<a qq b>> qq [EMAIL_2] an@example.com jo@example.com")
    [text] = answer.finish()
    assert text == "[ORDER_1] [EMAIL_1] [ORDER_2] [BAD_1] [EMAIL_2] [EMAIL_3] [EMAIL_1]"


class TestChoices:
    """Several choices grow at a time."""

    def test_one_that_is_stopped_does_not_stop_the_others(self, guards: dict[str, Guard]) -> None:
        """They go on; the answer is stopped when all are."""
        answer = Answer(guards["block"], choices=2)
        first, second = answer.begin("m", choice=0), answer.begin("m", choice=1)
        answer.feed(first, "a kkstop b ")
        assert answer.voices.stops.keys() == {0}
        assert answer.voices.stop is None
        assert answer.feed(second, "so it goes ", "on") == "so it goes "
        answer.feed(second, " kkstop so ")
        assert answer.voices.stop is not None
        assert first.text in ("", "a ")
        assert second.text == "so it goes "

    def test_words_do_not_go_on_from_one_to_another(self, guards: dict[str, Guard]) -> None:
        """Though both have a voice of the same name."""
        answer = Answer(guards["block"], choices=2)
        first, second = answer.begin("m", choice=0), answer.begin("m", choice=1)
        answer.feed(first, "kk")
        answer.feed(second, "stop ")
        assert answer.finish() == ["kk", "stop "]

    def test_more_than_were_asked_for_do_not_end_the_answer_early(self, guards: dict[str, Guard]) -> None:
        """As many must be stopped as there should be."""
        answer = Answer(guards["block"], choices=3)
        for choice in range(3):
            assert answer.voices.stop is None
            answer.feed(answer.begin(choice=choice), "kkstop so ")
        assert answer.voices.stop is not None

    def test_what_belongs_to_no_choice_stops_all(self, guards: dict[str, Guard]) -> None:
        """It is the answer's own."""
        answer = Answer(guards["block"], choices=3)
        answer.feed(answer.begin(), "kkstop so ")
        assert answer.voices.stop is not None


class TestPart:
    """One text, taken in pieces."""

    @pytest.fixture
    def part(self, guards: dict[str, Guard]) -> StreamedPart:
        """A text in which a word of seven characters is to be replaced, at 4."""
        answer = Answer(guards["placeholder"])
        part = answer.begin()
        answer.pipeline.drive(answer.voices.feed(part, "see zqxbomb, and so on. ", None))
        return part

    @pytest.mark.parametrize(
        ("ends", "pieces"),
        [
            ([2, 4, 11, 13], ["se", "e ", "[BAD]", ", "]),
            ([5, 6, 11, 12], ["see [BAD]", "", "", ","]),
            ([10, 10], ["see [BAD]", ""]),
            ([0, 1], ["", "s"]),
            ([3, 500], ["see", " [BAD], and so "]),
        ],
    )  # fmt: skip
    def test_the_piece_in_which_a_word_begins_has_all_that_replaces_it(
        self, part: StreamedPart, ends: list[int], pieces: list[str]
    ) -> None:
        """Those in which it goes on have nothing; what is not settled is not taken."""
        assert [part.take(end) for end in ends] == pieces
        assert part.text == "".join(pieces)
        assert part.length == len("see zqxbomb, and so on. ")
        assert part.shown >= min(ends[-1], part.mark)
        assert part.raw[part.shown :] == "see zqxbomb, and so on. "[part.shown :]

    def test_nothing_is_changed_before_the_word(self, part: StreamedPart) -> None:
        """`changed` tells of what was taken."""
        part.take(4)
        assert part.changed is False
        part.take(5)
        assert part.changed is True
