"""`guardrails log` as a whole."""

from __future__ import annotations

import pytest

from guardrails.cli import main
from guardrails.cli.operate.log import DOES
from tests.cases import each_case


@each_case("name", DOES)
def test_each_subcommand_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In its help, with where records are found."""
    with pytest.raises(SystemExit) as ended:
        main(["log", name, "--help"])
    assert ended.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert DOES[name] in out
    assert "--records FOLDER" in out


def test_the_examples_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the command itself."""
    with pytest.raises(SystemExit):
        main(["log", "--help"])
    assert "guardrails log query --since 24h --action block" in capsys.readouterr().out
