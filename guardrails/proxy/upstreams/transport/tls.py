"""Makes TLS contexts of certificates in files: for connections to an upstream, and for those of clients."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

VERSIONS: Final[Mapping[str, ssl.TLSVersion]] = {
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


class CertificateFiles(NamedTuple):
    """Files in PEM, each None where there is none: the authorities of the other side, our certificate with those above it, and
    its key, which may stand in the certificate's file.
    """

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Those that there are."""
        return tuple(path for path in self if path is not None)


NO_FILES: Final = CertificateFiles()


def client_context(files: CertificateFiles) -> ssl.SSLContext | None:
    """Return what connections to an upstream are made with; None where the usual will do: the system's authorities, and no
    certificate of our own.

    Raises:
        ValueError: a file is wrong; the message names it.
    """
    if not files.paths:
        return None
    try:
        context = ssl.create_default_context(cafile=files.ca_file)
    except (OSError, ValueError) as error:
        raise ValueError(_describe(str(files.ca_file), "no certificate in PEM", error)) from error
    load_certificate(context, files)
    return context


def server_context(files: CertificateFiles, least: str) -> ssl.SSLContext:
    """Return what connections of clients are taken with; where there are authorities, each client must show a certificate of one.

    Args:
        files: certificates.
        least: the lowest version of TLS (`VERSIONS`).

    Raises:
        ValueError: a file is wrong; the message names it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[least]
    load_certificate(context, files)
    if files.ca_file is not None:
        try:
            context.load_verify_locations(files.ca_file)
        except (OSError, ValueError) as error:
            raise ValueError(_describe(files.ca_file, "no certificate in PEM", error)) from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def load_certificate(context: ssl.SSLContext, files: CertificateFiles) -> None:
    """Show a certificate from now on, where there is one; raises `ValueError`, which names the file, where it is wrong."""
    if files.cert_file is None:
        return
    named = " and ".join(path for path in (files.cert_file, files.key_file) if path is not None)
    try:
        context.load_cert_chain(files.cert_file, files.key_file, password=_no_password)
    except (OSError, ValueError) as error:
        raise ValueError(_describe(named, "no certificate with its key in PEM", error)) from error


def _no_password() -> str:
    raise ValueError("the key needs a password: store it without one, readable by this process alone")


def _describe(path: str, lack: str, error: Exception) -> str:
    """Return why a file does not serve."""
    if isinstance(error, ssl.SSLError):
        mismatch = "KEY_VALUES_MISMATCH" in str(error)
        return f"{path}: {'the key is not that of the certificate' if mismatch else lack}"
    if isinstance(error, OSError):
        return f"{path}: {error.strerror or error}"
    return f"{path}: {error}"


def certificate_reasons(error: BaseException) -> Iterator[ssl.SSLError]:
    """Yield the errors of TLS that an exception was raised for."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, ssl.SSLError) and hasattr(each, "reason"):  # aiohttp's own have none
            yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "os_error", None)]
        waiting += [arg for arg in each.args if isinstance(arg, BaseException)]
