"""`guardrails scan`."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from guardrails.cli import main
from guardrails.guard import Guard
from tests.records.records_kit import stored
from tests.waiting import wait_until

ROOT = Path(__file__).parents[3]

POLICY = """format: 1
name: tested
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.words}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: redact}
  - {id: words, on: input, when: custom.words > 0, then: block}
"""

REGISTERED = f"""
import sys
sys.path.append({str(ROOT)!r})
from guardrails.detectors.kinds import BUILTIN
BUILTIN["green_square"] = "tests.green_square:KIND"
"""
"""What Python runs as it starts, here and in the processes that judge for it: they know green squares."""

ENDLESS = 1 << 40
"""Bytes of a file that takes up no room and hours to read: whoever reads it is in the middle."""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with five files of which none is blocked, in the current one, which has a policy."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(POLICY)
    root = tmp_path / "root"
    root.mkdir()
    for number in range(3):
        (root / f"{number}.txt").write_text(f"hello {number}")
    for name, colour in (("plain.png", "white"), ("green.png", (0, 255, 0))):
        image = Image.new("RGB", (60, 40), "white")
        image.paste(colour, (10, 10, 30, 30))
        image.save(root / name)
    return root


def scan(*more: str) -> int:
    """Run a scan of the folder, and return its status."""
    return main(["scan", "root", "-p", "p.yaml", "--out", "v.jsonl", *more])


def lines(out: str = "v.jsonl") -> list[dict[str, Any]]:
    """Return the whole lines of a file of verdicts, each of another file."""
    found = [
        json.loads(line) for line in Path(out).read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"
    ]
    assert len({line["path"] for line in found}) == len(found)
    return found


@contextmanager
def held(root: Path, *more: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A scan as a process that has judged all files but one, which it is at; it is gone when the block ends."""
    with (root / "endless.txt").open("wb") as file:
        file.truncate(ENDLESS)
    (root.parent / "sitecustomize.py").write_text(REGISTERED)
    environment = {**os.environ, "PYTHONPATH": str(root.parent), **streams.pop("env", {})}
    command = [
        sys.executable,
        "-m",
        "guardrails",
        "scan",
        "root",
        "-p",
        "p.yaml",
        "--out",
        "v.jsonl",
        "--jobs",
        "2",
    ]
    with subprocess.Popen([*command, *more], env=environment, **streams) as process:
        try:
            wait_until(lambda: process.poll() is not None or (Path("v.jsonl").exists() and len(lines()) >= 5))
            assert process.poll() is None
            yield process
        finally:
            process.kill()
            (root / "endless.txt").unlink()


def test_a_folder_becomes_a_file_of_verdicts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each file, a summary for people, and no progress in a pipe."""
    assert scan() == 0
    assert {line["path"] for line in lines()} == {"0.txt", "1.txt", "2.txt", "plain.png", "green.png"}
    said = capsys.readouterr()
    assert "5 files judged in 0:0" in said.out
    assert "BLOCK 0   REDACT 1   FLAG 0   ALLOW 4" in said.out
    assert "rules  green 1" in said.out
    assert "kinds  text 3, image 2" in said.out
    assert "the verdicts are in v.jsonl" in said.out
    assert "\x1b" not in said.out
    assert said.err == ""


def test_what_is_blocked_is_status_1_also_when_it_was_before(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer is that on the whole folder, whoever judged it; names do nothing on a terminal."""
    (root / "b\x1b[31m\n.txt").write_text("a zqxbomb here")
    for _ in range(2):
        assert scan() == 1
        said = capsys.readouterr().out
        assert "blocked  b\\x1b[31m\\n.txt: words" in said
        assert "zqxbomb" not in said
    assert "0 files judged in 0:00, 6 judged before" in said


def test_people_are_told_of_the_first_few(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And how many more there are."""
    for number in range(12):
        (root / f"bad{number}.txt").write_text("zqxbomb")
    assert scan() == 1
    said = capsys.readouterr().out
    assert said.count("  blocked  bad") == 10
    assert "  blocked  and 2 more\n" in said


def test_programs_get_one_object(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` prints all that people are told, and more."""
    (root / "bad.txt").write_text("zqxbomb")
    (root / "link").symlink_to("0.txt")
    scan("--exclude", "bad.txt")
    capsys.readouterr()
    (root / "0.txt").unlink()
    (root / "1.txt").write_text("changed")
    assert scan("--json", "--stage", "input") == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["files"], summary["judged"], summary["kept"]) == (5, 2, 3)
    assert (summary["gone"], summary["again"], summary["aside"]) == (1, 1, 0)
    assert summary["actions"] == {"allow": 3, "flag": 0, "redact": 1, "block": 1}
    assert summary["blocked"] == [{"path": "bad.txt", "rules": "words"}]
    assert summary["left_out"] == {"excluded": 0, "links": 1, "special": 0}
    assert (summary["whole"], summary["stage"], summary["policy"]["name"]) == (True, "input", "tested")
    assert summary["slowest"][0]["ms"] > 0


def test_files_are_chosen_by_patterns(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not asked for keeps the verdict that it had, and what was left out is said."""
    assert scan("--include", "*.txt", "--exclude", "0.*") == 0
    assert "3 left out by --include and --exclude" in capsys.readouterr().out
    assert scan("--include", "*.png") == 0
    assert "2 judged before are not asked for now" in capsys.readouterr().out
    assert {line["path"] for line in lines()} == {"1.txt", "2.txt", "plain.png", "green.png"}


def test_the_file_of_verdicts_may_be_in_the_folder(root: Path) -> None:
    """It is not judged itself."""
    for _ in range(2):
        assert scan("--out", "root/v.jsonl") == 0
        assert len(lines("root/v.jsonl")) == 5


def test_links_are_followed_when_told(root: Path) -> None:
    """Also one that leads back to the folder, which ends."""
    (root / "link.txt").symlink_to("0.txt")
    (root / "loop").symlink_to(".")
    assert scan("--follow-links") == 0
    assert "link.txt" in {line["path"] for line in lines()}
    assert len(lines()) == 6


def test_a_scan_can_begin_anew(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--fresh` judges all files again."""
    scan()
    assert scan("--fresh") == 0
    assert "before" not in capsys.readouterr().out
    assert len(lines()) == 5


def test_a_file_is_judged_as_check_judges_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same kinds, the same stages, the same verdict but for its number and what it took."""
    chat = [
        {"role": "tool", "tool_call_id": "1", "content": "zqxbomb"},
        {"role": "user", "content": "zqxbomb"},
    ]
    (root / "chat.json").write_text(json.dumps(chat))
    (root / "none.jpg").write_text("no picture")
    (root / "film.mp4").write_bytes(b"no film")
    scan()
    capsys.readouterr()
    for line in lines():
        main(["check", f"root/{line['path']}", "-p", "p.yaml", "--json"])
        verdict = json.loads(capsys.readouterr().out)
        for name in ("id", "timings_ms"):
            del verdict[name], line["verdict"][name]
        del verdict["content"]
        assert line["verdict"] == verdict


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--out", "p.yaml"], "p.yaml:1:1: this is no line of a scan"),
        (["--out", "p.yaml", "--fresh"], "p.yaml: this is no file of verdicts"),
        (["--out", "none/v.jsonl"], "none/v.jsonl: No such file or directory"),
        (["--jobs", "0"], "--jobs 0: 1 to"),
        (["--policy", "defualt"], "did you mean 'default'?"),
    ],
)
def test_wrong_usage_is_status_2(
    more: list[str], reason: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, before anything is judged; nothing is written over."""
    assert scan(*more) == 2
    said = capsys.readouterr()
    assert reason in said.err
    assert said.out == ""
    assert Path("p.yaml").read_text() == POLICY


@pytest.mark.parametrize(
    ("folder", "reason"), [("none", "none: no such folder"), ("p.yaml", "no such folder")]
)
def test_what_is_no_folder_is_status_2(
    folder: str, reason: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Single files are for `check`, which the error says."""
    assert main(["scan", folder, "--out", "v.jsonl"]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "jobs"), [(signal.SIGKILL, "2"), (signal.SIGTERM, "2"), (signal.SIGKILL, "6")]
)
def test_a_scan_that_was_killed_is_gone_on_with(how: int, jobs: str, root: Path) -> None:
    """All that was judged is kept as it is, by however many processes; the rest is judged."""
    with held(root, "--jobs", jobs) as process:
        process.send_signal(how)
        assert process.wait(timeout=60) == -how
    before = lines()
    (root / "new.txt").write_text("zqxbomb")
    assert scan() == 1
    assert lines()[:-1] == before
    assert lines()[-1]["path"] == "new.txt"


@pytest.mark.parametrize("jobs", ["2", "6"])
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(jobs: str, root: Path) -> None:
    """At once, though a file is under way; with the summary of what was done. A terminal sends it to all processes."""
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True}
    with held(root, "--json", "--jobs", jobs, **streams) as process:
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == b"stopped; the same command goes on from here\n"
    summary = json.loads(out)
    assert (summary["whole"], summary["judged"]) == (False, 5)
    assert len(lines()) == 5


def test_two_scans_do_not_write_to_one_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one is told so, with status 2; the first one goes on."""
    with held(root) as process:
        assert scan() == 2
        assert "v.jsonl: another scan is writing to it" in capsys.readouterr().err
        assert process.poll() is None
    assert scan() == 0


def test_a_terminal_shows_how_far_it_is(root: Path) -> None:
    """On standard error, with the number of all files, as soon as that is known."""
    ours, theirs = pty.openpty()
    shown = b""
    try:
        with held(root, stderr=theirs, stdout=subprocess.DEVNULL, env={"TERM": "xterm"}):
            while b"5 of 6" not in shown:
                shown += os.read(ours, 4096)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"\r\x1b[K" in shown
    assert b"0 blocked" in shown


def test_what_cannot_be_read_is_status_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason and the cure; the next scan tries it again."""
    (root / "away").symlink_to("nothing")
    assert scan("--follow-links") == 1
    assert "NOT JUDGED 1" in (said := capsys.readouterr().out)
    assert "failed  away: the link leads nowhere; scan again if it should be there" in said
    (root / "nothing").write_text("here")
    assert scan("--follow-links") == 0


def test_a_policy_that_changed_judges_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the other policy said is out of the file."""
    scan()
    Path("p.yaml").write_text(POLICY.replace("zqxbomb", "hello"))
    assert scan() == 1
    assert "5 judged before were judged again" in capsys.readouterr().out
    assert {line["verdict"]["policy"]["digest"] for line in lines()} == {
        Guard.load("p.yaml").policy.ref.digest
    }


def test_the_floor_holds_for_every_file(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it blocks is blocked, and the summary names it."""
    Path("org.yaml").write_text(POLICY.replace("zqxbomb", "hello").replace("name: tested", "name: org"))
    assert scan("--json") == 0
    assert json.loads(capsys.readouterr().out)["floor"] is None
    assert scan("--json", "--floor", "org.yaml") == 1
    summary = json.loads(capsys.readouterr().out)
    assert (summary["floor"]["name"], summary["actions"]["block"], summary["again"]) == ("org", 3, 5)
    assert scan("--floor", "nowhere.yaml") == 2


@pytest.mark.parametrize(("flags", "kept"), [([], 5), (["--records", "own"], 0), (["--records", "off"], 0)])
def test_a_scan_is_on_record(
    root: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], kept: int
) -> None:
    """Each file that it judges, in the default folder where no other is named."""
    state = root.parent / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("GUARDRAILS_RECORDS", "")
    assert main(["scan", "root", "--policy", "p.yaml", "--out", "v.jsonl", "--jobs", "1", *flags]) == 0
    folder = state / "guardrails" / "records"
    assert folder.is_dir() is bool(kept)
    assert (len(stored(folder)) if folder.is_dir() else 0) == kept
    assert (root.parent / "own").is_dir() is ("own" in flags)
