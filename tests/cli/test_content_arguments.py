"""What commands that judge single contents are given."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from guardrails import GuardrailsError
from guardrails.cli import main
from guardrails.cli.content_arguments import add_contents, add_context, is_file, read_contents, read_context
from tests.cases import each_case

POLICY = """
format: 1
name: asked
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
rules:
  - {id: strangers, on: [input, output], when: 'custom.x > 0 && %s', then: block, on_error: flag}
"""


def parsed(*arguments: str) -> argparse.Namespace:
    """Parse arguments as a command does."""
    parser = argparse.ArgumentParser()
    add_contents(parser)
    add_context(parser)
    return parser.parse_args(["a", *arguments])


@each_case(
    ("arguments", "expected"),
    [
        ((), {}),
        (("--user", "tier=staff"), {"user": {"tier": "staff"}}),
        (("--user", "tier=3", "--user", "id=true"), {"user": {"tier": "3", "id": "true"}}),
        (("--user", "age=3", "--user", "vip=true"), {"user": {"age": 3, "vip": True}}),
        (("--user", "name=a=b"), {"user": {"name": "a=b"}}),
        (("--user", "name="), {"user": {"name": ""}}),
        (("--user", "name=NaN"), {"user": {"name": "NaN"}}),
        (("--user", "name=[" + "[" * 100_000), {"user": {"name": "[" + "[" * 100_000}}),
        (("--metadata", 'plan={"a": [1]}'), {"metadata": {"plan": {"a": [1]}}}),
        (("--client", "language=de"), {"client": {"language": "de"}}),
        (("--tenant", "acme", "--model", "m"), {"tenant": "acme", "model": "m"}),
        (("--system", "be nice", "--prompt", ""), {"system": "be nice", "prompt": ""}),
    ],
)
def test_the_context_is_that_of_a_check(arguments: tuple[str, ...], expected: dict[str, Any]) -> None:
    """Values are JSON where they are, but for what conditions read as a text; what is not given is left out."""
    assert read_context(parsed(*arguments)) == expected


@each_case(
    ("arguments", "message"),
    [
        (("--user", "tier"), "--user tier: write KEY=VALUE"),
        (("--metadata", "=a"), "--metadata =a: write KEY=VALUE"),
        (("--user", "a=1", "--user", "a=2"), "--user a: given twice"),
    ],
)
def test_what_is_no_pair_is_an_error(arguments: tuple[str, ...], message: str) -> None:
    """Nothing that was meant is lost."""
    with pytest.raises(GuardrailsError, match=message):
        read_context(parsed(*arguments))


@each_case(
    ("condition", "arguments", "status"),
    [
        ('request.user.tier != "trusted"', ["--user", "tier=guest"], 1),
        ('request.user.tier != "trusted"', ["--user", "tier=trusted"], 0),
        ("request.user.age < 18", ["--user", "age=17"], 1),
        ('request.tenant == "acme"', ["--tenant", "acme"], 1),
        ('request.metadata.plan == "free"', ["--metadata", "plan=free"], 1),
        ('request.client.app == "web"', ["--client", "app=web"], 1),
        ('request.model == "m"', ["--model", "m"], 1),
        ('request.model == "m"', [], 0),
    ],
)
@each_case("command", ["check", "explain"])
def test_conditions_read_it(
    command: str,
    condition: str,
    arguments: list[str],
    status: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same for each command; what is wrong is told before anything is judged."""
    path = tmp_path / "asked.yaml"
    path.write_text(POLICY % condition)
    assert main([command, "a blast", "-p", str(path), *arguments, "--json"]) == status
    assert json.loads(capsys.readouterr().out)
    assert main([command, "a blast", "-p", str(path), "--user", "x"]) == 2
    assert "KEY=VALUE" in capsys.readouterr().err


def test_contents_are_texts_and_files(tmp_path: Path) -> None:
    """An empty argument is an empty text; a name of a file is the file, unless all are said to be texts."""
    path = tmp_path / "note.txt"
    path.write_text("from a file\r\n")
    assert [*read_contents(["", "a text", str(path)], as_text=False)] == [
        ("", ""),
        ("a text", "a text"),
        (str(path), "from a file\r\n"),
    ]
    assert [*read_contents([str(path), "-"], as_text=True)] == [(str(path), str(path)), ("-", "-")]
    assert is_file(str(path))
    assert not is_file("x" * 10_000)
    assert not is_file("a\0b")
