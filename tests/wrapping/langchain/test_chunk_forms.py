"""The forms of pieces without LangChain's types; with them: `tests/system/test_wrapped_langchain_forms.py`."""

from __future__ import annotations

import pytest

from guardrails.wrapping.langchain.chunk_forms import Messages, Others, Texts, added, silent


def test_pieces_are_put_together() -> None:
    """What cannot be is refused."""
    assert added([]) is None
    assert added(["a", "b"]) == "ab"
    assert added([{"a": 1}]) == {"a": 1}
    with pytest.raises(TypeError, match="cannot check a stream of dict"):
        added([{"a": 1}, {"b": 1}])


def test_texts_grow_and_others_wait() -> None:
    """A text is told as any other; a piece of no known form as it came, or as it is changed."""
    texts, others = Texts(), Others()
    assert (texts.fits("x"), texts.fits(1), others.fits(1), Messages().fits("x")) == (
        True,
        False,
        True,
        False,
    )
    assert (texts.text("x"), texts.text(1), others.text("x"), Messages().text(1)) == ("x", None, None, None)
    assert (texts.waits("x"), texts.is_bare("x"), others.waits("x"), others.is_bare("x")) == (
        False,
        True,
        True,
        False,
    )
    assert (texts.told("x", "y", again=True), texts.copy("x"), texts.refusal("No.")) == ("y", "x", "No.")
    assert others.left([{"a": 1}], {"a": 1}, {"a": 2}, "") == {"a": 2}
    with pytest.raises(NotImplementedError):
        others.told("x", "y", again=False)


def test_what_spells_a_text_is_left_out() -> None:
    """Of what is said of an answer, if anything is."""
    assert silent({"logprobs": [1], "a": 1}) == {"a": 1}
    assert silent(None) is None
