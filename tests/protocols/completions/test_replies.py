"""How a model is asked again that continues a text."""

from __future__ import annotations

from typing import Any

from guardrails.protocols.completions.replies import append_reask
from tests.cases import each_case


@each_case(
    ("prompt", "again"),
    [
        ("A person: ", "A person: no\n\nJSON, please.\n"),
        (["a", "b"], ["ano\n\nJSON, please.\n", "bno\n\nJSON, please.\n"]),
        ([1, 2], [1, 2]),
    ],
)
def test_the_prompt_goes_on(prompt: Any, again: Any) -> None:
    """With what was answered and what is wrong; tokens stay."""
    assert append_reask({"prompt": prompt, "n": 1}, "no", "JSON, please.") == {"prompt": again, "n": 1}
