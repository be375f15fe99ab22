"""One growing text of an answer: pieces in any cut, halves of characters too, and what goes on of it with values put back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guardrails import Guard, Stage
from guardrails.engine.model import Request
from guardrails.engine.redaction.restore import restore_values
from guardrails.engine.redaction.restore_stream import RestoreStream
from guardrails.engine.streaming.text_channels import TextChannels
from guardrails.protocols.streaming.streamed_text import StreamedText
from guardrails.types import Place
from tests.cases import each_case, scale

VALUES = {"[EMAIL_1]": "jo@example.com"}
POLICY = """
detectors:
  mask: {use: terms, terms: [zqxmask], category: custom.mask, match: substring}
rules: [{id: mask, on: output, when: custom.mask > 0, then: redact}]
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that redacts a word."""
    return guard_of(POLICY)


class Text:
    """A growing text, fed as a relay does it."""

    def __init__(
        self, guard: Guard, values: dict[str, str] | None = None, with_: RestoreStream | None = None
    ) -> None:
        self.pipeline = guard.pipeline
        self.voices = TextChannels(guard.pipeline, Request())
        restoring = with_ or (None if values is None else RestoreStream(values))
        self.grown = StreamedText(("x",), self.voices.part(Place(Stage.OUTPUT)), restoring)

    def feed(self, *pieces: str) -> Text:
        """Take pieces."""
        for piece in pieces:
            self.pipeline.drive(self.voices.feed(self.grown.part, self.grown.whole(piece), None))
        return self

    def end(self) -> Text:
        """Take the end."""
        self.pipeline.drive(self.voices.finish(None))
        return self


def halves(text: str) -> str:
    """Return a text with its pairs in two halves each."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(chr(int.from_bytes(units[at : at + 2])) for at in range(0, len(units), 2))


def cut(text: str, places: Sequence[int]) -> list[str]:
    """Return the parts of a text cut at places."""
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


@given(
    text=st.lists(st.sampled_from(["a", "é", "🙂", "\U0010ffff", "\ue000", "zqxmask", " "]), max_size=8).map(
        "".join
    ),
    places=st.lists(st.integers(0, 30), max_size=6),
)
@example(text="🙂🙂", places=[1, 2, 3])
@settings(max_examples=scale(150))
def test_pairs_that_are_cut_in_two_are_joined(guard: Guard, text: str, places: list[int]) -> None:
    """No detector and no client sees half a character."""
    one = Text(guard)
    whole = [one.grown.whole(piece) for piece in cut(halves(text), places)]
    assert "".join(whole) == one.grown.came == text
    one = Text(guard).feed(*cut(halves(text), places)).end()
    assert one.grown.take() == text.replace("zqxmask", "[MASK]")


@each_case(
    ("pieces", "came"),
    [
        (["a\udc00b"], "a\ufffdb"),
        (["\udc00"], "\ufffd"),
        (["a\ud83d", "b"], "a\ufffdb"),
        (["\ud83d", "\ud83d", "\ude42"], "\ufffd🙂"),
        (["\ud83d", "", "\ude42"], "🙂"),
        (["a\ud83d"], "a"),
        ([""], ""),
    ],
)
def test_half_of_a_pair_alone_is_none(guard: Guard, pieces: list[str], came: str) -> None:
    """It is replaced, or waits for the other half."""
    grown = Text(guard).grown
    assert "".join(grown.whole(piece) for piece in pieces) == grown.came == came


@given(
    text=st.lists(
        st.sampled_from(["[EMAIL_1]", "[EMAIL_", "[", "zqxmask", "zqx", " so", "\n", "."]), max_size=9
    ).map("".join),
    places=st.lists(st.integers(0, 60), max_size=6),
    ends=st.lists(st.integers(0, 60), max_size=4),
)
@settings(max_examples=scale(150))
def test_what_goes_on_is_what_is_left_with_values_put_back(
    guard: Guard, text: str, places: list[int], ends: list[int]
) -> None:
    """In whatever pieces it is taken; `told` is what the policy leaves, `made` what the client reads."""
    left = text.replace("zqxmask", "[MASK]")
    one = Text(guard, VALUES)
    grown, shown = one.grown, ""
    for piece in cut(text, places):
        one.feed(piece)
        for end in sorted(ends):
            shown += grown.take(end)
        assert left.startswith(grown.told)
    one.end()
    shown += grown.take() + grown.close(sure=True)
    assert (grown.told, grown.made, shown) == (left, restore_values(left, VALUES), shown)
    assert shown == grown.made
    assert grown.holds is False
    assert grown.changed is (shown != text)


def test_the_rest_of_what_is_finally_left(guard: Guard) -> None:
    """What is left to tell, with what was held of a value; none where something else was told."""
    one = Text(guard, VALUES).feed("Dear [EMAIL_1], see zqx")
    assert one.grown.take() == "Dear "
    assert one.grown.holds
    one.grown.final = "Dear [EMAIL_1], see [MASK]"
    assert one.grown.rest() == "jo@example.com, see [MASK]"

    one = Text(guard).feed("Dear you, see zqx")
    one.grown.take()
    one.grown.final = "Dear me"
    assert one.grown.rest() is None


def test_what_is_held_goes_on_as_it_is_where_another_text_follows(guard: Guard) -> None:
    """A value may stand only where no other text can make a link of it."""
    one = Text(guard, VALUES).feed("Dear [EMAIL_1]").end()
    assert one.grown.take() == "Dear "
    assert one.grown.close(sure=False) == "[EMAIL_1]"
    assert one.grown.made == "Dear [EMAIL_1]"
    assert one.grown.close(sure=True) == ""


def test_texts_that_are_read_as_one_share_where_values_stand(guard: Guard) -> None:
    """So that a link in the first makes one of what follows in the second."""
    together = RestoreStream(VALUES)
    first, second, other = Text(guard, with_=together), Text(guard, with_=together), Text(guard, VALUES)
    assert second.grown.goes_on(first.grown)
    assert not first.grown.goes_on(first.grown)
    assert not other.grown.goes_on(first.grown)
    assert not Text(guard).grown.goes_on(Text(guard).grown)
    first.feed("see https://x.example/").end()
    second.feed("[EMAIL_1]").end()
    assert first.grown.take() + first.grown.close(sure=False) == "see https://x.example/"
    assert second.grown.take() + second.grown.close(sure=True) == "[EMAIL_1]"


def test_without_values_nothing_is_held(guard: Guard) -> None:
    """What is settled goes on."""
    one = Text(guard).feed("Dear [EMAIL_1], ").end()
    assert one.grown.take() == "Dear [EMAIL_1], "
    assert (one.grown.holds, one.grown.close(sure=True), one.grown.changed) == (False, "", False)
