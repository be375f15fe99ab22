"""Groups of an account number are no telephone number."""

from __future__ import annotations

from collections.abc import Callable

from guardrails import Guard
from tests.cases import each_case

POLICY = "detectors: {pii: {use: pii, entities: [iban, phone]}}\nrules: [{id: r, on: [input, output], when: pii > 0, then: flag}]\n"


@each_case(
    ("text", "found"),
    [
        ("IBAN DE89 3704 0044 0532 0130 00", {("pii.iban", "DE89 3704 0044 0532 0130 00")}),
        ("Telefon, IBAN: DE89 3704 0044 0532 0130 01", set()),
        ("call DE 89 3704 0044 0532 0130 01", set()),
        ("GB82 0044 2079 4609 5812 32, or 0044 20 7946 0958", {("pii.phone", "0044 20 7946 0958")}),
        ("room 3704 0044 20 7946 0958", {("pii.phone", "0044 20 7946 0958")}),
    ],
)
def test_a_telephone_number_is_none_of_an_account(
    text: str, found: set[tuple[str, str]], guard_of: Callable[..., Guard]
) -> None:
    """Mistyped ones too; a number beside is found, in a text that grows as well."""
    guard = guard_of(POLICY)
    stream = guard.stream(stage="output")
    for part in text:
        stream.feed(part)
    stream.flush()
    assert stream.verdict is not None
    for verdict in (guard.check(text), stream.verdict):
        assert {(each.category, text[slice(*each.span or (0, 0))]) for each in verdict.findings} == found
