"""`guardrails test`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from guardrails.cli import main
from tests.cases import each_case

Running = Callable[..., AbstractContextManager[subprocess.Popen[str]]]

POLICY = """
format: 1
name: small
detectors:
  words: {{use: terms, terms: [forbidden], category: custom.word}}
rules:
  - {{id: word.block, on: input, when: custom.word > 0, then: block}}
tests:
{tests}
"""


def write(folder: Path, *tests: str) -> str:
    """Write a policy with these tests; return its path."""
    path = folder / "small.yaml"
    path.write_text(POLICY.format(tests="\n".join(f"  - {test}" for test in tests) or "  []"))
    return str(path)


@each_case("policy", ["default", "strict", "pii-only", "agents"])
def test_shipped_policies_pass(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every shipped policy passes its own tests."""
    assert main(["test", policy]) == 0
    assert " 0 failed" in capsys.readouterr().out


def test_failures_are_located_and_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test that fails is named with its place and with what differs; the status is 1."""
    policy = write(
        tmp_path,
        '{input: "a forbidden word", expect: {action: allow, rules: []}}',
        '{input: "a fine word", expect: {action: allow, content: "a fine word"}}',
    )

    assert main(["test", policy]) == 1
    out = capsys.readouterr().out
    assert f"FAIL {policy}:9:5: input: a forbidden word" in out
    assert "action is block, not allow (by word.block)" in out
    assert "rules are ['word.block'], not []" in out
    assert "     word.block fires: when custom.word > 0; custom.word is 1.00 (words)\n" in out
    assert "1 passed, 1 failed" in out


def test_known_gaps_are_reported_and_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`todo: true` keeps a gap visible without failing."""
    policy = write(tmp_path, '{input: "a prohibited word", todo: true, expect: {action: block}}')

    assert main(["test", policy]) == 0
    assert "0 passed, 0 failed, 1 known gaps" in capsys.readouterr().out


def test_no_tests_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy without tests proves nothing."""
    assert main(["test", write(tmp_path)]) == 1
    assert "has no tests" in capsys.readouterr().err


def test_results_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` gives every result to programs."""
    assert main(["test", "--json", "--policy", "pii-only"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["failed"] == 0
    assert all(row["passed"] for row in report["policies"]["pii-only"])


BESIDE = """tests:
  - {name: a word, input: a forbidden word, expect: {action: block, rules: [word.block]}}
  - {name: fine, input: a fine word, expect: {action: allow}}
"""


def test_files_of_tests_run_with_their_policy_or_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the policy they are found; given alone only they are run; a folder stands for all that is in it."""
    policy = write(tmp_path, "{name: inline, input: fine, expect: {action: allow}}")
    beside = tmp_path / "small.test.yaml"
    beside.write_text(BESIDE)
    (tmp_path / "notes.yaml").write_text("a: b\n")
    for given, tested, passed in (
        (policy, policy, 3),
        (str(beside), str(beside), 2),
        (str(tmp_path), policy, 3),
    ):
        assert main(["test", given]) == 0
        out, err = capsys.readouterr()
        assert f"{tested}: {passed} passed, 0 failed" in out
        assert ("notes.yaml: left out" in err) == (given == str(tmp_path))


def test_a_gap_that_is_closed_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason of a gap is shown; one that passes by now can go."""
    policy = write(
        tmp_path,
        "{name: a, input: a prohibited word, todo: a synonym, expect: {action: block}}",
        "{name: b, input: forbidden, todo: true, expect: {action: block}}",
    )

    assert main(["test", policy]) == 0
    out = capsys.readouterr().out
    lines = [": a (a synonym)\n", ": b: now passes; remove 'todo'\n", "1 passed, 0 failed, 1 known gaps in "]
    assert [line in out for line in lines] == [True] * 3


def test_what_tests_are_called_stays_in_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Line breaks, signs that a terminal would obey and characters that nobody sees are shown as such."""
    policy = write(tmp_path, r'{input: "a\n\x1b[2Jb\u200bc", todo: "d\re", expect: {action: block}}')

    assert main(["test", policy]) == 0
    assert ": input: a \ufffd[2Jb\ufffdc (d e)\n" in capsys.readouterr().out


@each_case(("pattern", "status", "told"), [("word", 0, "1 passed"), ("nothing", 1, "0 passed")])
def test_a_filter_that_fits_nothing_fails(
    pattern: str, status: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What runs nothing proves nothing, and says so."""
    policy = write(tmp_path)
    (tmp_path / "small.test.yaml").write_text(BESIDE)

    assert main(["test", policy, "--filter", pattern]) == status
    out, err = capsys.readouterr()
    assert told in out
    assert ("no test has 'nothing' in its name or place" in err) == (status == 1)


def test_a_folder_without_policies_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where it holds other YAML files."""
    (tmp_path / "notes.yaml").write_text("a: b\n")
    assert main(["test", str(tmp_path)]) == 1
    assert "no policies and no files of tests" in capsys.readouterr().err


def test_stops_at_the_first_failure_when_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest is not run."""
    failing = "{input: fine, expect: {action: block}}"
    policy = write(tmp_path, failing, failing, failing)

    assert main(["test", policy, "--fail-fast"]) == 1
    assert "0 passed, 1 failed" in capsys.readouterr().out


@each_case(("threshold", "status"), [(None, 0), ("66", 0), ("67", 1)])
def test_coverage(
    threshold: str | None, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the tests never show is listed, and too little is a failure where a threshold is given."""
    policy = write(tmp_path, "{input: forbidden, expect: {action: block}}")

    assert (
        main(["test", policy, *(["--coverage"] if threshold is None else ["--threshold", threshold])])
        == status
    )
    out, err = capsys.readouterr()
    assert (
        f"{policy}: coverage 66.7 %, 2 of 3\n     rule word.block always fires: its condition is never false\n"
        in out
    )
    assert (f"{policy}: coverage is 66.7 %, less than 67 %" in err) == (status == 1)


def test_demands_on_all_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every text at every cut, and in disguise; a disguise that there is not is an error."""
    policy = write(tmp_path, "{name: a, input: a forbidden word, expect: {action: block}}")

    assert main(["test", policy, "--every-cut", "--obfuscate", "spaced, base64"]) == 0
    assert "3 passed" in capsys.readouterr().out
    assert main(["test", policy, "--obfuscate", "leetspek"]) == 2
    assert "--obfuscate leetspek: no such disguise - did you mean 'leetspeak'?" in capsys.readouterr().err


@each_case("options", [["--threshold", "101"], ["--threshold", "-1"], ["--threshold", "nan"], ["--junit", "no/where.xml"]])  # fmt: skip
def test_wrong_options_are_status_2(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is named on standard error."""
    policy = write(tmp_path, "{input: a, expect: {action: allow}}")
    options = [str(tmp_path / each) if each.endswith(".xml") else each for each in options]
    assert main(["test", policy, *options]) == 2
    assert options[1] in capsys.readouterr().err


def test_results_for_servers_and_the_slowest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--junit` writes a file whatever the outcome; `--durations` names the slowest tests."""
    policy = write(
        tmp_path,
        "{name: a, input: fine, expect: {action: block}}",
        "{name: b, input: fine, expect: {action: allow}}",
    )
    report = tmp_path / "report.xml"

    assert main(["test", policy, "--junit", str(report), "--durations", "1"]) == 1
    assert 'tests="2" failures="1"' in report.read_text()
    assert capsys.readouterr().out.count(" ms  ") == 1


def test_coverage_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get it beside the results, each with why it failed and how long it took."""
    policy = write(tmp_path, "{name: a, input: fine, expect: {rules: [word.block]}}")

    assert main(["test", policy, "--json", "--coverage"]) == 1
    report = json.loads(capsys.readouterr().out)
    [row] = report["policies"][policy]
    assert row["why"] == ["word.block does not fire: when custom.word > 0; custom.word is 0.00"]
    assert row["ms"] > 0
    assert report["coverage"][policy]["missing"][0] == {"what": "true", "name": "word.block"}


def test_watches_until_nobody_does(tmp_path: Path, running: Running) -> None:
    """Runs again when the policy, or a file of tests, changes; a policy that is broken meanwhile does not end it."""
    policy = write(tmp_path, "{name: a, input: fine, expect: {action: allow}}")
    with running("test", policy, "--watch") as process:
        assert process.stdout is not None
        assert "1 passed, 0 failed" in process.stdout.readline()
        (tmp_path / "small.test.yaml").write_text(BESIDE)
        assert "3 passed, 0 failed" in process.stdout.readline()
        Path(policy).write_text("format: 1\nnam: small\n")
        write(tmp_path, "{name: a, input: fine, expect: {action: block}}")
        assert "FAIL" in process.stdout.readline()


def test_the_floor_decides_tests_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test that passes only without the floor fails, and says so; a floor that does not load is status 2."""
    policy = write(tmp_path, '{name: a product, input: "my blasters", expect: {action: allow}}')
    floor = tmp_path / "org.yaml"
    floor.write_text(Path(policy).read_text().split("tests:")[0].replace("forbidden", "blasters"))
    assert main(["test", policy]) == 0
    capsys.readouterr()
    assert main(["test", policy, "--floor", str(floor)]) == 1
    out = capsys.readouterr().out
    assert "     the floor small 0 decides: without it the test passes\n" in out
    assert main(["test", policy, "--floor", str(floor), "--json"]) == 1
    [told] = json.loads(capsys.readouterr().out)["policies"][policy]
    assert told["differences"][-1].startswith("the floor small 0 decides")
    assert main(["test", policy, "--floor", str(tmp_path / "none.yaml")]) == 2


def test_one_broken_file_does_not_keep_the_others_from_being_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a folder, what loads is tested, what does not is told with its place, and the status is that of a broken policy."""
    write(tmp_path, "{input: forbidden, expect: {action: block}}")
    (tmp_path / "a.yaml").write_text("format: 1\nname: a\nruls: []\n")
    (tmp_path / "x.test.yaml").write_text("tests: [")
    assert main(["test", str(tmp_path)]) == 2
    told = capsys.readouterr()
    assert "small.yaml: 1 passed, 0 failed" in told.out
    assert f"{tmp_path / 'a.yaml'}:3:1: unknown_field" in told.err
    assert f"{tmp_path / 'x.test.yaml'}:1:" in told.err
    assert main(["test", str(tmp_path), "--json"]) == 2
    codes = [each["code"] for each in json.loads(capsys.readouterr().out)["errors"]]
    assert codes == ["unknown_field", "yaml_syntax"]
