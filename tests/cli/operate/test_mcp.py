"""`guardrails mcp`."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from guardrails.cli import main
from guardrails.cli.operate.mcp import _named_by
from guardrails.mcp.approvals import ApprovalStore
from tests.cases import each_case


@pytest.fixture
def approvals(tmp_path: Path) -> str:
    """A file of approvals: `read` changed, `write` is as it was, and `new` waits."""
    path = tmp_path / "approvals.json"
    store = ApprovalStore(path)
    store.record_seen("files", {"read": {"name": "read", "title": "Read"}, "write": {"name": "write"}})
    store.record_seen("files", {"read": {"name": "read", "title": "Read \u200b\u001b[2J"}})
    ApprovalStore(path, require=True).record_seen("web", {"new": {"name": "new"}})
    return str(path)


def printed(capsys: Any, *words: str) -> tuple[int, str]:
    """Run a command; returns its status and what it printed."""
    status = main(["mcp", *words])
    return status, capsys.readouterr().out


def test_approvals_are_listed(approvals: str, capsys: Any) -> None:
    """How each tool stands; the status says that some wait."""
    status, shown = printed(capsys, "list", "--approvals", approvals)
    assert (status, shown.splitlines()) == (
        1,
        [
            "files  read  changed, waits for approval",
            "files  write  approved",
            "web  new  waits for approval",
        ],
    )
    status, shown = printed(capsys, "list", "--approvals", approvals, "--tool", "write", "--json")
    assert (status, json.loads(shown)) == (0, [{"server": "files", "tool": "write", "standing": "approved"}])


def test_a_change_is_shown(approvals: str, capsys: Any) -> None:
    """Line by line, in which nothing is hidden and nothing moves the cursor."""
    status, shown = printed(capsys, "diff", "--approvals", approvals, "--server", "files")
    assert status == 1
    assert '- "title": "Read"' in shown
    assert '+ "title": "Read \\u200b\\u001b[2J"' in shown
    status, shown = printed(capsys, "diff", "--approvals", approvals, "--json")
    assert [(row["tool"], row["approved"] is None) for row in json.loads(shown)] == [
        ("read", False),
        ("new", True),
    ]


def test_what_waits_is_approved(approvals: str, capsys: Any) -> None:
    """One tool, those of a server, or all; once nothing waits the status says so."""
    assert printed(capsys, "approve", "--approvals", approvals, "--tool", "read") == (
        0,
        "files  read  approved\n",
    )
    status, shown = printed(capsys, "approve", "--approvals", approvals, "--json")
    assert (status, json.loads(shown)) == (0, [{"server": "web", "tool": "new"}])
    assert printed(capsys, "approve", "--approvals", approvals) == (1, "nothing waits\n")
    assert printed(capsys, "diff", "--approvals", approvals) == (0, "")
    assert printed(capsys, "list", "--approvals", approvals)[0] == 0


def test_a_guard_for_everybody_is_meant(capsys: Any, monkeypatch: Any) -> None:
    """Without keys and off the loopback it does not start, unless `--open` says so."""
    given = ["mcp", "--url", "http://127.0.0.1:9/mcp", "--host", "0.0.0.0", "--policy", "pii-only"]
    served: list[str] = []
    monkeypatch.setattr(
        "guardrails.mcp.transport.http.serve", lambda guarding, started: served.append(guarding.settings.host)
    )

    assert main(given) == 2
    assert "neither --open nor open: true" in capsys.readouterr().err
    assert main([*given, "--open"]) == 0
    assert served == ["0.0.0.0"]


@each_case(
    ("words", "told"),
    [
        ([], "give one of: -- COMMAND, --url URL, --config FILE"),
        (["--url", "http://127.0.0.1:1/mcp", "--", "server"], "give one of"),
        (["list"], "list needs --approvals FILE"),
        (["diff", "--approvals", "/none/such.json"], "is not there"),
        (["--require-approval", "--", "server"], "--require-approval needs --approvals FILE"),
        (["--url", "ftp://a"], "servers"),
        (["--on-change", "ask", "--", "server"], "--on-change"),
        (["--policy", "/none/such.yaml", "--", "server"], "such.yaml"),
        (["--", "/none/such"], "cannot start the server '/none/such'"),
    ],
)
def test_mistakes_are_usage_errors(words: list[str], told: str, capsys: Any) -> None:
    """Status 2, and what to do on standard error."""
    assert main(["mcp", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_server_without_a_name_has_one_of_its_own() -> None:
    """Told apart by the whole command, and the same each time; what stands in it is not shown."""
    one, other = _named_by(["/usr/bin/npx", "files", "/a"]), _named_by(["/usr/bin/npx", "files", "/b"])

    assert one != other
    assert one == _named_by(["/usr/bin/npx", "files", "/a"])
    assert re.fullmatch(r"npx-[0-9a-f]{8}", one)
    assert re.fullmatch(r"server-[0-9a-f]{8}", _named_by(["\u00e9"]))


def test_serves_until_interrupted(running: Any, tmp_path: Path) -> None:
    """A settings file with several servers: the command says where each is, and ends on Ctrl-C."""
    config = tmp_path / "mcp.yaml"
    config.write_text(
        "policy: pii-only\nhost: 0.0.0.0\nopen: true\nport: 0\nservers:\n  web: {url: 'http://127.0.0.1:9/mcp'}\n  files: {command: [none]}\n"
    )
    with running("mcp", "--config", str(config)) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(2)]
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)

    found = [
        re.fullmatch(r"guardrails: policy pii-only \S+, on http://0\.0\.0\.0:\d+/mcp/(\w+)\n", line)
        for line in lines
    ]
    assert [each and each[1] for each in found] == ["web", "files"]
    assert server.returncode == 130
