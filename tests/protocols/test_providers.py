"""What the APIs of one provider share."""

from __future__ import annotations

from guardrails.protocols import providers
from guardrails.protocols.providers import Provider
from tests.cases import each_case

PROVIDERS = [each for each in vars(providers).values() if isinstance(each, Provider)]


@each_case("provider", PROVIDERS, ids=lambda each: each.name)
def test_a_key_of_the_operator_goes_where_a_clients_would(provider: Provider) -> None:
    """So that the client's own never goes on beside it."""
    assert {*provider.keys} <= {*provider.headers}
    assert all(name == name.lower() for name in provider.headers)
    assert provider.root[:1] in ("", "/")
