"""What a classifier judges: spans over all of a text, readings that undo tricks, limits and languages."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guardrails.detectors.classifier.classifier_windows import blank_signs, cut_tier_windows
from guardrails.inference.safety.model import SafetyModel, load_safety_model
from guardrails.text import fold_text, replace_surrogates
from tests.cases import each_case

MANY = 10_000
TEXTS = st.one_of(
    st.text(),
    st.text(alphabet="ab .\n\u200b\u00ad\ufb01\u0301\U0001f600\ud800", max_size=80),
    st.lists(
        st.sampled_from(["a b c. ", "b4d w0rd ", "\ufb01\u0301", "\u200b", "x" * 120, "b.a.d ", "\n"]),
        max_size=20,
    ).map("".join),
)


@pytest.fixture(scope="module")
def model(text_folder: Callable[..., Path]) -> SafetyModel:
    """A model of small windows."""
    return load_safety_model(
        text_folder(
            {word: {} for word in ("a", "b", "bad", "word", "fi", "c", ".")}, {}, languages=["en", "de"]
        )
    )


@given(TEXTS)
@example("\u200b" * 40 + "a")
@example("\ufb01" * 400)
def test_spans_cover_every_character_that_is_read(model: SafetyModel, text: str) -> None:
    """Of the plain reading, each begins no later than the one before ends; they reach from the start to the end."""
    found = cut_tier_windows(text, None, model, MANY)
    view = fold_text(replace_surrogates(text))
    count = sum(1 for window in model.windows(view.text) if window.ids)
    plain = found.spans[:count]
    if not plain:
        assert not view.text.strip("\x00").strip() or not count
        return
    assert all(0 <= start < end <= len(text) for start, end in found.spans)
    assert all(after[0] <= before[1] <= after[1] for before, after in pairwise(plain))
    assert (plain[0][0], plain[-1][1]) == (0, len(text))


@given(TEXTS)
def test_what_is_read_is_the_text_of_the_spans(model: SafetyModel, text: str) -> None:
    """The fast tier gets the folded view of each window, without emoji."""
    found = cut_tier_windows(text, None, model, MANY)
    view = fold_text(blank_signs(replace_surrogates(text)))
    read = [view.text[window.start : window.end] for window in model.windows(view.text) if window.ids]
    assert list(found.folded[: len(read)]) == [fold_text(each).text for each in read]


def test_tricks_are_undone_where_there_are_any(model: SafetyModel) -> None:
    """The further readings of a text add the windows that read otherwise, and no others."""
    text = "a b c. " * 8 + "b4d w0rd. " + "a b c. " * 8
    found = cut_tier_windows(text, None, model, MANY)
    plain = cut_tier_windows(text.replace("4", "a").replace("0", "o"), None, model, MANY)
    assert len(plain.spans) < len(found.spans) <= 2 * len(plain.spans)
    assert "b4d w0rd." in "".join(found.folded[: len(plain.spans)])
    assert any("bad word." in each for each in found.folded[len(plain.spans) :])
    assert all(
        "b4d" in text[slice(*span)] or "w0rd" in text[slice(*span)]
        for span in found.spans[len(plain.spans) :]
    )


def test_what_two_readings_say_alike_is_one_window(model: SafetyModel) -> None:
    """Signs that may be two letters each make several readings, of which most windows are the same."""
    text = "a b c. " * 8 + "b4d w0rd. " + "a b c. " * 40 + "b1g w0rd. "
    found = cut_tier_windows(text, None, model, MANY)
    windows = [*zip(found.spans, found.folded, strict=True)]
    assert len({*windows}) == len(windows)


@each_case("most", [1, 3])
def test_windows_past_the_limit_are_unchecked(model: SafetyModel, most: int) -> None:
    """The rest of the text is named, from the first window that was left out to its end."""
    text = "a b c. " * 40
    found = cut_tier_windows(text, None, model, most)
    assert len(found.spans) == most
    [unchecked] = found.unchecked
    assert (unchecked.kind, unchecked.span) == ("limit", (found.spans[-1][1], len(text)))


def test_a_window_in_an_unvalidated_language_is_unchecked(model: SafetyModel) -> None:
    """It is judged all the same, and named; neighbours are one stretch."""
    russian = "\u041f\u043e\u0433\u043e\u0434\u0430 \u0441\u0435\u0433\u043e\u0434\u043d\u044f \u0445\u043e\u0440\u043e\u0448\u0430\u044f. "
    text = "The weather is nice today, and we will go for a long walk in the hills. " + russian * 3
    found = cut_tier_windows(text, None, model, MANY)
    [unchecked] = found.unchecked
    assert unchecked.kind == "language"
    assert unchecked.span is not None
    assert russian.strip() in text[slice(*unchecked.span)]
    assert text[: unchecked.span[0]] == "" or "weather" in text[: unchecked.span[0]]


def test_a_reply_has_the_tokens_of_its_prompt(model: SafetyModel) -> None:
    """None where it is none, nothing where the prompt is not known; its rows are pairs."""
    assert cut_tier_windows("a b", None, model, MANY).prompt is None
    assert cut_tier_windows("a b", "", model, MANY).prompt == ()
    found = cut_tier_windows("a b", "\uff43 c", model, MANY)
    assert found.prompt == model.tokens.ids("c c")
    assert found.pair(0).types == (0, 0, 0, 0, 1, 1, 1)
    assert found.row(0).types == (0, 0, 0, 0)
