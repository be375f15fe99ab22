"""Files of verdicts: what they have after each line, and how they are gone on with."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.authoring.scan.verdict_file import (
    Line,
    LineFate,
    UnusableVerdictsError,
    decode_name,
    encode_line,
    encode_name,
    open_verdicts,
)
from tests.cases import each_case


def line_of(name: str, **more: Any) -> Line:
    """Return a line."""
    rest = {"size": 1, "mtime_ns": 1, "sha256": "0", "kind": "text", "verdict": {}, "error": None}
    return {**encode_name(name), **rest, **more}


def always(fate: LineFate) -> Callable[[Line], LineFate]:
    """Return who says the same of all lines."""
    return lambda line: fate


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A file with the verdicts on a and b."""
    path = tmp_path / "v.jsonl"
    path.write_bytes(encode_line(line_of("a")) + encode_line(line_of("b")))
    return path


def paths(out: Path) -> list[str]:
    """Return whose lines a file has."""
    return [json.loads(line)["path"] for line in out.read_bytes().splitlines()]


def test_each_line_is_there_at_once(tmp_path: Path) -> None:
    """Before the next one, and while the file is open."""
    out = tmp_path / "v.jsonl"
    with open_verdicts(out, always(LineFate.KEPT)) as verdicts:
        for number, name in enumerate(("a", "b"), 1):
            verdicts.add(line_of(name))
            assert len(paths(out)) == number


def test_lines_that_hold_are_gone_on_after(out: Path) -> None:
    """The file itself stays the same one, and is only added to."""
    before = out.stat().st_ino, out.read_bytes()
    with open_verdicts(out, always(LineFate.KEPT)) as verdicts:
        assert "a" in verdicts
        assert "c" not in verdicts
        verdicts.add(line_of("c"))
    assert (out.stat().st_ino, out.read_bytes()) == (before[0], before[1] + encode_line(line_of("c")))
    assert verdicts.fates[LineFate.KEPT] == 2


@pytest.mark.parametrize("fate", [LineFate.STALE, LineFate.GONE])
def test_lines_that_hold_no_more_are_out_at_once(fate: LineFate, out: Path) -> None:
    """So nothing has two lines; the others stay, with what was brought up to date, and nothing is left beside the file."""

    def asked(line: Line) -> LineFate:
        line["mtime_ns"] = 7
        return fate if line["path"] == "a" else LineFate.KEPT

    out.chmod(0o640)
    with open_verdicts(out, asked) as verdicts:
        assert paths(out) == ["b"]
        assert ("a" in verdicts, "b" in verdicts) == (False, True)
        verdicts.add(line_of("c"))
    assert paths(out) == ["b", "c"]
    assert json.loads(out.read_bytes().splitlines()[0])["mtime_ns"] == 7
    assert [each.name for each in out.parent.iterdir()] == [out.name]
    assert out.stat().st_mode & 0o777 == 0o640


def test_lines_of_files_that_are_not_asked_for_stay(out: Path) -> None:
    """They say nothing of what is judged now."""
    with open_verdicts(out, always(LineFate.ASIDE)) as verdicts:
        assert "a" not in verdicts
    assert paths(out) == ["a", "b"]


def test_a_file_that_was_named_twice_is_so_no_more(out: Path) -> None:
    """As where somebody put two files of verdicts into one."""
    out.write_bytes(out.read_bytes() * 2)
    with open_verdicts(out, always(LineFate.KEPT)):
        assert paths(out) == ["a", "b"]


@given(st.integers(min_value=0))
def test_a_line_may_be_cut_anywhere(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """What was written whole before is kept; the half line is gone, and the next one begins where it did."""
    out = tmp_path_factory.mktemp("cut") / "v.jsonl"
    whole, last = encode_line(line_of("a")), encode_line(line_of("é" * 70_000))
    out.write_bytes(whole + last[: cut % len(last)])
    with open_verdicts(out, always(LineFate.KEPT)) as verdicts:
        verdicts.add(line_of("b"))
    assert paths(out) == ["a", "b"]


@each_case(
    "data",
    [
        b"hello",
        b"hello\n",
        b'{"path": "a"}\n',
        b"[]\n",
        b"[" * 100_000 + b"\n",
        encode_line(line_of("a")) + b"more",
        b"\n" + encode_line(line_of("a")),
    ],
)
@each_case("fresh", [False, True])
def test_other_files_are_left_alone(data: bytes, fresh: bool, tmp_path: Path) -> None:
    """Nobody's notes are written over; a file that begins as one of verdicts is begun anew when told."""
    (tmp_path / "v").write_bytes(data)
    if fresh and data.startswith(b'{"path": '):
        with open_verdicts(tmp_path / "v", always(LineFate.KEPT), fresh=True):
            assert paths(tmp_path / "v") == []
        return
    with (
        pytest.raises(UnusableVerdictsError, match=r"no (line of a scan|file of verdicts)"),
        open_verdicts(tmp_path / "v", always(LineFate.KEPT), fresh=fresh),
    ):
        pass
    assert (tmp_path / "v").read_bytes() == data
    assert len([*tmp_path.iterdir()]) == 1


def test_verdicts_on_another_folder_are_left_alone(out: Path) -> None:
    """Where nothing of it is there, it was another folder; it can be begun anew."""
    before = out.read_bytes()
    with (
        pytest.raises(UnusableVerdictsError, match="none of its 2 files is in this folder"),
        open_verdicts(out, always(LineFate.GONE)),
    ):
        pass
    assert out.read_bytes() == before
    with open_verdicts(out, always(LineFate.GONE), fresh=True):
        assert out.read_bytes() == b""


def test_two_do_not_write_to_one_file(out: Path) -> None:
    """Neither before its lines were sifted, nor after, when the file is another one; then it is free again."""
    for fate in (LineFate.KEPT, LineFate.STALE, LineFate.KEPT):
        with (
            open_verdicts(out, always(fate)),
            pytest.raises(UnusableVerdictsError, match="another scan is writing to it"),
            open_verdicts(out, always(LineFate.KEPT)),
        ):
            pass


@each_case("name", ["a\udcff", "a\nb", "ü", "\\xff"])
def test_names_come_back_as_they_were(name: str) -> None:
    """Also one that is no UTF-8, which JSON cannot hold."""
    line = json.loads(encode_line(line_of(name)))
    assert decode_name(line) == name
    assert ("path_bytes" in line) is ("\udcff" in name)


def test_half_a_character_can_be_written() -> None:
    """As the name of a field may have one."""
    assert json.loads(encode_line({"path": "a", "more": "\ud800"}))["more"] == "\ud800"


def test_a_link_stays_one(out: Path, tmp_path: Path) -> None:
    """What it leads to is written to."""
    (tmp_path / "link").symlink_to(out)
    with open_verdicts(
        tmp_path / "link", lambda line: LineFate.KEPT if line["path"] == "b" else LineFate.STALE
    ):
        assert paths(out) == ["b"]
    assert (tmp_path / "link").is_symlink()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe, a folder, and a place that is not there, each with the reason."""
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (("pipe", "no file that can grow"), (".", "no file"), ("none/v", "No such file")):
        with (
            pytest.raises(UnusableVerdictsError, match=reason),
            open_verdicts(tmp_path / path, always(LineFate.KEPT)),
        ):
            pass


FILLED = """
import sys
from pathlib import Path
from guardrails.authoring.scan.verdict_file import LineFate, UnusableVerdictsError, open_verdicts
with open_verdicts(Path(sys.argv[1]), lambda line: LineFate.KEPT) as verdicts:
    try:
        for name in "cdefghijklmnop":
            verdicts.add({"path": name, "size": 1, "mtime_ns": 1, "sha256": "", "kind": "", "verdict": {}, "error": None})
    except UnusableVerdictsError as error:
        print(error)
"""


def test_a_full_disk_is_told_and_gone_on_after(out: Path) -> None:
    """The line that did not fit is no line; the others are there."""

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))

    # -B: what it imports would be kept compiled as far as it fits, and be broken for all who import it later.
    command = [sys.executable, "-B", "-c", FILLED, out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=full)
    assert (done.returncode, done.stderr) == (0, "")
    assert "File too large; what was judged before is in it" in done.stdout
    with open_verdicts(out, always(LineFate.KEPT)):
        written = paths(out)
    assert written == list("abcdefghijklmnop")[: len(written)]
    assert 2 < len(written) < 16
