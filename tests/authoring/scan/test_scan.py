"""Scans as a library: what a line says, what holds of earlier ones, and how a scan ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from guardrails.authoring.checked_files import FilePatterns, FileTree, FoundFile
from guardrails.authoring.scan.scan import Judge, Scan, ScanTally, Start, decide_fates, make_judge
from guardrails.authoring.scan.verdict_file import Line, LineFate, encode_line, open_verdicts
from guardrails.engine.core.worker_pool import workers
from guardrails.errors import Overloaded
from guardrails.guard import Guard

POLICY = """
detectors:
  green: {use: green_square}
  words: {use: terms, terms: [zqxbomb], category: custom.words}
rules:
  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: redact}
  - {id: words, on: input, when: custom.words > 0, then: block}
"""


@pytest.fixture
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that redacts green squares and blocks a word."""
    return guard_of(POLICY)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with pictures and texts."""
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    drawn(root / "plain.png", "white")
    drawn(root / "deep" / "green.png", (0, 255, 0))
    (root / "bad.txt").write_text("a zqxbomb here")
    (root / "good.txt").write_text("hello")
    return root


def drawn(path: Path, colour: Any) -> None:
    """Save a picture with a square."""
    image = Image.new("RGB", (60, 40), "white")
    image.paste(colour, (10, 10, 30, 30))
    image.save(path)


def always(judge: Judge) -> Start:
    """Return what has that judge."""
    return lambda: judge


def scanned(
    guard: Guard, root: Path, *judges: Judge, stage: str = "input", **more: Any
) -> tuple[ScanTally, dict[str, Line]]:
    """Scan a folder, and return the tally and the lines by path; each path has one."""
    out, tally = root.parent / "v.jsonl", ScanTally()
    folder = FileTree(root, **more)
    with open_verdicts(out, decide_fates(guard, folder, stage, tally)) as verdicts:
        Scan(folder, verdicts, tally).run([*map(always, judges or [make_judge(guard, stage)] * 2)])
    lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    found = {line["path"]: line for line in lines}
    assert len(found) == len(lines)
    return tally, found


def test_every_file_has_its_verdict(guard: Guard, root: Path) -> None:
    """With its size, digest and kind; its content stands nowhere else."""
    tally, lines = scanned(guard, root)
    assert {name: line["verdict"]["action"] for name, line in lines.items()} == {
        "plain.png": "allow", "deep/green.png": "redact", "bad.txt": "block", "good.txt": "allow",
    }  # fmt: skip
    bad = lines["bad.txt"]
    assert (bad["size"], bad["kind"], bad["error"]) == (14, "text", None)
    assert len(bad["sha256"]) == 64
    assert bad["verdict"]["findings"][0]["span"] == [2, 9]
    assert "content" not in bad["verdict"]
    assert "zqxbomb" not in json.dumps(lines)
    assert lines["deep/green.png"]["verdict"]["findings"][0]["box"] == [10, 10, 20, 20]
    assert (tally.judged, tally.kept, tally.clean) == (4, 0, False)
    assert tally.to_dict()["actions"] == {"allow": 2, "flag": 0, "redact": 1, "block": 1}
    assert tally.to_dict()["rules"] == {"green": 1, "words": 1}
    assert tally.to_dict()["kinds"] == {"text": 2, "image": 2}
    assert tally.blocked == [("bad.txt", "words")]
    assert len(tally.slowest) == 4


@pytest.mark.parametrize(
    ("name", "data", "kind", "reason"),
    [
        ("a.bin", b"\xff\xfe\0", "unknown", "part: not UTF-8 text"),
        ("a.png", b"no picture", "image", "image: mistyped"),
        ("a.json", b'[{"role": 7, "content": "x"}]', "conversation", "part: "),
    ],
)
def test_what_cannot_be_read_is_what_the_policy_says(
    name: str, data: bytes, kind: str, reason: str, guard: Guard, root: Path
) -> None:
    """A verdict with the reason in its coverage, blocked by default; that holds, as nothing would change it."""
    (root / name).write_bytes(data)
    for kept in (0, 5):
        tally, lines = scanned(guard, root)
        assert tally.kept == kept
        verdict = lines[name]["verdict"]
        assert (lines[name]["kind"], verdict["action"]) == (kind, "block")
        [entry] = verdict["coverage"]["unchecked"]
        assert f"{entry['kind']}: {entry['reason']}".startswith(reason)


def test_a_policy_may_let_unknown_files_pass(guard_of: Callable[..., Guard], root: Path) -> None:
    """By the same field as everywhere."""
    (root / "a.bin").write_bytes(b"\xff")
    _, lines = scanned(guard_of(f"{POLICY}\nunchecked: {{part: flag}}"), root)
    assert lines["a.bin"]["verdict"]["action"] == "flag"


def test_nothing_is_judged_twice(guard: Guard, root: Path) -> None:
    """What did not change is kept, also where its time alone did; what changed is judged again, what is new too, what is gone
    has no line any more.
    """
    _, before = scanned(guard, root)
    os.utime(root / "good.txt", ns=(1, 1))
    (root / "bad.txt").write_text("a zqxgood here")
    (root / "new.txt").write_text("zqxbomb")
    (root / "plain.png").unlink()
    tally, lines = scanned(guard, root)
    assert (tally.kept, tally.judged) == (2, 2)
    assert lines["good.txt"] == before["good.txt"] | {"mtime_ns": 1}
    assert lines["deep/green.png"] == before["deep/green.png"]
    assert lines["bad.txt"]["verdict"]["action"] == "allow"
    assert lines["new.txt"]["verdict"]["action"] == "block"
    assert "plain.png" not in lines
    assert tally.to_dict()["actions"] == {"allow": 2, "flag": 0, "redact": 1, "block": 1}


def test_another_policy_or_stage_judges_all_again(
    guard: Guard, guard_of: Callable[..., Guard], root: Path
) -> None:
    """A verdict is that of a policy, on a place; the same policy from another file is the same."""
    scanned(guard, root)
    assert scanned(guard_of(POLICY), root)[0].judged == 0
    other = guard_of(f"{POLICY}\nunchecked: {{part: flag}}")
    assert scanned(other, root)[0].judged == 4
    tally, lines = scanned(other, root, stage="output")
    assert tally.judged == 4
    assert lines["bad.txt"]["verdict"]["action"] == "allow"


@pytest.mark.parametrize(
    ("change", "fate"),
    [
        ({}, LineFate.KEPT),
        ({"size": 9}, LineFate.STALE),
        ({"sha256": "0"}, LineFate.KEPT),
        ({"mtime_ns": 5, "sha256": "0"}, LineFate.STALE),
        ({"verdict": None}, LineFate.STALE),
        ({"verdict": {}}, LineFate.STALE),
        ({"verdict": 7}, LineFate.STALE),
        ({"kind": []}, LineFate.STALE),
        ({"path": "none.txt"}, LineFate.GONE),
        ({"path": "good.txt/x"}, LineFate.GONE),
        ({"path": "deep"}, LineFate.GONE),
        ({"path": "../root/good.txt"}, LineFate.GONE),
        ({"path": "none.txt", "verdict": None}, LineFate.GONE),
        ({"path": "a\0"}, LineFate.STALE),
        ({"path": "plain.png"}, LineFate.ASIDE),
    ],
)
def test_a_line_holds_as_long_as_its_file_does(
    change: dict[str, Any], fate: LineFate, guard: Guard, root: Path
) -> None:
    """Size and time are enough, or size and digest; lines that somebody wrote by hand break nothing."""
    _, lines = scanned(guard, root)
    asked = decide_fates(guard, FileTree(root, FilePatterns(exclude=["*.png"])), "input", ScanTally())
    assert asked(lines["good.txt"] | change) is fate


@pytest.mark.parametrize(
    "change",
    [
        {"errors": [{"detector": "d", "error": "not done after 10 ms", "path": ""}]},
        *(
            {"coverage": {"unchecked": [{"kind": kind, "reason": reason}]}}
            for kind, reason in (
                ("image", "timeout: it was not decoded in time"),
                ("limit", "it was watched for 5.0 s, then stopped: wall_clock"),
                ("part", "the sound was not heard to its end: wall_clock"),
            )
        ),
    ],
)
def test_what_failed_for_want_of_time_is_tried_again(
    change: dict[str, Any], guard: Guard, root: Path
) -> None:
    """Its verdict says block, and another try may say otherwise."""
    _, lines = scanned(guard, root)
    line = lines["good.txt"]
    asked = decide_fates(guard, FileTree(root), "input", ScanTally())
    assert asked(line | {"verdict": line["verdict"] | change}) is LineFate.STALE


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (PermissionError(13, "Permission denied"), "unreadable", "Permission denied; let the user who scans"),
        (FileNotFoundError(2, "No such file"), "vanished", "No such file; scan again"),
    ],
)
def test_a_file_that_cannot_be_judged_has_a_line_with_the_cure(
    error: OSError, code: str, message: str, guard: Guard, root: Path
) -> None:
    """And no verdict, so that it is neither clean nor kept; the next scan tries again."""
    line = make_judge(guard, "input")(FoundFile(root / "x", "x", error))
    assert line["error"]["code"] == code
    assert line["error"]["message"].startswith(message)
    assert line["verdict"] is None
    tally = ScanTally()
    tally.add(line)
    assert not tally.clean
    assert tally.failed == [("x", line["error"]["message"])]
    (root / "x").write_text("")
    assert decide_fates(guard, FileTree(root), "input", tally)(line) is LineFate.STALE


def test_a_fault_of_ours_ends_no_scan(guard: Guard, root: Path) -> None:
    """It is named by its class alone, as its text may quote the file."""
    line = make_judge(guard, "input")(FoundFile(root / "zqxbomb\0", "a"))
    assert line["error"] == {"code": "failed", "message": "the guard failed over it (ValueError)"}


def test_a_guard_that_has_too_much_to_do_says_so(guard: Guard, root: Path) -> None:
    """It is no verdict on the file."""
    end, busy = threading.Event(), threading.Semaphore(0)

    def work() -> None:
        busy.release()
        end.wait()

    for _ in range(max(2, os.cpu_count() or 1)):
        workers().submit(work, bulk=True)
        busy.acquire()
    with suppress(Overloaded):
        while True:
            workers().submit(end.wait, bulk=True)
    line = make_judge(guard, "input")(FoundFile(root / "plain.png", "plain.png"))
    end.set()
    assert line["error"]["code"] == "overloaded"
    assert line["error"]["message"].endswith("scan again with fewer --jobs")


def test_a_file_that_vanishes_or_becomes_a_pipe_is_named(guard: Guard, root: Path) -> None:
    """Between the walk and the look; nobody waits for a pipe."""
    (root / "good.txt").unlink()
    os.mkfifo(root / "good.txt")
    ask = make_judge(guard, "input")
    assert ask(FoundFile(root / "good.txt", "good.txt"))["error"]["code"] == "unreadable"
    assert ask(FoundFile(root / "none", "none"))["error"]["code"] == "vanished"


def test_a_file_that_changes_meanwhile_has_no_verdict(
    guard_of: Callable[..., Guard], kind_of: Callable[..., Any], own: Any, root: Path
) -> None:
    """As nobody knows which of the two was judged."""
    from guardrails import Detection

    def touch(content: Any) -> Detection:
        (root / "good.txt").write_text("other")
        return Detection()

    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(touch)},
    )
    line = make_judge(guard, "input")(FoundFile(root / "good.txt", "good.txt"))
    assert line["error"]["code"] == "changed"


def test_a_name_that_is_no_text_is_judged_and_kept(guard: Guard, root: Path) -> None:
    """It stands there as people can read it, and by its bytes."""
    Path(os.fsdecode(bytes(root) + b"/\xff.txt")).write_text("zqxbomb")
    for judged in (5, 0):
        tally, lines = scanned(guard, root)
        assert tally.judged == judged
        assert lines["\\xff.txt"]["path_bytes"] == "ff2e747874"
        assert lines["\\xff.txt"]["verdict"]["action"] == "block"


def test_as_many_files_are_judged_at_a_time_as_there_are_judges(guard: Guard, root: Path) -> None:
    """Each waits here until all others are at work."""
    together, real = threading.Barrier(4, timeout=60), make_judge(guard, "input")

    def meeting(found: FoundFile) -> Line:
        together.wait()
        return real(found)

    tally, lines = scanned(guard, root, *[meeting] * 4)
    assert tally.judged == len(lines) == 4


def test_what_ends_a_scan_ends_it_at_once(guard: Guard, root: Path) -> None:
    """Nobody waits for a file under way, whose verdict is not written any more; what was written stays."""
    going, under_way, real = threading.Event(), threading.Event(), make_judge(guard, "input")

    def stuck(found: FoundFile) -> Line:
        if found.name == "bad.txt":
            under_way.set()
            going.wait()
        return real(found)

    def watch(tally: ScanTally) -> None:
        if tally.judged == 3 and under_way.is_set():
            raise KeyboardInterrupt

    out, tally, folder = root.parent / "v.jsonl", ScanTally(), FileTree(root)
    with open_verdicts(out, decide_fates(guard, folder, "input", tally)) as verdicts:
        with pytest.raises(KeyboardInterrupt):
            Scan(folder, verdicts, tally).run([lambda: stuck] * 2, watch)
        going.set()
    tally, lines = scanned(guard, root)
    assert (tally.kept, tally.judged, len(lines)) == (3, 1, 4)


def test_a_judge_that_breaks_ends_the_scan(guard: Guard, root: Path) -> None:
    """It is no file's fault; the scan says so."""

    def broken(found: FoundFile) -> Line:
        raise MemoryError

    with pytest.raises(MemoryError):
        scanned(guard, root, broken, broken)


KILLED = f"""
import os, signal, sys, threading
from pathlib import Path
sys.path.append({str(Path(__file__).parents[3])!r})
from guardrails import Guard
from guardrails.authoring.checked_files import FileTree
from guardrails.authoring.scan.scan import Scan, ScanTally, decide_fates, make_judge
from guardrails.authoring.scan.verdict_file import open_verdicts
from guardrails.detectors.kinds import BUILTIN
BUILTIN["green_square"] = "tests.green_square:KIND"
policy, root, out = map(Path, sys.argv[1:])
guard, folder, tally = Guard.load(policy), FileTree(root), ScanTally()
with open_verdicts(out, decide_fates(guard, folder, "input", tally)) as verdicts:
    def watch(tally):
        if tally.judged >= 7:
            os.kill(os.getpid(), signal.SIGKILL)
    real = make_judge(guard, "input")
    def slow(found):
        held.wait() if tally.judged >= 7 else None
        return real(found)
    held = threading.Event()
    Scan(folder, verdicts, tally).run([lambda: slow] * 2, watch)
"""


def test_a_scan_that_was_killed_is_gone_on_with(guard_of: Callable[..., Guard], root: Path) -> None:
    """By a signal that nobody can catch, in the middle: each file has one verdict in the end, none was judged twice."""
    for number in range(30):
        (root / f"{number}.txt").write_text(f"number {number}")
    policy, out = root.parent / "p.yaml", root.parent / "v.jsonl"
    policy.write_text(f"format: 1\nname: tested\n{POLICY}")
    done = subprocess.run([sys.executable, "-c", KILLED, policy, root, out], check=False, timeout=60)
    assert done.returncode == -9
    written = out.read_bytes().splitlines()
    assert 7 <= len(written) < 34
    with out.open("ab") as file:
        file.write(encode_line(json.loads(written[0]) | {"path": "29.txt"})[:-9])
    tally, lines = scanned(Guard.load(policy), root)
    assert (tally.kept, tally.judged) == (len(written), 34 - len(written))
    assert len(lines) == 34
    assert out.read_bytes().splitlines()[: len(written)] == written


def test_another_floor_judges_all_again(guard: Guard, guard_of: Callable[..., Guard], root: Path) -> None:
    """A verdict is that of a policy under its floor, of which the line tells; without one it has no word of it."""
    assert all("floor" not in line for line in scanned(guard, root)[1].values())
    floors = [f"{POLICY}\nunchecked: {{part: {part}}}" for part in ("block", "flag")]
    for floor in floors:
        under = guard_of(POLICY, floor=floor)
        assert under.floor is not None
        assert [scanned(under, root)[0].judged for _ in range(2)] == [4, 0]
        assert {line["floor"] for line in scanned(under, root)[1].values()} == {under.floor.ref.digest}
    assert scanned(guard, root)[0].judged == 4
