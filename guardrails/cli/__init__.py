"""The command line. One file for each subcommand, each a thin user of the library.

Exit status: 0 fine; 1 the answer is no (blocked, a test failed); 2 usage or policy error, on stderr with its place.
"""

from __future__ import annotations

import argparse
import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType, ModuleType
from typing import Final, NoReturn

from guardrails.cli.standard_streams import describe_error, discard_output, prepare_streams
from guardrails.errors import GuardrailsError, GuardUnavailable
from guardrails.registry.environment import allow_files
from guardrails.types import Verdict

UNAVAILABLE: Final = 3
"""The exit status where a check could not be done."""

COMMANDS: dict[str, str] = {
    "check": "Judge texts, files or conversations by a policy.",
    "scan": "Judge every file below a folder; go on where an earlier scan was stopped.",
    "serve": "Put the policy in front of an OpenAI-compatible server.",
    "log": "Find, export, verify and erase the records of decisions.",
    "key": "Make a key for a client of the server, and the row of its settings that lets it in.",
    "mcp": "Put the policy between an agent and its MCP servers.",
    "demo": "Show the proxy at work on a model of its own: no network, no account.",
    "new": "Write a starter policy with its tests: for a bank, a shop, a health service, a school, a toy shop's pictures.",
    "fmt": "Put policy files into one order and layout; comments stay.",
    "lint": "Say what is valid in a policy but surely not meant, and how to put it right.",
    "test": "Run the tests that stand beside a policy's rules.",
    "explain": "Show why a policy judges a content as it does: detectors, words, conditions term by term.",
    "diff": "Show what a change of a policy does: decisions that change, and which version it needs.",
    "tune": "Find the numbers of a rule for a target, such as 1 % false alarms, from labelled examples.",
    "eval": "Measure a policy on labelled examples: precision, recall, false alarms, calibration, latency.",
    "models": "List the models that a policy needs; fetch and verify them when told.",
    "index": "Let an index of known attacks grow, and see what a text resembles.",
    "hashes": "Make lists of known pictures: of what hash-sharing programmes exchange, and of pictures.",
    "schema": "Print the JSON Schema of policy files, for editors.",
    "doctor": "Say what is installed here, what can be used, and what is wrong with it.",
}
"""Subcommand → what it does; each is a module of that name, with `arguments` and `run`, in the folder that `FOLDERS` names."""

FOLDERS: dict[str, str] = {
    **dict.fromkeys(("check", "scan", "demo"), "run"),
    **dict.fromkeys(("new", "fmt", "lint", "test", "explain", "diff", "tune", "eval", "schema"), "author"),
    **dict.fromkeys(("serve", "log", "key", "mcp", "models", "index", "hashes", "doctor"), "operate"),
}
"""Subcommand → the folder of its module."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "check": (
        'check "My card is 4111 1111 1111 1111"',
        'check "Write to jo@example.com." --stage output --policy support.yaml --user tier=guest',
    ),
    "explain": (
        'explain "Write to jo@example.com." --stage output --policy support.yaml --rule contact.redact',
    ),
    "new": ("new --list", "new --from bank --output support.yaml"),
    "fmt": ("fmt support.yaml", "fmt --check policies"),
    "lint": ("lint support.yaml", "lint --fix --diff support.yaml"),
    "test": ("test support.yaml", "test policies --obfuscate base64,homoglyphs --coverage"),
    "diff": (
        "diff live.yaml support.yaml --on traffic.jsonl --max-new-blocks 1% --check-version",
        "diff live.yaml support.yaml --decisions decisions.jsonl",
    ),
    "serve": (
        "serve --policy support.yaml --upstream http://127.0.0.1:8000/v1",
        "serve --policy live.yaml --shadow support.yaml --shadow-log decisions.jsonl --upstream http://127.0.0.1:8000/v1",
    ),
    "mcp": (
        "mcp --policy agents -- npx -y @modelcontextprotocol/server-filesystem /home/me/notes",
        "mcp --policy agents --url http://127.0.0.1:9000/mcp --port 8090",
    ),
    "schema": ("schema -o policy.schema.json",),
}
"""Subcommand → lines that show how it is used, at the end of its help, if it has no end of its own."""

STATUSES: dict[str, Mapping[int, str]] = {
    "serve": {
        0: "it was told to end (SIGTERM), and has ended what was under way",
        130: "it was interrupted (SIGINT, Ctrl-C), and has ended what was under way",
        2: "it could not start: stderr says why",
    },
    "mcp": {
        0: "the agent ended, or the guard was told to (SIGTERM)",
        1: "the server behind ended; list, diff, approve: a tool waits, or nothing did",
        130: "it was interrupted (SIGINT, Ctrl-C)",
        2: "it could not start: stderr says why",
    },
}
"""Subcommand → exit status → when it ends with that, after its examples; of those that go on until they are told to end."""


def build_parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser of a command line: it knows the names of all commands, and the arguments of the one that is given."""
    from guardrails import __version__

    root = argparse.ArgumentParser(
        prog="guardrails",
        description="Safety and moderation middleware between people and generative models.",
    )
    root.add_argument("--version", action="version", version=f"guardrails {__version__}")
    subparsers = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((argument for argument in argv if argument in COMMANDS), None)
    for name, summary in COMMANDS.items():
        to = subparsers.add_parser(name, help=summary.replace("%", "%%"), description=summary)
        if name == chosen:
            _module(name).add_arguments(to)
            if name in EXAMPLES and to.epilog is None:
                to.formatter_class = argparse.RawDescriptionHelpFormatter
                to.epilog = _render_end_of_help(name)
    return root


def _render_end_of_help(name: str) -> str:
    """Return the examples of a command, and its exit statuses."""
    lines = ["examples:", *(f"  guardrails {line}" for line in EXAMPLES[name])]
    if name in STATUSES:
        lines += ["", "exit status:", *(f"  {status:<4} {when}" for status, when in STATUSES[name].items())]
    return "\n".join(lines)


def _module(command: str) -> ModuleType:
    return import_module(f"guardrails.cli.{FOLDERS[command]}.{command}")


@contextmanager
def end_on_sigterm() -> Iterator[None]:
    """Have SIGTERM end a command that serves within a block, with status 0: also while it is still loading, and where it is the
    first process of a container, for which the system drops what it has no handler for.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(0)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end_process(status: int) -> NoReturn:
    """End this process with a status, once what is to happen at its end has. Threads are not waited for: Python would stop those
    that still load or judge in the middle of C++ code, which takes the process down with another status.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)


def add_policy(to: argparse.ArgumentParser) -> None:
    """Add `--policy`, which every subcommand that judges takes."""
    from guardrails.policy.shipped import shipped_names

    to.add_argument(
        "--policy",
        "-p",
        default="default",
        metavar="P",
        help=f"a shipped policy by name ({', '.join(shipped_names())}) or a YAML file; the shipped default if not given",
    )
    add_plugins(to)


def add_plugins(to: argparse.ArgumentParser) -> None:
    """Add `--plugin`, which every subcommand that reads a policy takes."""
    to.add_argument(
        "--plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="a Python file with detectors of your own to try (may be repeated); plugins of installed packages need none",
    )


def add_floor(to: argparse.ArgumentParser) -> None:
    """Add `--floor`, which every subcommand takes that judges as a served policy would."""
    to.add_argument(
        "--floor",
        metavar="P",
        help="the operator's floor: a policy, as for --policy, under which no verdict can fall",
    )


def add_records(to: argparse.ArgumentParser) -> None:
    """Add `--records`, which every command takes that judges for somebody."""
    to.add_argument(
        "--records",
        metavar="FOLDER",
        help="the folder in which every decision is put on record, for `guardrails log`, or off; by default that of "
        "GUARDRAILS_RECORDS, or guardrails/records below $XDG_STATE_HOME or ~/.local/state",
    )


def exit_status(verdicts: Iterable[Verdict]) -> int:
    """Return the exit status for verdicts: 1 if one blocks for certain, else 3 if one could not be reached, else 0."""
    blocking = [verdict for verdict in verdicts if verdict.blocked]
    if any(verdict.unavailable is None for verdict in blocking):
        return 1
    return UNAVAILABLE if blocking else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    prepare_streams()
    given = sys.argv[1:] if argv is None else [*argv]
    arguments = build_parser(given).parse_args(given)
    module = _module(arguments.command)
    try:
        with allow_files(getattr(arguments, "plugin", ())):
            status: int = module.run(arguments)
        sys.stdout.flush()
    except GuardUnavailable as error:
        print(f"UNAVAILABLE: {error}", file=sys.stderr)
        return UNAVAILABLE
    except GuardrailsError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader has seen enough, as `| head` has
        discard_output()
        return 0
    except OSError as error:
        discard_output()
        print(describe_error(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return status
