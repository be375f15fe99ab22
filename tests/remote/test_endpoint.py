"""Endpoints: where a service is, and what its requests carry."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.remote.endpoint import Endpoint, RemoteError, SecretSource, is_usable
from tests.cases import each_case

KEY = "sk-zqx-123"


@each_case(
    ("url", "usable"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("https://api.openai.com/v1", True),
        ("https://x.example", True),
        ("http://[::1]:80/", True),
        ("http://host/a@b", True),
        ("", False),
        ("host:80", False),
        ("ftp://host/", False),
        ("file:///etc/passwd", False),
        ("http://", False),
        ("http:///v1", False),
        ("http://host:0/", False),
        ("http://host:99999/", False),
        ("http://host:x/", False),
        ("http://ann:pass@host/", False),
        ("http://@host/", False),
        ("http://host/?a=1", False),
        ("http://host/?", False),
        ("http://host/#a", False),
        ("http://ho st/", False),
        ("http://host/\nx", False),
        ("http://host\\@evil/", False),
        ("http://h\u00f6st/", False),
    ],
)
def test_a_url_is_one_to_which_paths_can_be_added(url: str, usable: bool) -> None:
    """HTTP with a host, and nothing that would swallow a path or hold a password."""
    assert is_usable(url) is usable


def test_a_key_goes_in_as_a_bearer_or_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Bearer` in `authorization`, as it is in any other header; the endpoint's own headers stand beside it."""
    monkeypatch.setenv("ZQX_KEY", f"  {KEY}\n")
    secret = SecretSource(env="ZQX_KEY")
    bearer = Endpoint("far", "http://x", secret, headers=(("X-Team", "red"),))
    plain = Endpoint("far", "http://x", secret, "Ocp-Apim-Subscription-Key")
    assert bearer.request_headers() == {"x-team": "red", "authorization": f"Bearer {KEY}"}
    assert plain.request_headers() == {"ocp-apim-subscription-key": KEY}
    assert Endpoint("far", "http://x").request_headers() == {}


def test_a_key_is_read_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It can change under a running process."""
    file = tmp_path / "key"
    for value in ("one", "two"):
        monkeypatch.setenv("ZQX_KEY", value)
        file.write_text(f"{value}\n")
        assert SecretSource(env="ZQX_KEY").read() == SecretSource(file=file).read() == value


@each_case(
    ("content", "said"),
    [
        (None, "file 'key' cannot be read (FileNotFoundError)"),
        (b"", "file 'key' is empty"),
        (b" \n", "file 'key' is empty"),
        (b"zqx\nzqx", "file 'key' holds more than one line of ASCII"),
        (b"zqx\0", "file 'key' holds more than one line of ASCII"),
        ("zqx\u00e9".encode(), "file 'key' holds more than one line of ASCII"),
        (b"zqx\xff", "file 'key' cannot be read (UnicodeDecodeError)"),
    ],
)
def test_a_key_that_cannot_be_sent_is_an_error(tmp_path: Path, content: bytes | None, said: str) -> None:
    """The text says which file and why, not what is in it."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(RemoteError) as error:
        SecretSource(file=file).read()
    assert str(error.value) == said


@each_case("value", [None, "", "  "])
def test_a_variable_that_is_not_set_is_an_error(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """Nothing is sent without the key."""
    monkeypatch.delenv("ZQX_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv("ZQX_KEY", value)
    with pytest.raises(RemoteError, match="the environment's ZQX_KEY is empty"):
        Endpoint("far", "http://x", SecretSource(env="ZQX_KEY")).request_headers()


def test_what_is_secret_is_in_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither key nor headers are in what is printed; of them the identity depends on nothing."""
    monkeypatch.setenv("ZQX_KEY", KEY)
    endpoint = Endpoint("far", "http://x", SecretSource(env="ZQX_KEY"), headers=(("x-key", KEY),))
    endpoint.request_headers()
    assert KEY not in repr(endpoint)
    assert endpoint.identity == Endpoint("far", "http://x").identity
    assert endpoint.identity != Endpoint("far", "http://y").identity
