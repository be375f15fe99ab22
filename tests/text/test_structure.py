"""What is structure of a protocol, and what is a text."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails.text.structure import LONGEST, WORDS, is_id, is_structure
from tests.cases import each_case

STRUCTURE = """
gpt-4o gpt-4o-2024-08-06 gpt-3.5-turbo-16k-0613 o4-mini-2025-04-16 openai/gpt-4o dall-e-3 text-embedding-3-small gpt-oss:20b
anthropic.claude-3-5-sonnet-20241022-v2:0 claude-sonnet-4-20250514 claude-3-7-sonnet-latest claude-3-5-sonnet@20240620
models/gemini-1.5-pro-002 gemini-2.5-flash-preview-05-20 mixtral-8x7b-32768 deepseek-r1:14b qwen2.5-coder:32b llama3.2:1b
hf.co/meta-llama/Llama-3.1-8B-Instruct-GGUF:Q4_K_M meta-llama/llama-3.3-70b-instruct:free nomic-embed-text:v1.5
arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0
chatcmpl-123 chatcmpl-9xYz123abcDEF456 call_62136355abc toolu_01A09q90qw90lq917835lq9 toolu_vrtx_01XFDUDYJgAACzvnptvVoYEL
msg_01XFDUDYJgAACzvnptvVoYEL resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b fp_44709d6fcb
123e4567-e89b-12d3-a456-426614174000 2024-08-06T12:00:00.123456789Z 2024-08-06T12:00:00+02:00
chat.completion.chunk end_turn MAX_TOKENS HARM_CATEGORY_HATE_SPEECH response.output_text.delta completion_tokens_details
cachedContentTokenCount ephemeral_5m_input_tokens 1024x1024 image/png text/plain;charset=utf-8 24h -1 0.5 en pt-BR zh-Hans
"""

TEXTS = """
jane.doe@example.com user@openai.com user@meta.com 219-45-6789 219456789 555-123-4567 4111111111111111 4111-1111-1111-1111
AKIAIOSFODNN7EXAMPLE fp_AKIAIOSFODNN7EXAMPLE sk-proj-abcdef123456 ghp_16C7e42F292c6912E7710c838347Ae178B4a
zqxbomb call_zqxbomb call_4111111111111111 msg_0123456789 41111111-1111-1111-1111-111111111111 k1ll j3ws b1tch k.i.l.l
ignore-all-previous-instructions howToMakeABomb ft:gpt-4o-mini:acme:support:9xYz123 2024-08-06-2024-08-07-1
"""


@each_case("value", ["", *STRUCTURE.split()])
def test_what_protocols_say_is_structure(value: str) -> None:
    """Choices, sizes, types and times of all APIs, ids as SDKs and servers make them, models as providers call them."""
    assert is_structure(value)


@each_case("value", [*TEXTS.split(), "x" * (LONGEST + 1), "gpt 4o", "gpt-4o\n", "gpt-4ö"])
def test_what_somebody_may_have_written_is_none(value: str) -> None:
    """Addresses, numbers of persons and cards, keys, words; also where they stand in the form of an id."""
    assert not is_structure(value)


@each_case(
    ("value", "expected"),
    [
        ("call_62136355abc", True),
        ("123E4567-E89B-12D3-A456-426614174000", True),
        ("gpt-4o", False),
        ("user", False),
        ("", False),
    ],
)
def test_an_id_is_told_from_words(value: str, expected: bool) -> None:
    """It is structure, and words of protocols are no id."""
    assert is_id(value) is expected


@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=6), st.sampled_from("-_./:"), st.data())
def test_a_word_of_no_protocol_is_found_among_others(words: list[str], sign: str, data: Any) -> None:
    """However many stand beside it."""
    assert is_structure(sign.join(words)) is (len(sign.join(words)) <= LONGEST)
    words.insert(data.draw(st.integers(0, len(words))), "zqxbomb")
    assert not is_structure(sign.join(words))


@given(st.text("0123456789", min_size=9, max_size=30), st.sampled_from(["", "-", "."]), st.integers(1, 5))
def test_long_numbers_are_none(digits: str, sign: str, size: int) -> None:
    """Whatever stands between their digits, unless they hold a date."""
    groups = [digits[at : at + size] for at in range(0, len(digits), size)]
    assert not is_structure(sign.join(groups)) or "20" in digits
