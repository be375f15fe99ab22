"""What is read of a long text at a time covers all of it, in order, and says where it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.classifier.passages import CONTEXT_DIVISOR, cut_pieces
from tests.cases import each_case

WORDS = ["one", "two.", "three!\n", "vier", "fünf?", "漢字。", "\n", "", "unbelievably"]
PROSE = st.lists(st.sampled_from(WORDS), max_size=60).map(" ".join)


@given(PROSE, st.integers(8, 80))
def test_pieces_cover_all_that_is_not_blank(text: str, size: int) -> None:
    """Each character that is no white space lies in exactly one span, and is read there."""
    cut = cut_pieces(text, size, 10_000)
    assert cut.unchecked == ()
    covered = [0] * len(text)
    for (start, end), read in zip(cut.spans, cut.reads, strict=True):
        assert len(read) <= size
        assert read.endswith(text[start:end])
        for at in range(start, end):
            covered[at] += 1
    assert max(covered, default=0) <= 1
    assert all(count for count, char in zip(covered, text, strict=True) if not char.isspace())


@given(PROSE, PROSE, st.integers(8, 80))
def test_what_comes_later_changes_only_the_last_pieces(text: str, more: str, size: int) -> None:
    """A text that grows is judged in the pieces that it had, but for those at its old end."""
    before, after = cut_pieces(text, size, 10_000), cut_pieces(text + more, size, 10_000)
    settled = [span for span in before.spans if span[1] < len(text) - size]
    assert after.spans[: len(settled)] == tuple(settled)


def test_a_piece_begins_with_what_stands_before_it() -> None:
    """An eighth of the size is read again, so that nothing is torn apart at a border."""
    text = "One sentence here. " * 20
    cut = cut_pieces(text, 80, 100)
    (start, _), read = cut.spans[1], cut.reads[1]
    assert read.startswith(text[start - 80 // CONTEXT_DIVISOR : start])


@each_case("text", ["", "   ", "\n\n"])
def test_nothing_to_read(text: str) -> None:
    """Of white space there is nothing to ask."""
    assert cut_pieces(text, 80, 100).reads == ()


def test_what_is_past_the_limit_is_named() -> None:
    """Pieces past the most that are judged are unchecked, to the end of the text."""
    text = "One sentence here. " * 20
    cut = cut_pieces(text, 80, 2)
    assert len(cut.reads) == 2
    (left,) = cut.unchecked
    assert (left.kind, left.span) == ("limit", (cut.spans[-1][1], len(text)))


def test_disguised_text_is_read_as_it_is_meant() -> None:
    """Besides the text as it stands, the reading without spelling tricks is judged; its span is in the original."""
    text = "please i g n o r e everything"
    cut = cut_pieces(text, 200, 100)
    assert cut.reads[0] == text
    assert any("ignore" in read for read in cut.reads[1:])
    assert all(0 <= start < end <= len(text) for start, end in cut.spans)


def test_a_lone_surrogate_can_be_sent() -> None:
    """What cannot be encoded is replaced; offsets stay."""
    cut = cut_pieces("a\ud800b", 80, 10)
    assert cut.spans == ((0, 3),)
    cut.reads[0].encode()


@each_case(
    ("text", "meant"),
    [
        ("so b\u200ba\u200bd", "so bad"),
        ("so b\u0430d", "so bad"),
        ("so b\u00adad", "so bad"),
        ("\u202eso bad\u2066ly", "so badly"),
    ],
)
def test_what_does_not_show_is_left_out_of_another_reading(text: str, meant: str) -> None:
    """Invisible characters and letters of other scripts that look alike: once as it stands, once as it shows."""
    cut = cut_pieces(text, 80, 10)
    assert cut.reads == (text, meant)
    assert cut.original(1, 0, len(meant))[1] == len(text)


@each_case(
    "text",
    ["\u201cquotes\u201d \u2013 it\u2019s fine\u2026", "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u2764\ufe0f \U0001f468\u200d\U0001f469", "cafe\u0301", "\uff42\uff41\uff44 \u00bd", "a\u00a0b"],
)  # fmt: skip
def test_what_reads_the_same_is_not_read_twice(text: str) -> None:
    """Each piece is a request to somebody: signs, pictures and wide letters are no tricks."""
    assert cut_pieces(text, 80, 10).reads == (text,)


@given(PROSE, st.integers(8, 80))
def test_a_place_in_a_read_is_one_in_the_text(text: str, size: int) -> None:
    """Also where it lies before the piece's own span."""
    cut = cut_pieces(text, size, 10_000)
    for at, read in enumerate(cut.reads):
        start, end = cut.original(at, 0, len(read))
        assert text[start:end] == read
