"""Signed requests: the signature is the one that AWS computes, by credentials that are there now."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from guardrails.remote.aws import Signer
from guardrails.remote.client import get_client
from guardrails.remote.endpoint import RemoteError


def expected(url: str, body: bytes, headers: Mapping[str, str], secret: str) -> str:
    """Return the signature of a request by the published recipe, which other code than botocore's follows here."""
    scheme, credential, signed, _ = headers["authorization"].replace(",", "").split(" ")
    _, date, region, service, end = credential.partition("=")[2].split("/")
    names = signed.partition("=")[2].split(";")
    lines = [f"{name}:{' '.join(headers[name].split())}" for name in names]
    path = quote(urlsplit(url).path, safe="/~")
    request = "\n".join(
        ["POST", path, urlsplit(url).query, *lines, "", ";".join(names), hashlib.sha256(body).hexdigest()]
    )
    digest = hashlib.sha256(request.encode()).hexdigest()
    to_sign = "\n".join([scheme, headers["x-amz-date"], "/".join([date, region, service, end]), digest])
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Begin with none: none of the environment, none of this machine's."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "DEFAULT_PROFILE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("SHARED_CREDENTIALS_FILE", "CONFIG_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / name))


PATH = "/guardrail/arn%3Aaws%3Abedrock%3Ax%3A1%3Aguardrail%2Fgr0/version/1/apply"


@pytest.fixture
def ask(far: Any, run: Any) -> Any:
    """Return a function that sends one signed request by a signer."""

    async def send(signer: Signer) -> None:
        await get_client(far.endpoint()).post(PATH, {"text": "\u00e9"}, sign=await signer.ready("far"))

    return lambda signer: run(send(signer))


def test_the_signature_is_the_one_of_the_recipe(far, ask, monkeypatch) -> None:
    """Over path, body and headers as they arrive."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAZQX")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "zqx-secret")
    ask(Signer("eu-central-1", "bedrock"))

    (asked,) = far.asked
    signed = asked.headers["authorization"]
    assert asked.path == f"/v1{PATH}"
    assert "/eu-central-1/bedrock/aws4_request" in signed
    assert "host;" in signed
    url = f"{far.url}{PATH}"
    assert signed.rpartition("Signature=")[2] == expected(url, asked.raw, asked.headers, "zqx-secret")
    assert "zqx-secret" not in str(asked.headers)


def test_credentials_of_the_environment_are_read_anew(far, ask, monkeypatch) -> None:
    """They may change under a running process; a session's token goes along."""
    signer = Signer("eu-central-1", "bedrock")
    for number in ("1", "2"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"AKIA{number}")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", number)
        monkeypatch.setenv("AWS_SESSION_TOKEN", f"token-{number}")
        ask(signer)
    assert [each.headers["x-amz-security-token"] for each in far.asked] == ["token-1", "token-2"]
    assert [
        "AKIA1" in far.asked[0].headers["authorization"],
        "AKIA2" in far.asked[1].headers["authorization"],
    ] == [True] * 2


def test_credentials_of_a_file_are_found(far, ask, tmp_path: Path) -> None:
    """As by AWS's own tools."""
    (tmp_path / "SHARED_CREDENTIALS_FILE").write_text(
        "[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n"
    )
    ask(Signer("eu-central-1", "bedrock"))
    assert "Credential=AKIAFILE/" in far.asked[0].headers["authorization"]


def test_without_credentials_nothing_is_sent(far, ask) -> None:
    """The error names the endpoint."""
    with pytest.raises(RemoteError, match=r"^endpoint 'far': there are no AWS credentials$"):
        ask(Signer("eu-central-1", "bedrock"))
    assert far.asked == []


def test_credentials_that_cannot_be_read_are_an_error(far, ask, monkeypatch) -> None:
    """By the kind of error alone."""
    monkeypatch.setenv("AWS_PROFILE", "zqx")
    with pytest.raises(
        RemoteError, match=r"^endpoint 'far': AWS credentials cannot be had \(ProfileNotFound\)$"
    ):
        ask(Signer("eu-central-1", "bedrock"))
    assert far.asked == []
