"""Looks at what a server finds on its machine: files of keys and certificates, limits, room for files, its ports."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guardrails.errors import GuardrailsError
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.diagnosis.findings import Finding, Grade
from guardrails.proxy.server.connections import FEWEST, limit_to_descriptors

SOON_DAYS: Final = 21
"""Days before its end at which a certificate is to be renewed."""

LEAST_ROOM: Final = 1 << 30
"""Bytes that files of films need at least."""


def inspect_machine(settings: Settings, now: float) -> Iterator[Finding]:
    """Yield what is found. `now` is the time in seconds since 1970."""
    for subject, path in _key_files(settings):
        yield _inspect_key(subject, path)
    for subject, path in _certificates(settings):
        yield inspect_certificate(subject, path, now)
    yield from _inspect_environment(settings)
    yield _inspect_descriptors(settings)
    yield _inspect_room()
    for name, port in (("port", settings.port), ("probe_port", settings.probe_port)):
        if port:
            yield _inspect_port(name, settings.host, port)


def _key_files(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.upstream_key_file is not None:
        yield "upstream_key_file", settings.upstream_key_file
    if settings.tls is not None:
        yield "tls.key_file", settings.tls.key_file or settings.tls.cert_file
    for name, one in settings.upstreams.items():
        if one.key_file is not None:
            yield f"upstreams.{name}.key_file", one.key_file
        if one.cert_file is not None:
            yield f"upstreams.{name}.cert_key_file", one.cert_key_file or one.cert_file


def _certificates(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.tls is not None:
        yield "tls.cert_file", settings.tls.cert_file
    for name, one in settings.upstreams.items():
        for field, path in (("cert_file", one.cert_file), ("ca_file", one.ca_file)):
            if path is not None:
                yield f"upstreams.{name}.{field}", path


def _inspect_key(subject: str, path: str) -> Finding:
    """Tell whether others may read a secret."""
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        return Finding(
            "files", subject, "problem", f"{path}: {error.strerror}", "write it, readable by who serves"
        )
    if mode & (stat.S_IROTH | stat.S_IWOTH):
        return Finding("files", subject, "warning", f"{path} is open to every user", f"chmod o-rwx {path}")
    return Finding("files", subject, "ok", f"{path} is closed to others")


def inspect_certificate(subject: str, path: str, now: float) -> Finding:
    """Tell until when a certificate holds, of several in a file the first."""
    try:
        ends = ssl.cert_time_to_seconds(_first_end(path))
    except (OSError, ValueError, KeyError, ssl.SSLError):
        return Finding(
            "files", subject, "problem", f"{path} holds no certificate in PEM", "name one that does"
        )
    days = (ends - now) / 86_400
    day = time.strftime("%Y-%m-%d", time.gmtime(ends))
    if days < 0:
        return Finding(
            "files", subject, "problem", f"{path} has expired on {day}", "renew it: it is read again"
        )
    if days < SOON_DAYS:
        return Finding(
            "files", subject, "warning", f"{path} expires on {day}", "renew it before: it is read again"
        )
    return Finding("files", subject, "ok", f"{path} holds until {day}")


def _first_end(path: str) -> str:
    """Return when the first certificate of a file ends, as OpenSSL writes it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    text = Path(path).read_text(encoding="ascii", errors="replace")
    begin = text.index("-----BEGIN CERTIFICATE-----")
    end = text.index("-----END CERTIFICATE-----", begin) + len("-----END CERTIFICATE-----")
    context.load_verify_locations(cadata=text[begin:end] + "\n")
    decode = getattr(getattr(ssl, "_ssl"), "_test_decode_cert")  # noqa: B009 - get_ca_certs leaves out what is no authority's
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text[begin:end] + "\n")
        file.flush()
        return str(decode(file.name)["notAfter"])


def _inspect_environment(settings: Settings) -> Iterator[Finding]:
    """Tell which variables of keys are not set."""
    for name, one in settings.upstreams.items():
        if one.key_env is not None and not os.environ.get(one.key_env):
            yield Finding(
                "settings",
                f"upstreams.{name}.key_env",
                "warning",
                f"{one.key_env} is not set: no key is sent",
                f"set {one.key_env}, or name a key_file",
            )
    if settings.admin_key is None and settings.host not in ("127.0.0.1", "::1", "localhost"):
        yield Finding(
            "settings",
            settings.admin_key_env,
            "warning",
            "is not set: whoever reaches the server may read /metrics",
            f"set {settings.admin_key_env} to what `guardrails key --bare` prints",
        )


def _inspect_descriptors(settings: Settings) -> Finding:
    most = limit_to_descriptors(settings.max_connections)
    if most >= settings.max_connections:
        return Finding("system", "open files", "ok", f"enough for {most} connections")
    grade: Grade = "problem" if most < min(settings.max_connections, FEWEST) else "warning"
    cure = "raise it: ulimit -n, systemd's LimitNOFILE=, docker's --ulimit nofile="
    return Finding("system", "open files", grade, f"the limit allows {most} connections at a time", cure)


def _inspect_room() -> Finding:
    folder = tempfile.gettempdir()
    try:
        with tempfile.TemporaryFile():
            free = shutil.disk_usage(folder).free
    except OSError as error:
        return Finding(
            "system", "TMPDIR", "problem", f"{folder}: {error.strerror}", "set TMPDIR to a folder to write in"
        )
    if free < LEAST_ROOM:
        return Finding(
            "system", "TMPDIR", "warning", f"{folder} has {free >> 20} MiB free", "films need more"
        )
    return Finding("system", "TMPDIR", "ok", f"{folder} can be written, {free >> 30} GiB free")


def _inspect_port(name: str, host: str, port: int) -> Finding:
    from guardrails.proxy.server.listening.listener import open_listener

    try:
        open_listener(host, port).close()
    except GuardrailsError as error:
        return Finding(
            "system",
            name,
            "warning",
            str(error),
            "is a server running there already? else choose another port",
        )
    except (OSError, socket.gaierror) as error:
        return Finding(
            "system", name, "problem", f"{host}: {error}", "name an address of this machine as host"
        )
    return Finding("system", name, "ok", f"{host}:{port} is free")
