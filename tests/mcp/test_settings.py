"""What an operator may choose, and what is told of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails import PolicyErrors
from guardrails.mcp.settings import load_settings
from tests.cases import each_case

SERVERS = {"s": {"url": "http://127.0.0.1:9000/mcp"}}


def test_a_file_names_servers(tmp_path: Path) -> None:
    """By address or command; paths are relative to it, a shipped policy is one; a flag goes before."""
    (tmp_path / "mcp.yaml").write_text(
        "policy: own.yaml\nfloor: agents\napprovals: seen.json\nport: 1\n"
        "servers:\n  web: {url: 'http://127.0.0.1:9000/mcp', key_env: TOKEN}\n  files: {command: [npx, files]}\n"
    )
    found = load_settings(tmp_path / "mcp.yaml", {"port": 2, "host": None})

    assert (found.policy, found.floor, found.approvals) == (
        str(tmp_path / "own.yaml"),
        "agents",
        str(tmp_path / "seen.json"),
    )
    assert (found.port, found.host, found.on_change) == (2, "127.0.0.1", "refuse")
    assert found.servers["files"].command == ["npx", "files"]


@each_case(
    ("text", "place", "code"),
    [
        ("servers: {}\n", "1:10", "invalid_value"),
        ("port: 5\n", "1:1", "missing_field"),
        ("servers: {s: {}}\n", "1:14", "invalid_value"),
        ("servers: {s: {url: 'http://a/', command: [a]}}\n", "1:14", "invalid_value"),
        ("servers: {s: {url: 'ftp://a/'}}\n", "1:20", "invalid_value"),
        ("servers: {s: {url: 'http://u:p@a/'}}\n", "1:20", "invalid_value"),
        ("servers: {'a/b': {url: 'http://a/'}}\n", "1:10", "invalid_value"),
        ("servers: {s: {url: 'http://a/'}}\non_change: ask\n", "2:12", "invalid_value"),
        ("servers: {s: {url: 'http://a/'}}\nsevers: {}\n", "2:1", "unknown_field"),
        ("- a\n", "1:1", "wrong_type"),
        (
            f"servers: {{s: {{url: 'http://a/'}}}}\nkeys: [{{id: a, sha256: {'a' * 64}}}, {{id: b, sha256: {'a' * 64}}}]\n",
            "2:7",
            "invalid_value",
        ),
        ("servers: {s: {url: 'http://a/'}}\nkeys: [{id: a, sha256: none}]\n", "2:24", "invalid_value"),
        ("servers: {s: {url: 'http://a/'}}\nhost: 0.0.0.0\n", "2:7", "open_to_everybody"),
        ("servers: {s: {url: 'http://a/'}}\nallowed_hosts: ['a b']\n", "2:16", "invalid_value"),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, text: str, place: str, code: str) -> None:
    """Each in the file, by line and column."""
    path = tmp_path / "mcp.yaml"
    path.write_text(text)
    with pytest.raises(PolicyErrors) as raised:
        load_settings(path, {})

    [error] = raised.value
    assert (f"{error.line}:{error.col}", error.file) == (place, str(path))
    assert error.code == code


@each_case("flags", [{"servers": SERVERS, "port": -1}, {"servers": SERVERS, "request_s": 0.0}])
def test_a_mistake_in_a_flag_names_the_flag(flags: dict[str, Any]) -> None:
    """As it is written on the command line."""
    with pytest.raises(PolicyErrors) as raised:
        load_settings(None, flags)

    assert [error.file for error in raised.value] == [f"--{[*flags][-1].replace('_', '-')}"]


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """It says which."""
    with pytest.raises(PolicyErrors, match=r"none\.yaml:0:0: unreadable_file"):
        load_settings(tmp_path / "none.yaml", {})


@each_case(("given", "path"), [(None, "guardrails/records"), ("off", None), ("/named", "/named")])
def test_a_guard_has_records_unless_it_is_told_not_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, path: str | None
) -> None:
    """As a server has; a program that loads the settings itself says so."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    flags = {"servers": SERVERS, "records": given}
    records = load_settings(None, flags, on_record=True).records
    assert (None if records is None else records.path) == (None if path is None else str(tmp_path / path))
    assert load_settings(None, {"servers": SERVERS}).records is None
