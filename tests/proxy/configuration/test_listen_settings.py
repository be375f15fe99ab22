"""Where a server listens besides, and how it ends."""

from __future__ import annotations

import pytest

from guardrails.proxy.configuration.listen_settings import LONGEST_PATH, split_address
from guardrails.proxy.configuration.settings import Settings, SettingsError
from tests.cases import each_case


@each_case(
    ("written", "expected"),
    [
        ("127.0.0.1:9090", ("127.0.0.1", 9090)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65_535)),
        ("::1:80", None),
        ("127.0.0.1", None),
        (":80", None),
        ("a:65536", None),
        ("a b:80", None),
    ],
)
def test_an_address_is_a_host_and_a_port(written, expected) -> None:
    """An IPv6 address stands in brackets."""
    if expected is None:
        with pytest.raises(ValueError, match="must be a host and a port"):
            split_address(written)
    else:
        assert split_address(written) == expected


def test_requests_under_way_have_as_long_as_an_answer_may_take() -> None:
    """Where the operator does not say for how long."""
    assert Settings("http://h", total_s=7.0).drain_s == 7.0
    assert Settings("http://h", drain={"streams_s": 0.0}).drain_s == 0.0


def test_a_path_that_the_system_would_not_take_is_an_error() -> None:
    """Before anything is served."""
    with pytest.raises(SettingsError, match="100 bytes at most"):
        Settings("http://h", unix="x" * (LONGEST_PATH + 1))
