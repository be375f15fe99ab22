"""Context in conditions: what is meant by a value that a leaf never has is said."""

from __future__ import annotations

from collections.abc import Callable

from guardrails.policy.lints import requests
from guardrails.policy.lints.scene.scene import LintContext
from tests.cases import each_case


@each_case(
    ("condition", "cure"),
    [
        ('content.language == "English"', "write 'en'"),
        ('content.language == "en-US"', "write 'en'"),
        ('content.language == "DE"', "write 'de'"),
        ('content.language == "klingon"', "write an ISO 639-1 code such as 'en'"),
        ('content.kind == "picture"', "write 'image'"),
        ('content.kind == "Text"', "write 'text'"),
        ('message.role == "bot"', "write 'assistant'"),
        ('message.role == "asistant"', "did you mean 'assistant'?"),
        ('"human" == message.role', "write 'user'"),
    ],
)
def test_what_is_meant_is_said(rules_of: Callable[..., LintContext], condition: str, cure: str) -> None:
    """Names, cases and regions of languages, and what others call roles and kinds."""
    (found,) = requests.impossible_value(rules_of(f"custom.w > 0 && {condition}"))
    assert found.cure == cure


def test_the_value_in_a_list_is_pointed_to(rules_of: Callable[..., LintContext]) -> None:
    """Of several values the wrong one has the column."""
    scene = rules_of('custom.w > 0 && message.role in ["user", "human"]')
    (found,) = requests.impossible_value(scene)
    assert found.mark == scene.rows[0].item.inside(("when",), 41)


@each_case(
    ("condition", "then", "told"),
    [
        ('request.client.app == "x"', "block", "request.client.app"),
        ("request.metadata.level > 3", "redact", "request.metadata.level"),
        ('request.metadata["level"] > 3', "block", "request.metadata"),
        ('request.client.app == "x"', "flag", None),
        ('request.user.app == "x"', "block", None),
    ],
)
def test_claims_of_clients_are_told_where_they_decide(
    rules_of: Callable[..., LintContext], condition: str, then: str, told: str | None
) -> None:
    """Not what only records, and not what authentication says."""
    found = [*requests.client_claim(rules_of(f"custom.w > 0 && {condition}", then=then))]
    assert [each.message.split(" ")[0] for each in found] == ([] if told is None else [told])
