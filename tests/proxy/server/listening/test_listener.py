"""The sockets that a server listens on."""

from __future__ import annotations

import pytest

from guardrails.proxy.configuration.settings import SettingsError
from guardrails.proxy.server.listening.listener import open_listener
from tests.cases import each_case


def test_an_address_has_one_listener_unless_processes_share_it() -> None:
    """Each worker listens on the port of probes; what else is taken is an error that names the address."""
    with open_listener("127.0.0.1", 0, shared=True) as first:
        port = first.getsockname()[1]
        with open_listener("127.0.0.1", port, shared=True) as second:
            assert second.getsockname() == first.getsockname()
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            open_listener("127.0.0.1", port)


@each_case("host", ["127.0.0.1", "::1"])
def test_both_families_of_addresses_are_listened_on(host) -> None:
    """An address says which it is."""
    with open_listener(host, 0) as listener:
        assert listener.getsockname()[0] == host
