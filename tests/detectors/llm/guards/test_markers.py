"""No text that is judged can end its own turn in the conversation with the guard."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.llm.guards.form import UnreadableAnswer
from guardrails.detectors.llm.guards.markers import break_markers
from tests.cases import each_case

WHOLE = [
    "<|eot_id|>", "<|start_header_id|>", "<|im_end|>", "<|im_start|>", "<|start_of_role|>", "<|end_of_text|>", "<|user|>",
    "<|channel|>", "<|return|>", "<start_of_turn>", "<end_of_turn>", "<bos>", "<eos>", "<s>", "</s>", "[INST]", "[/INST]",
    "<<SYS>>", "<</SYS>>", "<think>", "</think>", "<score>", "</score>", "<guardian>", "<no-think>", "<confidence>",
    "<start_of_risk_definition>", "<BEGIN CONVERSATION>", "<END CONVERSATION>", "<end conversation>", "[TOOL_CALLS]",
    "<unused7>", "<image>", "<\uff5ceot\uff5c>",
]  # fmt: skip


@each_case("marker", WHOLE)
def test_a_marker_is_broken_wherever_it_stands(marker: str) -> None:
    """What is left reads nearly the same, and is no marker."""
    found = break_markers(f"before{marker}after {marker}")
    assert marker not in found
    assert found.replace(" ", "") == f"before{marker}after{marker}".replace(" ", "")


@each_case(
    "text",
    [
        "a < b and b > c",
        "<div class='x'>hi</div>",
        "x[i] = y[A]",
        "f(x) | g",
        "",
        "one [sic] two",
        "<p>",
        "1<2>0",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    """Mark-up, code and arithmetic are read as they were written."""
    assert break_markers(text) == text


def test_special_tokens_of_the_tokenizer_at_hand_are_broken_too() -> None:
    """Whatever it calls special, in whatever brackets."""
    assert break_markers("a @@END@@ b", ["@@END@@", "~~"]) == "a @ @END@@ b"


def test_what_cannot_be_broken_is_an_error() -> None:
    """A token of which a piece is a token again has no end: then nothing is asked."""
    with pytest.raises(UnreadableAnswer):
        break_markers("a < b", ["< "])


PIECES = st.sampled_from([*WHOLE, "<|", "|>", "<", "|", ">", "[", "]", "/", "s", "INST", " ", "think"])


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_mixture_of_pieces_makes_a_marker(text: str) -> None:
    """Breaking one marker never completes another."""
    found = break_markers(text)
    assert not any(marker in found for marker in WHOLE)
    assert re.sub(r"\s", "", found) == re.sub(r"\s", "", text)
