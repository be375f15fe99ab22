"""The command line: arguments in, an exit status out. One file for each subcommand, each a thin user of the library.

Exit status: 0 fine; 1 the answer is no (blocked, a test failed); 2 usage or policy error, on stderr with its place.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from guardrails.errors import GuardrailsError

COMMANDS: dict[str, str] = {
    "check": "Judge texts, files or conversations by a policy.",
    "scan": "Judge every file below a folder; go on where an earlier scan was stopped.",
    "serve": "Put the policy in front of an OpenAI-compatible server.",
    "key": "Make a key for a client of the server, and the row of its settings that lets it in.",
    "mcp": "Put the policy between an agent and its MCP servers.",
    "demo": "Show the proxy at work on a model of its own: no network, no account.",
    "test": "Run the tests that stand beside a policy's rules.",
    "models": "List the models that a policy needs; fetch and verify them when told.",
    "index": "Let an index of known attacks grow, and see what a text resembles.",
    "hashes": "Make lists of known pictures of what hash-sharing programmes exchange.",
    "schema": "Print the JSON Schema of policy files, for editors.",
}
"""Subcommand → what it does; each is the module of the same name in this folder, with `arguments` and `run`."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    from guardrails import __version__

    root = argparse.ArgumentParser(
        prog="guardrails",
        description="Safety and moderation middleware between people and generative models.",
    )
    root.add_argument("--version", action="version", version=f"guardrails {__version__}")
    subparsers = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        module = import_module(f"guardrails.cli.{name}")
        module.arguments(subparsers.add_parser(name, help=summary, description=summary))
    return root


def add_policy(to: argparse.ArgumentParser) -> None:
    """Add `--policy`, which every subcommand that judges takes."""
    to.add_argument(
        "--policy",
        "-p",
        default="default",
        metavar="P",
        help="a shipped policy by name (default, strict, pii-only, agents) or a YAML file; the shipped default if not given",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parser().parse_args(argv)
    module = import_module(f"guardrails.cli.{arguments.command}")
    try:
        status: int = module.run(arguments)
    except GuardrailsError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough, as `| head` has
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        return 130
    return status
