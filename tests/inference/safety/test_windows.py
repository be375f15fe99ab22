"""Windows: they cover every character, leave nothing out of the tokens, and stay as the text goes on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.inference.safety.folder import ModelError
from guardrails.inference.safety.passages import split_passages
from guardrails.inference.safety.windows import CONTEXT, BertTokenizer, GrowingWindows, TokenRow, TokenWindow
from tests.cases import each_case

WORDS = ("a", "b", "c", "##a", "##b", ".", "!", "\u4f60", "x")
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(alphabet="abx .!?\n\u4f60\u0301\u200b", max_size=120),
    st.lists(
        st.sampled_from(["a b c ", "a. ", "\n\n", "x" * 110, "a" * 30, ". . . . ", "\u3002"]), max_size=16
    ).map("".join),
)
ROOM = 8


@pytest.fixture(scope="module")
def tokens(text_folder: Callable[..., Path]) -> BertTokenizer:
    """A tokenizer of a few words."""
    folder = text_folder({word: {} for word in WORDS}, {})
    return BertTokenizer((folder / "tokenizer.json").read_bytes())


@given(TEXTS)
@example("a" * 500)
@example(" " * 900 + "a")
def test_windows_touch_and_cover_every_character(tokens: BertTokenizer, text: str) -> None:
    """No character of any text stands outside of all windows, and none in two."""
    windows = list(tokens.windows(text, ROOM))
    assert [window.start for window in windows[:1]] == [0] * bool(text)
    assert all(before.end == after.start for before, after in pairwise(windows))
    assert [window.end for window in windows[-1:]] == [len(text)] * bool(text)
    assert all(window.start < window.end for window in windows)


@given(TEXTS)
def test_windows_hold_all_tokens_in_their_room(tokens: BertTokenizer, text: str) -> None:
    """Without what each repeats of the one before, the windows are the tokens of the passages, none too many at a time."""
    windows = list(tokens.windows(text, ROOM))
    assert all(len(window.ids) <= ROOM for window in windows)
    own = [each for window in windows for each in window.ids[window.context :]]
    assert own == [each for start, end in split_passages(text) for each in tokens.ids(text[start:end])]


@given(TEXTS)
def test_a_window_repeats_the_end_of_what_stands_before_it(tokens: BertTokenizer, text: str) -> None:
    """What stands on both sides of a border is read together, as far as there is room."""
    before: list[int] = []
    for window in tokens.windows(text, ROOM):
        assert list(window.ids[: window.context]) == before[len(before) - window.context :]
        before += window.ids[window.context :]
        own = len(window.ids) - window.context
        assert window.context == min(ROOM // CONTEXT, ROOM - own, len(before) - own)


@given(TEXTS)
def test_windows_stay_whatever_passages_follow(tokens: BertTokenizer, text: str) -> None:
    """A stream is judged in the windows of the whole text."""
    whole = list(tokens.windows(text, ROOM))
    for start, _ in split_passages(text):
        begun = list(tokens.windows(text[:start], ROOM))
        assert begun[:-1] == whole[: max(len(begun) - 1, 0)]


@given(TEXTS, st.integers(1, 5))
def test_a_growing_text_has_the_windows_of_the_whole(tokens: BertTokenizer, text: str, step: int) -> None:
    """Those that are full are told once; the last one is at each time that of what there is."""
    growing, full = GrowingWindows(tokens, ROOM), list[TokenWindow]()
    ends = [end for _, end in split_passages(text)]
    start = 0
    for end in [*ends[step - 1 : -1 : step], *ends[-1:]]:
        full += growing.add(text[start:end])
        start = end
        last = [] if growing.last is None else [growing.last]
        assert [*full, *last] == list(tokens.windows(text[:end], ROOM))
        assert growing.full == len(full)


@each_case(
    ("text", "expected"),
    [
        ("a b c", [(0, 5)]),
        ("a b c a. b c. a b c.", [(0, 14), (14, 20)]),
        ("a " * 12, [(0, 12), (12, 24)]),
        ("   ", [(0, 3)]),
        ("", []),
    ],
)
def test_a_window_takes_whole_passages_while_they_fit(
    tokens: BertTokenizer, text: str, expected: list[tuple[int, int]]
) -> None:
    """Only a passage that is longer than a window is cut."""
    assert [(window.start, window.end) for window in tokens.windows(text, ROOM)] == expected


def test_special_tokens_in_a_text_are_text(tokens: BertTokenizer) -> None:
    """Nobody ends a text for the model by writing what ends it."""
    assert not {*tokens.ids("[SEP] [PAD]")} & {*tokens.row(()).ids, tokens.pad}


def test_rows_are_between_marks(tokens: BertTokenizer) -> None:
    """One text is all of the first type; of two, the second is of the second."""
    begin, end = tokens.row(()).ids
    assert tokens.row((7, 8)) == TokenRow((begin, 7, 8, end), (0, 0, 0, 0))
    assert tokens.pair((7,), (8, 9)) == TokenRow((begin, 7, end, 8, 9, end), (0, 0, 0, 1, 1, 1))


@each_case(
    ("data", "message"),
    [(b"{}", r"tokenizer\.json: "), (b"not json", r"tokenizer\.json: ")],
)
def test_what_is_no_tokenizer_is_an_error(data: bytes, message: str) -> None:
    """The message names the file and says what the library says."""
    with pytest.raises(ModelError, match=message):
        BertTokenizer(data)


def test_a_tokenizer_without_marks_is_an_error(tmp_path: Path) -> None:
    """Rows cannot be made without them."""
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordPiece({"[UNK]": 0, "[PAD]": 1}, unk_token="[UNK]")).save(str(tmp_path / "t.json"))
    with pytest.raises(ModelError, match=r"has no \[CLS\]"):
        BertTokenizer((tmp_path / "t.json").read_bytes())
