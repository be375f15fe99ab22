"""`guardrails diff`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guardrails.authoring.rows import ContentRow
from guardrails.cli import main

Files = Callable[..., tuple[str, str, str]]

POLICY = """format: 1
name: small
version: "1.0.0"
detectors:
  words: {use: terms, terms: [forbidden], category: custom.word}
rules:
  - {id: word.block, on: input, when: custom.word > 0, then: flag}
tests:
  - {input: a forbidden word, expect: {action: flag}}
"""


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a function: how the second version differs, and texts of traffic, in; the paths of both versions and the traffic out."""

    def write(change: tuple[str, str], *texts: str) -> tuple[str, str, str]:
        old, new, traffic = (tmp_path / name for name in ("old.yaml", "new.yaml", "traffic.jsonl"))
        old.write_text(POLICY)
        new.write_text(POLICY.replace(*change))
        traffic.write_text("".join(f"{json.dumps({'input': text})}\n" for text in texts))
        return str(old), str(new), str(traffic)

    return write


STRICTER = ("then: flag", "then: block")


def test_shows_what_changes_and_the_version_it_needs(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without gates the answer is information, and the status is 0."""
    old, new, traffic = files(STRICTER, "a forbidden word", "a fine word")
    assert main(["diff", old, new, "--on", traffic]) == 0
    out = capsys.readouterr().out
    for words in (
        "the change is major",
        "1 blocked now",
        "2 rows of",
        "word.block",
        "a forbidden word",
        f"new.yaml:7:{POLICY.splitlines()[6].index('flag') + 1}",
    ):
        assert words in out, words


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (["--max-new-blocks", "0"], 1, "--max-new-blocks 0 is exceeded: 1 of 2 rows blocked now"),
        (["--max-new-blocks", "1"], 0, " kept"),
        (["--max-new-blocks", "49%"], 1, "is exceeded"),
        (["--max-new-blocks", "60%"], 0, "ready (warnings: 1)"),
        (["--max-new-blocks", "60%", "--strict"], 1, "2 rows cannot show"),
        (["--max-new-allows", "0", "--max-new-redactions", "0"], 0, " kept"),
        (["--max-changes", "0"], 1, "1 of 2 rows decided otherwise"),
        (["--check-version"], 1, "version: 1.0.0 → 1.0.0, but the change is major: 2.0.0 at least"),
        (["--no-text", "--examples", "0"], 0, "no gate was set"),
    ],
)  # fmt: skip
def test_gates_are_the_exit_status(
    options: list[str], status: int, reason: str, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline stops where a gate is exceeded, and its log says why."""
    old, new, traffic = files(STRICTER, "a forbidden word", "a fine word")
    assert main(["diff", old, new, "--on", traffic, *options]) == status
    assert reason in capsys.readouterr().out


def test_programs_read_json(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything that people read is there, by name."""
    old, new, traffic = files(STRICTER, "a forbidden word")
    assert main(["diff", old, new, "--on", traffic, "--max-changes", "0", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["effects"]["turns"]["new_block"], told["advice"]["least"]) == (
        False,
        1,
        "2.0.0",
    )
    assert told["effects"]["matrix"]["flag"]["block"] == 1


def test_the_tests_are_traffic_where_there_is_none(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    """What both versions test says a little; that it is only that is said."""
    old, new, _ = files(STRICTER)
    assert main(["diff", old, new]) == 0
    assert "1 rows of the policies' own tests: 1 decisions change" in capsys.readouterr().out


def test_a_comment_and_a_page(files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown for a pull request has no text of the traffic; the page for people has."""
    old, new, traffic = files(STRICTER, "a forbidden word that is mine")
    page = tmp_path / "out.html"
    assert main(["diff", old, new, "--on", traffic, "--markdown", "--report", str(page)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("### guardrails diff: small")
    assert "that is mine" not in out
    assert "that is mine" in page.read_text()


def test_a_log_of_decisions_takes_the_place_of_traffic(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a shadow decided is reported by the same gates, without any policy."""
    refs = [{"name": "p", "version": "1", "digest": f"sha256:{digit * 64}"} for digit in "ab"]
    row = {
        "id": "vd_1",
        "stage": "input",
        "live": {"policy": refs[0], "action": "allow", "rules": []},
        "shadow": {
            "policy": refs[1],
            "action": "block",
            "rules": [{"id": "x", "action": "block", "categories": ["hate"]}],
        },
    }
    log = tmp_path / "log.jsonl"
    log.write_text(f"{json.dumps(row)}\n")
    assert main(["diff", "--decisions", str(log), "--max-new-blocks", "0"]) == 1
    out = capsys.readouterr().out
    for words in (
        "policy change",
        "1 blocked now",
        "hate",
        "vd_1",
        "not ready: --max-new-blocks 0 is exceeded",
    ):
        assert words in out, words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give two policies, OLD and NEW"),
        (["OLD"], "give two policies, OLD and NEW"),
        (["OLD", "none.yaml"], "unknown_policy"),
        (["OLD", "NEW", "--on", "none.jsonl"], "none.jsonl: No such file"),
        (["OLD", "NEW", "--max-changes", "0.1"], "'0.1' is no limit"),
        (["OLD", "NEW", "--examples", "-1"], "--examples -1"),
        (["OLD", "NEW", "--report", "out.txt"], "out.txt: a report is an .html file"),
        (["OLD", "NEW", "--on", "EMPTY"], "has no rows"),
        (["--decisions", "log", "--on", "x"], "leave --on and --floor out"),
        (["OLD", "--decisions", "log"], "give both policies, OLD and NEW, or none"),
        (["--decisions", "log", "--check-version"], "--check-version compares policies"),
        (["BARE", "BARE", "--max-changes", "0"], "there is nothing to judge"),
    ],
)
def test_what_cannot_be_answered_is_an_error(
    arguments: list[str], message: str, files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and the cure on stderr."""
    old, new, traffic = files(STRICTER)
    bare = tmp_path / "bare.yaml"
    bare.write_text(POLICY.partition("tests:")[0])
    named = {"OLD": old, "NEW": new, "EMPTY": traffic, "BARE": str(bare)}
    assert main(["diff", *(named.get(each, each) for each in arguments)]) == 2
    caught = capsys.readouterr()
    assert message in caught.err
    assert caught.out == ""


def test_a_wrong_last_line_is_known_before_the_first_is_judged(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    """An hour of judging is not lost to a typo at the end."""
    old, new, traffic = files(STRICTER, "a fine word")
    with Path(traffic).open("a") as file:
        file.write("{\n")
    assert main(["diff", old, new, "--on", traffic]) == 2
    assert "traffic.jsonl:2: is no JSON" in capsys.readouterr().err


def test_a_change_is_compared_with_what_is_committed(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pipeline does it: the same file, at another revision."""
    old, new, traffic = files(STRICTER, "a forbidden word")
    monkeypatch.chdir(tmp_path)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for arguments in (["init", "-q"], ["add", "old.yaml"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True, capture_output=True)
    Path(new).replace(old)
    assert main(["diff", "git:HEAD:old.yaml", "old.yaml", "--on", traffic, "--max-new-blocks", "0"]) == 1
    assert "1 of 1 rows blocked now" in capsys.readouterr().out
    assert main(["diff", "git:HEAD:none.yaml", "old.yaml"]) == 2
    assert "there is no such file at HEAD" in capsys.readouterr().err


def test_what_was_judged_before_an_interrupt_is_told(
    files: Files, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is worth something, and passes nothing."""

    def rows(path: str) -> Iterator[ContentRow]:
        yield ContentRow(f"{path}:1", "input", "a forbidden word")
        raise KeyboardInterrupt

    old, new, traffic = files(STRICTER, "a forbidden word", "another")
    monkeypatch.setattr("guardrails.authoring.rows.read_rows", rows)
    monkeypatch.setattr("guardrails.authoring.rows.count_rows", lambda path: 2)
    assert main(["diff", old, new, "--on", traffic, "--max-new-blocks", "5", "--json"]) == 130
    told = json.loads(capsys.readouterr().out)
    assert (told["passed"], told["reasons"], told["effects"]["rows"]) == (
        False,
        ["it was stopped after 1 rows"],
        1,
    )


def test_half_a_character_in_traffic_breaks_no_output(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """JSON can name what no terminal and no file can hold."""
    old, new, traffic = files(STRICTER)
    Path(traffic).write_text('{"input": "a forbidden \\ud800 word", "id": "\\udfff"}\n')
    for form in ([], ["--json"], ["--markdown"], ["--report", str(tmp_path / "out.html")]):
        assert main(["diff", old, new, "--on", traffic, *form]) == 0
        assert capsys.readouterr().out.encode()


def test_a_log_of_other_versions_shows_nothing(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Gates need something to hold against; the error says what was left out."""
    old, new, _ = files(STRICTER)
    ref = {"name": "p", "version": "1", "digest": "sha256:0"}
    side = {"policy": ref, "action": "allow", "rules": []}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"id": "vd_1", "stage": "input", "live": side, "shadow": side}) + "\n")
    assert main(["diff", old, new, "--decisions", str(log), "--max-changes", "0"]) == 2
    assert "nothing to judge" in (told := capsys.readouterr().err)
    assert "1 rows are of other versions" in told
