"""`guardrails mcp`: a policy between an agent and its MCP servers, and what became of their tools' definitions.

With a command it is the server that an agent starts; with an address, or a settings file, it serves streamable HTTP. `list`,
`diff` and `approve` look after the file of approvals.
"""

from __future__ import annotations

import argparse
import asyncio
import difflib
import hashlib
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from guardrails.cli import add_floor, add_policy, add_records, end_on_sigterm
from guardrails.cli.first_process import leave_first_process
from guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from guardrails.mcp.approvals import ToolRecord
    from guardrails.mcp.settings import McpDoc

FLAGS = (
    "policy",
    "floor",
    "records",
    "approvals",
    "require_approval",
    "on_change",
    "unknown_methods",
    "host",
    "port",
    "open",
    "request_s",
)
"""The settings that have a flag."""

CHANGED = {"new": "waits for approval", "changed": "changed, waits for approval", "approved": "approved"}


def add_arguments(to: argparse.ArgumentParser) -> None:
    """Declare the arguments. One that is not given is left to the file, or its default."""
    to.usage = (
        "guardrails mcp [options] -- COMMAND [ARGUMENT …]\n       guardrails mcp [options] --url URL --port N\n"
        "       guardrails mcp --config FILE\n       guardrails mcp list|diff|approve --approvals FILE [--server S] [--tool T]"
    )
    to.add_argument(
        "words", nargs="*", metavar="COMMAND", help="what starts the server; or list, diff or approve"
    )
    to.add_argument("--config", "-c", metavar="FILE", help="a YAML file of settings, with servers by name")
    add_policy(to)
    to.set_defaults(policy=None)
    add_floor(to)
    to.add_argument("--url", metavar="URL", help="a server behind that speaks streamable HTTP")
    to.add_argument("--host", help="the address to listen on (default 127.0.0.1)")
    to.add_argument("--port", type=int, help="the port to listen on (default 8090)")
    to.add_argument(
        "--open",
        action="store_const",
        const=True,
        help="without keys, let everybody ask who reaches an address of other machines",
    )
    to.add_argument("--name", help="the server's name, by which its tools are approved")
    add_records(to)
    to.add_argument("--approvals", metavar="FILE", help="the file that remembers how tools were defined")
    to.add_argument(
        "--require-approval",
        action="store_const",
        const=True,
        help="let a tool that was never seen wait until it is approved",
    )
    to.add_argument("--on-change", help="what to do with a changed tool: refuse (default), or judge")
    to.add_argument("--unknown-methods", help="what to do with unknown methods: judge (default) or refuse")
    to.add_argument("--request-s", type=float, metavar="S", help="seconds for an answer of a server's")
    to.add_argument("--server", metavar="S", help="list, diff, approve: of this server only")
    to.add_argument("--tool", metavar="T", help="list, diff, approve: of this tool only")
    to.add_argument("--json", action="store_true", help="list, diff, approve: print JSON")


def run(args: argparse.Namespace) -> int:
    """Guard until the agent or the server ends, serve until interrupted, or look after approvals."""
    if len(args.words) == 1 and args.words[0] in DOING:
        if args.approvals is None:
            raise GuardrailsError(f"{args.words[0]} needs --approvals FILE")
        return DOING[args.words[0]](args)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="guardrails mcp: %(message)s")
    settings = _settings(args)
    if settings.require_approval and settings.approvals is None:
        raise GuardrailsError("--require-approval needs --approvals FILE, where approvals are kept")
    if not args.words:  # the other reads from a terminal, maybe
        leave_first_process()
    with end_on_sigterm():
        return _stdio(settings) if args.words else _http(settings)


def _settings(args: argparse.Namespace) -> McpDoc:
    from guardrails.mcp.settings import load_settings
    from guardrails.records.configuration import name_records

    given = sum((bool(args.words), args.url is not None, args.config is not None))
    if given != 1 and not (given == 2 and args.config is not None):
        raise GuardrailsError("give one of: -- COMMAND, --url URL, --config FILE")
    flags = {name: getattr(args, name) for name in FLAGS}
    if args.words:
        flags["servers"] = {args.name or _named_by(args.words): {"command": args.words}}
    elif args.url is not None:
        flags["servers"] = {
            args.name or _named_by([urlsplit(args.url).hostname or "", args.url]): {"url": args.url}
        }
    flags["records"] = name_records(args.records, os.environ)
    return load_settings(args.config, flags, on_record=True)


def _named_by(command: list[str]) -> str:
    """Return a name for a server that has none: the program's or the host's, and what tells it from others."""
    letters = (letter if letter.isascii() and letter.isalnum() else "-" for letter in Path(command[0]).name)
    program = "".join(letters).strip("-")[:40]
    return f"{program or 'server'}-{hashlib.sha256(json.dumps(command).encode()).hexdigest()[:8]}"


def _stdio(settings: McpDoc) -> int:
    from guardrails.mcp.guards import McpGuard
    from guardrails.mcp.session import AgentSession
    from guardrails.mcp.transport.stdio import run_relay

    (name, server), *_ = settings.servers.items()
    link = McpGuard(settings).link(name, AgentSession())
    work = run_relay(
        server.command or (), link, request_s=settings.request_s, limit=settings.max_message_bytes
    )
    return asyncio.run(work)


def _http(settings: McpDoc) -> int:
    from guardrails.mcp.guards import McpGuard
    from guardrails.mcp.transport.http import serve

    guarding = McpGuard(settings)
    ref = guarding.guard.policy.ref

    def started(port: int) -> None:
        for name in settings.servers:
            address = f"http://{settings.host}:{port}/mcp/{name}"
            print(f"guardrails: policy {ref.name} {ref.version}, on {address}", flush=True)

    serve(guarding, started)
    return 0


def _records(args: argparse.Namespace) -> list[tuple[str, str, ToolRecord]]:
    from guardrails.mcp.approvals import ApprovalStore, filter_tools

    if not Path(args.approvals).exists():
        raise GuardrailsError(f"{args.approvals} is not there: a guard that has --approvals makes it")
    return [*filter_tools(ApprovalStore(Path(args.approvals)).records(), args.server, args.tool)]


def _list(args: argparse.Namespace) -> int:
    """Print how each tool stands; 1 if any waits."""
    found = _records(args)
    if args.json:
        table = [
            {"server": server, "tool": tool, "standing": at.standing.value} for server, tool, at in found
        ]
        print(json.dumps(table))
    else:
        for server, tool, record in found:
            print(f"{_display_name(server)}  {_display_name(tool)}  {CHANGED[record.standing.value]}")
    return int(any(record.pending is not None for _, _, record in found))


def _diff(args: argparse.Namespace) -> int:
    """Print how each definition that waits differs from the approved one; 1 if any does."""
    found = [(server, tool, at) for server, tool, at in _records(args) if at.pending is not None]
    if args.json:
        table = [
            {"server": server, "tool": tool, "approved": at.definition, "pending": at.pending}
            for server, tool, at in found
        ]
        print(json.dumps(table))
    else:
        for server, tool, record in found:
            name = f"{_display_name(server)}/{_display_name(tool)}"
            lines = difflib.unified_diff(
                _lines(record.definition),
                _lines(record.pending),
                f"{name} approved",
                f"{name} now",
                lineterm="",
            )
            print("\n".join(lines))
    return int(bool(found))


def _approve(args: argparse.Namespace) -> int:
    """Approve what waits, and print what that was; 1 if nothing did."""
    from guardrails.mcp.approvals import ApprovalStore

    _records(args)
    found = ApprovalStore(Path(args.approvals)).approve(args.server, args.tool)
    if args.json:
        print(json.dumps([{"server": server, "tool": tool} for server, tool in found]))
    else:
        print(
            "\n".join(f"{_display_name(server)}  {_display_name(tool)}  approved" for server, tool in found)
            or "nothing waits"
        )
    return int(not found)


DOING = {"list": _list, "diff": _diff, "approve": _approve}


def _lines(definition: Mapping[str, Any] | None) -> list[str]:
    """Return a definition in lines, in which nothing is hidden: what is no ASCII is written out."""
    return [] if definition is None else json.dumps(definition, indent=1, sort_keys=True).splitlines()


def _display_name(name: str) -> str:
    """Return a name that a server chose, as it may be shown on a terminal."""
    return json.dumps(name)[1:-1]
