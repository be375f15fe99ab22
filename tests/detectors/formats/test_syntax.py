"""Where a text stops being JSON, XML or Python; the tables of cases are in `test_formats_detector.py`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails.detectors.formats.syntax import DEEPEST, find_json_error, find_python_error, find_xml_error
from tests.cases import each_case


@each_case(
    ("check", "valid", "wrong", "at"),
    [
        (find_json_error, '{"a": [1]}', '{"a": [1}', 8),
        (find_xml_error, "<é>x</é>", "<é>x</a>", 6),
        (find_python_error, "x = 1\ny = 2\n", "x = 1\ny = )\n", 10),
        (find_json_error, "[" * DEEPEST + "]" * DEEPEST, "[" * (DEEPEST + 1), DEEPEST),
    ],
)
def test_the_offset_is_that_of_the_error(check: object, valid: str, wrong: str, at: int) -> None:
    """None for what is valid; characters, not bytes."""
    assert callable(check)
    assert check(valid) is None
    assert check(wrong) == at


@each_case("check", [find_json_error, find_xml_error, find_python_error])
def test_any_text_has_an_answer(check: object) -> None:
    """An offset in the text or at its end; lone surrogates do no harm."""
    assert callable(check)

    @given(st.text(st.characters() | st.sampled_from("{[<\ud800\x00\n"), max_size=30))
    def answers(text: str) -> None:
        at = check(text)
        assert at is None or 0 <= at <= len(text) + 1

    answers()
