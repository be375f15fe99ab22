"""Where a server listens, and by which names it is reached: what an operator may say of that."""

from __future__ import annotations

import pytest

from guardrails.policy.loading.problems import NOWHERE, Problems
from guardrails.proxy.access.hosts import check_exposure, is_loopback
from guardrails.proxy.configuration.settings import Settings, SettingsError
from tests.cases import each_case


@each_case(
    "entry", ["http://guard", "guard/v1", "a b", "", "*guard", "guard.*", "*.*.com", "a@b", "guard:", "-"]
)
def test_names_are_names(entry: str) -> None:
    """No addresses of pages, no patterns but for all below a name."""
    with pytest.raises(SettingsError, match="allowed_hosts"):
        Settings("http://h", allowed_hosts=[entry])


OPEN = [{"open": True}, {"keys": [{"id": "a", "sha256": "0" * 64}]}]


@each_case("host", ["0.0.0.0", "::", "10.0.0.1", "box.lan"])
def test_a_server_that_others_reach_has_keys_or_is_meant_to_be_open(host: str) -> None:
    """Or it does not start; what is said names the ways out."""
    with pytest.raises(SettingsError, match="there are no keys, and neither --open nor open: true"):
        Settings("http://h", host=host)
    for more in OPEN:
        assert Settings("http://h", host=host, **more).host == host


@each_case("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LOCALHOST"])
def test_on_the_loopback_all_is_as_ever(host: str) -> None:
    """Nobody else reaches it."""
    problems = Problems(quotes=False)
    assert is_loopback(host)
    check_exposure(Settings("http://h", host=host), NOWHERE, problems)
    assert problems.errors == []
