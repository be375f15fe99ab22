"""What every API does with an answer: read it strictly, and find the words for what is withheld."""

from __future__ import annotations

import pytest

from guardrails.errors import BackendError
from guardrails.proxy.exchange import answer
from guardrails.types import Action, FiredRule, PolicyRef, Stage, Verdict
from tests.cases import each_case


@each_case(
    "raw",
    [
        b"", b"[]", b"null", b"<html>", b'{"x":1,"x":2}', b'{"x":NaN}', b'{"x":"\\ud800"}', b"{} x", b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_object_is_the_upstreams_fault(raw: bytes) -> None:
    """502 for whatever two clients could read in two ways, or cannot be judged at all."""
    with pytest.raises(BackendError) as caught:
        answer.parse_object(raw)
    assert (caught.value.status, caught.value.code) == (502, "upstream_invalid")


def test_a_message_comes_from_the_rule_that_blocks() -> None:
    """A rule that only redacts lends its words to no refusal; without any there is a plain sentence."""

    def verdict(*rules: FiredRule) -> Verdict:
        return Verdict("vd", Action.BLOCK, Stage.OUTPUT, PolicyRef("p", "1", "sha256:0"), None, rules=rules)

    redacts, blocks = FiredRule("a", Action.REDACT, "A"), FiredRule("b", Action.BLOCK, "B")
    assert answer.block_message(verdict(redacts, blocks)) == "B"
    assert answer.block_message(verdict(redacts)) == answer.REFUSAL
