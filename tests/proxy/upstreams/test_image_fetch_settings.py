"""What may be set of pictures that stand elsewhere."""

from __future__ import annotations

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.sources import load_settings
from tests.proxy.tls_kit import Authority


def test_nothing_is_fetched_unless_that_is_set() -> None:
    """By default."""
    assert load_settings(None, {"upstream": "http://h"}, {}).settings.fetch is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("hosts: []", "settings.yaml:3:10"),
        ("max_bytes: 8", "hosts"),
        ("hosts: [https://x.example]", "settings.yaml:3:11"),
        ("hosts: [X.example]", "settings.yaml:3:11"),
        ("hosts: ['*']\n  networks: [10.1.0.0/8]", "settings.yaml:4"),
        ("hosts: ['*']\n  networks: [localhost]", "settings.yaml:4"),
        ("hosts: ['*']\n  timeout_s: 0", "settings.yaml:4"),
        ("hosts: ['*']\n  x_new: 1", "x_new"),
        ("hosts: ['*']\n  ca_file: none.pem", "settings.yaml:4:12: invalid_value"),
        ("hosts: ['*']\n  ca_file: settings.yaml", "settings.yaml:4:12: invalid_value"),
    ],
)
def test_what_cannot_be_meant_is_an_error_with_its_place(tmp_path, given, told) -> None:
    """As all settings."""
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: http://h\nfetch:\n  {given}\n")
    with pytest.raises(PolicyErrors) as caught:
        load_settings(str(path), {}, {})
    assert told in str(next(iter(caught.value)))


def test_a_file_of_authorities_stands_beside_the_settings(tmp_path) -> None:
    """As the others that they name."""
    (tmp_path / "ca.pem").write_text(Authority().certificate)
    path = tmp_path / "settings.yaml"
    path.write_text("upstream: http://h\nfetch: {hosts: ['*'], ca_file: ca.pem}\n")
    fetch = load_settings(str(path), {}, {}).settings.fetch
    assert fetch is not None
    assert fetch.ca_file == str(tmp_path / "ca.pem")


def test_it_is_read(tmp_path) -> None:
    """From a file."""
    path = tmp_path / "settings.yaml"
    path.write_text(
        "upstream: http://h\nfetch: {hosts: ['*.x.example', 'store:9000'], networks: ['10.1.0.0/16', 'fd00::/8']}\n"
    )
    fetch = load_settings(str(path), {}, {}).settings.fetch
    assert fetch is not None
    assert (fetch.hosts, fetch.max_bytes, fetch.most) == (["*.x.example", "store:9000"], 10 << 20, 16)
