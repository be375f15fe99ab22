"""Judges in several processes."""

from __future__ import annotations

import os
import threading
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

from guardrails.authoring.checked_files import FileTree, FoundFile
from guardrails.authoring.scan.judges import THREADS, LostJudgeError, start_judges
from guardrails.authoring.scan.scan import Judge, Scan, ScanTally, decide_fates
from guardrails.authoring.scan.verdict_file import open_verdicts
from guardrails.guard import Guard
from tests.records.records_kit import close, stored

POLICY = """format: 1
name: tested
detectors: {words: {use: terms, terms: [zqxbomb], category: custom.words}}
rules: [{id: words, on: input, when: custom.words > 0, then: block}]
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """The file of a policy that blocks a word."""
    (tmp_path / "p.yaml").write_text(POLICY)
    return str(tmp_path / "p.yaml")


def told(line: dict[str, Any]) -> dict[str, Any]:
    """Return what a line says that does not differ from one time to the next."""
    verdict = line["verdict"] and {k: v for k, v in line["verdict"].items() if k not in ("id", "timings_ms")}
    return line | {"verdict": verdict}


@pytest.mark.parametrize("jobs", [1, THREADS])
def test_a_few_are_in_this_process(jobs: int, policy: str) -> None:
    """No other is started for them."""
    with start_judges(policy, Guard.load(policy), "input", jobs) as starts:
        assert len(starts) == jobs
        assert active_children() == []


def test_judges_in_other_processes_say_the_same(policy: str, tmp_path: Path) -> None:
    """Of texts, of names that are none, and of what cannot be read; they are gone in the end."""
    (tmp_path / "a.txt").write_text("a zqxbomb here")
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/\xff.txt"))
    odd.write_text("hello")
    with start_judges(policy, Guard.load(policy), "input", THREADS + 2) as starts:
        assert len(starts) == THREADS + 2
        assert len(active_children()) == 1
        here, *others = starts[0](), starts[-2](), starts[-1]()
        for found in (
            FoundFile(tmp_path / "a.txt", "a.txt"),
            FoundFile(odd, odd.name),
            FoundFile(tmp_path / "none", "none"),
            FoundFile(tmp_path / "x", "x", PermissionError(13, "Permission denied")),
        ):
            for each in others:
                assert told(each(found)) == told(here(found))
    assert active_children() == []


def test_all_of_them_scan_together(policy: str, tmp_path: Path) -> None:
    """Each file is judged once."""
    root, out, guard, tally = tmp_path / "root", tmp_path / "v.jsonl", Guard.load(policy), ScanTally()
    root.mkdir()
    for number in range(40):
        (root / f"{number}.txt").write_text(f"{number} zqxbomb")
    folder = FileTree(root)
    with (
        open_verdicts(out, decide_fates(guard, folder, "input", tally)) as verdicts,
        start_judges(policy, guard, "input", 2 * THREADS) as starts,
    ):
        Scan(folder, verdicts, tally).run(starts[THREADS - 1 :])
    assert (tally.judged, tally.actions["block"]) == (40, 40)
    assert out.read_bytes().count(b"\n") == 40


def test_what_other_processes_decide_is_on_record(policy: str, tmp_path: Path) -> None:
    """In chains of their own; what they had not moved when they were ended is moved by who comes next."""
    guard = Guard.load(policy, records=tmp_path / "records")
    (tmp_path / "a.txt").write_text("a zqxbomb here")
    with start_judges(policy, guard, "input", THREADS + 1) as starts:
        for judge in (starts[0](), starts[-1]()):
            judge(FoundFile(tmp_path / "a.txt", "a.txt"))
    close(guard)
    records = stored(tmp_path / "records")
    assert [record.action for record in records] == ["block", "block"]
    assert len({record.writer for record in records}) == 2


def test_a_process_that_is_no_more_is_told(policy: str, tmp_path: Path) -> None:
    """As where the system took its memory: nothing waits for it, and how to go on is said."""
    (tmp_path / "a.txt").write_text("hello")
    with start_judges(policy, Guard.load(policy), "input", THREADS + 1) as starts:
        asked = starts[-1]()
        [process] = active_children()
        process.kill()
        process.join()
        with pytest.raises(LostJudgeError, match="use fewer --jobs, the same command goes on from here"):
            asked(FoundFile(tmp_path / "a.txt", "a.txt"))


def test_a_policy_that_changes_meanwhile_is_told(policy: str) -> None:
    """One scan has one policy."""
    guard = Guard.load(policy)
    Path(policy).write_text(POLICY.replace("zqxbomb", "zqxother"))
    with (
        start_judges(policy, guard, "input", THREADS + 1) as starts,
        pytest.raises(LostJudgeError, match="the policy changed"),
    ):
        starts[-1]()


def test_a_scan_waits_for_no_process_that_is_still_starting(policy: str, tmp_path: Path) -> None:
    """A small folder is done before the models of a second process are loaded."""
    root, out, guard, tally = tmp_path / "root", tmp_path / "v.jsonl", Guard.load(policy), ScanTally()
    root.mkdir()
    (root / "a.txt").write_text("hello")
    folder = FileTree(root)

    end = threading.Event()

    def never() -> Judge:
        end.wait()
        raise AssertionError("nobody waited for it")

    with (
        open_verdicts(out, decide_fates(guard, folder, "input", tally)) as verdicts,
        start_judges(policy, guard, "input", 1) as own,
    ):
        Scan(folder, verdicts, tally).run([never, *own])
    end.set()
    assert tally.judged == 1


def test_other_processes_judge_under_the_floor(policy: str, tmp_path: Path) -> None:
    """As this one does; a floor that is another by now is told."""
    floor = tmp_path / "floor.yaml"
    floor.write_text(POLICY.replace("name: tested", "name: org").replace("zqxbomb", "zqxgun"))
    (tmp_path / "a.txt").write_text("a zqxgun here")
    guard, found = Guard.load(policy, floor=floor), FoundFile(tmp_path / "a.txt", "a.txt")
    with start_judges(policy, guard, "input", THREADS + 1, str(floor)) as starts:
        lines = [starts[at]()(found) for at in (0, -1)]
        assert [line["verdict"]["action"] for line in lines] == ["block", "block"]
        assert guard.floor is not None
        assert {line["floor"] for line in lines} == {guard.floor.ref.digest}
    floor.write_text(floor.read_text().replace("zqxgun", "zqxbow"))
    with (
        start_judges(policy, guard, "input", THREADS + 1, str(floor)) as starts,
        pytest.raises(LostJudgeError, match="the policy changed"),
    ):
        starts[-1]()
