"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest

from guardrails.cli import COMMANDS, main


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` explains each subcommand and ends with status 0."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert COMMANDS[command] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "argv", [[], ["chekc"], ["check"], ["check", "x", "--stage", "nowhere"], ["serve", "--port", "x"]]
)
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
