"""The settings of the TLS that clients connect with, and their checks."""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import Field

from guardrails.detectors.config import Config
from guardrails.policy.loading.problems import MarkSource, Problems
from guardrails.proxy.upstreams.transport.tls import CertificateFiles, server_context


class TlsDoc(Config):
    """The certificates with which clients are answered. The files are PEM, and read again when they change."""

    cert_file: str = Field(min_length=1, examples=["certs/server.pem"])
    """The server's certificate, with those above it."""
    key_file: str | None = Field(default=None, min_length=1, examples=["certs/server.key"])
    """Its key, where that does not stand in the same file; without a password."""
    client_ca_file: str | None = Field(default=None, min_length=1, examples=["certs/clients-ca.pem"])
    """The authorities of clients: where this is set, a client must show a certificate of one of them. An authority that is
    taken out of the file counts until the next start."""
    min_version: Literal["1.2", "1.3"] = "1.2"
    """The lowest version of TLS that is spoken."""

    @property
    def files(self) -> CertificateFiles:
        """The files."""
        return CertificateFiles(self.client_ca_file, self.cert_file, self.key_file)


class TlsSettings(Protocol):
    """Settings with TLS."""

    @property
    def tls(self) -> TlsDoc | None: ...


def check_tls(doc: TlsSettings, marks: MarkSource, problems: Problems) -> None:
    """Keep what is wrong with the files."""
    if doc.tls is None:
        return
    try:
        server_context(doc.tls.files, doc.tls.min_version)
    except ValueError as error:
        problems.add(
            marks.mark(("tls",)),
            "invalid_certificate",
            str(error),
            "name PEM files that the user who serves may read",
        )
