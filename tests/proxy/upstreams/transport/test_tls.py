"""Certificates in files."""

from __future__ import annotations

import ssl

import pytest

from guardrails.proxy.upstreams.transport.tls import CertificateFiles, client_context, server_context
from tests.cases import each_case
from tests.proxy.tls_kit import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    """Who gives certificates."""
    return Authority()


def test_without_files_the_usual_is_done() -> None:
    """The system's authorities."""
    assert client_context(CertificateFiles()) is None


def test_an_authority_takes_the_place_of_the_systems(authority, tmp_path) -> None:
    """Only its own certificates are believed, and they are looked at."""
    context = client_context(CertificateFiles(authority.save(tmp_path)))
    assert context is not None
    assert (len(context.get_ca_certs()), context.verify_mode, context.check_hostname) == (
        1,
        ssl.CERT_REQUIRED,
        True,
    )


def test_clients_need_a_certificate_where_their_authority_is_named(authority, tmp_path) -> None:
    """Else none."""
    cert = str(authority.file(tmp_path, "guard"))
    assert server_context(CertificateFiles(None, cert), "1.2").verify_mode is ssl.CERT_NONE
    strict = server_context(CertificateFiles(authority.save(tmp_path), cert), "1.3")
    assert (strict.verify_mode, strict.minimum_version) == (ssl.CERT_REQUIRED, ssl.TLSVersion.TLSv1_3)


@each_case("which", ["ca_file", "cert_file", "key_file"])
@each_case("wrong", ["missing", "garbage"])
def test_a_file_that_does_not_serve_is_named(authority, tmp_path, which, wrong) -> None:
    """With why."""
    bad = tmp_path / "bad.pem"
    if wrong == "garbage":
        bad.write_text("no certificate")
    files = CertificateFiles(None, str(authority.file(tmp_path, "guard")))._replace(**{which: str(bad)})

    with pytest.raises(ValueError, match=r"bad\.pem: .*(No such file|no certificate)"):
        client_context(files)


def test_a_key_of_another_certificate_is_told(authority, tmp_path) -> None:
    """The two do not belong together."""
    key = tmp_path / "other.key"
    key.write_text(Authority()._hosts.private)
    with pytest.raises(ValueError, match="the key is not that of the certificate"):
        client_context(CertificateFiles(None, str(authority.file(tmp_path, "guard")), str(key)))
