"""Commands whose standard streams are closed, full, or in another encoding than UTF-8."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from guardrails.cli import main
from guardrails.cli.standard_streams import ESCAPE, describe_error, prepare_streams
from tests.cases import each_case

COMMAND = f"{sys.executable} -m guardrails"


def run(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of a shell."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@each_case(
    ("line", "status", "said"),
    [
        ("schema > /dev/full", 2, "the output cannot be written: No space left on device\n"),
        ("schema >&-", 0, ""),
        ("schema <&- >&- 2>&-", 0, ""),
        ("check - --policy pii-only <&-", 2, "standard input: is closed\n"),
        ("key --stdin <&-", 2, "standard input: is closed\n"),
    ],
)  # fmt: skip
def test_streams_that_are_not_there_are_told_of(line: str, status: int, said: str) -> None:
    """In one sentence and by the exit status; where nobody can be told the command does its work all the same."""
    done = run(f"{COMMAND} {line}")
    assert (done.returncode, done.stderr.decode()) == (status, said)


def test_who_has_read_enough_is_no_error() -> None:
    """As `head`: nothing is said, also where all is written when the command ends."""
    done = run(f"{{ {COMMAND} schema; echo $? >&2; }} | head -c 1")
    assert (done.stdout, done.stderr) == (b"{", b"0\n")


def test_what_libraries_write_goes_to_no_file_of_a_command() -> None:
    """Files that it opens are never taken for the standard streams that were closed."""
    code = "import sys\nfrom guardrails.cli.standard_streams import *\nprepare_streams()\nsys.exit(open('/dev/zero').fileno())"
    assert run(f'{sys.executable} -c "{code}" <&- >&- 2>&-').returncode > 2


@each_case("encoding", ["ascii", "latin-1", "utf-8"])
def test_all_letters_can_be_printed(encoding: str) -> None:
    """Those that an encoding does not have are written as JSON writes them, so that JSON stays what it is."""
    text = "mail jo@example.com \u00df \u20ac \U0001f600"
    done = run(f"{COMMAND} check '{text}' --stage output --policy pii-only --json", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding))["content"] == text.replace("jo@example.com", "[EMAIL]")


def test_bytes_that_are_no_text_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As names of files may have them."""
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
    prepare_streams()
    sys.stdout.write("a\udcffb")
    sys.stdout.flush()
    assert out.getvalue() == b"a\\udcffb"
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode(errors=ESCAPE)


def test_what_the_system_refuses_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the name of what it is about."""
    assert main(["schema", "-o", str(tmp_path / "none" / "x.json")]) == 2
    assert capsys.readouterr().err == f"{tmp_path}/none/x.json: No such file or directory\n"
    assert describe_error(OSError("odd")) == "the output cannot be written: OSError"
