"""The command line as a whole."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from guardrails.cli import COMMANDS, EXAMPLES, build_parser, end_on_sigterm, main
from tests.cases import each_case


@each_case("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` explains each subcommand and ends with status 0."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert COMMANDS[command] in " ".join(capsys.readouterr().out.split())


@each_case(("command", "line"), [(command, line) for command, lines in EXAMPLES.items() for line in lines])
def test_every_example_is_a_command(command: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What the help shows as it is can be run."""
    given = shlex.split(line)

    assert given[0] == command
    assert build_parser(given).parse_args(given).command == command
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"\n  guardrails {line}\n" in capsys.readouterr().out


UNDER_A_FLOOR = ("check", "scan", "serve", "mcp", "lint", "test", "explain", "diff", "eval")
"""Commands that judge as a served policy would."""


@each_case("command", UNDER_A_FLOOR)
def test_a_floor_is_given_to_all_in_the_same_way(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One option, and one sentence."""
    with pytest.raises(SystemExit):
        main([command, "--help"])

    out = " ".join(capsys.readouterr().out.split())
    assert "--floor P the operator's floor: a policy, as for --policy, under which no verdict can fall" in out


@each_case("argv", [[], ["chekc"], ["check"], ["check", "x", "--stage", "nowhere"], ["serve", "--port", "x"]])
def test_wrong_usage_is_status_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What the parser does not understand goes to standard error with status 2."""
    with pytest.raises(SystemExit) as ended:
        main(argv)

    assert ended.value.code == 2
    assert "usage: guardrails" in capsys.readouterr().err


def test_unknown_policies_are_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt policy is named, with the nearest one that there is."""
    assert main(["check", "hello", "--policy", "defualt"]) == 2
    assert "did you mean 'default'?" in capsys.readouterr().err


def test_runs_as_a_module() -> None:
    """`python -m guardrails` is the same command."""
    result = subprocess.run(
        [sys.executable, "-m", "guardrails", "--version"], capture_output=True, text=True, timeout=60
    )

    assert result.returncode == 0
    assert result.stdout.startswith("guardrails ")


@each_case("argv", [["--version"], ["--help"], ["schema"], ["key", "--help"], ["test", "--help"]])
def test_what_needs_no_policy_brings_little(argv: list[str]) -> None:
    """No other command's module, and nothing that takes long to import."""
    script = (
        "import sys, json\nfrom guardrails.cli import main\n"
        f"try:\n    main({argv!r})\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    loaded = {*json.loads(done.stderr.splitlines()[-1])}
    assert loaded.isdisjoint({"numpy", "pydantic", "yaml", "re2", "regex", "asyncio", "guardrails.guard"})
    commands = {name for name in COMMANDS if f"guardrails.cli.{name}" in loaded}
    assert commands <= {*argv}


def test_a_command_that_serves_ends_well_on_sigterm() -> None:
    """Also while it still loads; in other threads, where signals do not arrive, nothing changes."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, end_on_sigterm():
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 0
    with ThreadPoolExecutor(1) as pool, end_on_sigterm():
        inner = signal.getsignal(signal.SIGTERM)
        pool.submit(end_on_sigterm().__enter__).result()
        assert signal.getsignal(signal.SIGTERM) is inner
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_server_ends_with_its_status_whatever_its_threads_do() -> None:
    """What is to happen at the end of a process happens, and what was printed is there."""
    script = (
        "import atexit\nfrom guardrails.cli import end_process\natexit.register(print, 'ended')\n"
        "import threading\nthreading.Thread(target=threading.Event().wait).start()\nend_process(7)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (7, "ended\n")
