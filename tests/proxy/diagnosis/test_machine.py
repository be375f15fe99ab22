"""What a server finds on its machine."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime

from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.diagnosis.machine import inspect_certificate, inspect_machine
from tests.proxy.tls_kit import Authority


def day(year: int) -> float:
    """Return the first second of a year."""
    return datetime(year, 1, 1, tzinfo=UTC).timestamp()


def test_a_certificate_is_told_before_its_end(tmp_path) -> None:
    """And after it; each with what to do."""
    path = str(Authority().file(tmp_path, "guard", until=2030))
    found = {at: inspect_certificate("c", path, at) for at in (day(2029), day(2030) - 86_400, day(2031))}
    assert [each.grade for each in found.values()] == ["ok", "warning", "problem"]
    assert found[day(2029)].found == f"{path} holds until 2030-01-01"
    assert "renew" in found[day(2031)].cure
    (tmp_path / "none.pem").write_text("nothing")
    assert inspect_certificate("c", str(tmp_path / "none.pem"), 0.0).grade == "problem"


def test_files_variables_and_ports_are_looked_at(tmp_path, monkeypatch) -> None:
    """A key that others may read, a variable that is not set, a port that is taken."""
    monkeypatch.delenv("NO_KEY", raising=False)
    key = tmp_path / "key"
    key.write_text("sk-zqx")
    key.chmod(0o644)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        settings = Settings(
            port=taken.getsockname()[1],
            upstreams={
                "a": {"url": "http://a", "models": ["a"], "key_file": str(key)},
                "b": {"url": "http://b", "models": ["b"], "key_env": "NO_KEY"},
            },
        )
        found = {each.subject: each for each in inspect_machine(settings, day(2026))}

    assert (found["upstreams.a.key_file"].grade, found["upstreams.a.key_file"].cure) == (
        "warning",
        f"chmod o-rwx {key}",
    )
    assert found["upstreams.b.key_env"].found == "NO_KEY is not set: no key is sent"
    assert found["port"].grade == "warning"
    assert found["TMPDIR"].grade in ("ok", "warning")
    assert "sk-zqx" not in repr(found)
    key.chmod(0o600)
    assert next(inspect_machine(settings, day(2026))).grade == "ok"
