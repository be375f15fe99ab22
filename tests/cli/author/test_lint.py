"""`guardrails lint`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guardrails.authoring.lint.lint_run import CODES
from guardrails.cli import main
from tests.cases import each_case

HEAD = 'format: 1\nname: tested\nversion: "1"\ndetectors: {words: {use: terms, terms: [zqxbomb], category: custom.w}}\n'
RULE = "rules: [{{id: a, on: output, when: {}, then: flag}}]\n"
TESTS = "tests: [{output: zqxbomb, expect: {action: flag}}, {output: hello, expect: {action: allow}}]\n"
CLEAN = HEAD + RULE.format("custom.w > 0") + TESTS
ERROR = HEAD + RULE.format("custom.w >= 0")
WARNING = HEAD + RULE.format("custom.w > 0")
BROKEN = CLEAN.replace("custom.w > 0", "custom.v > 0").replace("flag}]", "flagg}]")

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a policy may be written, in the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "p.yaml"


@each_case(
    ("text", "options", "status"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--strict"], 0),
        (WARNING, [], 0),
        (WARNING, ["--strict"], 1),
        (WARNING, ["--strict", "--ignore", "no_tests", "--no-tests"], 0),
        (ERROR, [], 1),
        (ERROR, ["--ignore", "always_fires"], 0),
        (BROKEN, [], 2),
        (CLEAN, ["--ignore", "nonsense"], 2),
    ],
)
@each_case("form", ["text", "json", "sarif", "github"])
def test_the_status_says_how_bad_it_is(
    policy: Path, text: str, options: list[str], status: int, form: str, capsys: Captured
) -> None:
    """0: nothing worse than warnings; 1: an error, or a warning where those count; 2: it does not load, or usage. In every form."""
    policy.write_text(text)
    assert main(["lint", "p.yaml", "--format", form, *options]) == status
    assert bool(capsys.readouterr().err) is (status == 2)


def test_issues_are_lines_for_people(policy: Path, capsys: Captured) -> None:
    """Place, code, message, cure and severity; then how many there are."""
    policy.write_text(ERROR)
    main(["lint", "p.yaml", "--no-tests"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("p.yaml:2:7: no_tests: policy 'tested' has no tests (add ")
    assert lines[1] == (
        "p.yaml:5:35: always_fires: rule 'a' fires on every content: its condition holds where nothing is found "
        "(write a bound that harmless contents stay below, such as >= 0.8) [error]"
    )
    assert lines[2:] == ["p.yaml: 1 error, 1 warning, 0 notes"]


def test_errors_of_loading_are_for_people_and_programs(policy: Path, capsys: Captured) -> None:
    """All of them at once: on stderr with their places, and in the document."""
    policy.write_text(BROKEN)
    assert main(["lint", "p.yaml", "--json"]) == 2
    out, err = capsys.readouterr()
    (report,) = json.loads(out)["policies"]
    assert not report["loads"]
    assert [issue["code"] for issue in report["issues"]] == ["category_without_detector", "invalid_value"]
    assert [line.split(" ")[0] for line in err.splitlines()] == ["p.yaml:5:35:", "p.yaml:5:55:"]


def test_one_broken_policy_does_not_hide_another(policy: Path, capsys: Captured) -> None:
    """Each policy is told of, whatever the others are; the worst status counts."""
    policy.write_text(BROKEN)
    Path("q.yaml").write_text(ERROR)
    assert main(["lint", "p.yaml", "q.yaml", "-p", "p.yaml", "--json"]) == 2
    reports = json.loads(capsys.readouterr().out)["policies"]
    assert [report["policy"] for report in reports] == ["p.yaml", "q.yaml"]
    assert reports[1]["counts"]["error"] == 1


def test_what_is_there_many_times_is_counted(policy: Path, capsys: Captured) -> None:
    """Ten of a code are shown, the others with `--all`; programs get every one."""
    rules = "".join(
        f"  - {{id: r{at}, on: tool_call, when: custom.w >= 0, then: flag}}\n" for at in range(14)
    )
    policy.write_text(f"{HEAD}rules:\n{rules}")
    options = ["lint", "p.yaml", "--no-tests", "--ignore", "duplicate_rule"]
    main(options)
    out = capsys.readouterr().out
    assert out.count(": always_fires:") == 10
    assert "… and 4 more of always_fires (--all shows them)" in out
    main([*options, "--all"])
    assert capsys.readouterr().out.count(": always_fires:") == 14
    main([*options, "--json"])
    assert capsys.readouterr().out.count('"always_fires"') == 14


def test_codes_are_listed(capsys: Captured) -> None:
    """All of them, with severity and what each is, for people and programs; no policy is needed."""
    assert main(["lint", "--codes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == CODES
    assert {line.split()[1] for line in lines} == {"error", "warning", "note"}
    assert main(["lint", "--codes", "--json"]) == 0
    assert {row["code"] for row in json.loads(capsys.readouterr().out)} == CODES


def test_what_is_safe_is_put_right(policy: Path, capsys: Captured) -> None:
    """`--fix` changes the file and tells what is left; `--diff` shows it and changes nothing."""
    text = WARNING.replace("[zqxbomb]", "[zqxbomb, ZQXBOMB]").replace("flag}]", "flag}] # mine")
    policy.write_text(text)
    assert main(["lint", "p.yaml", "--fix", "--diff"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n-") == 1
    assert "+detectors: {words: {use: terms, terms: [zqxbomb], category: custom.w}}\n" in out
    assert policy.read_text() == text
    assert main(["lint", "p.yaml", "--fix"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("p.yaml: 1 put right\n")
    assert "duplicate_term" not in out
    assert policy.read_text() == text.replace(", ZQXBOMB", "")


def test_the_default_is_linted_where_none_is_named(capsys: Captured) -> None:
    """As with every command."""
    assert main(["lint", "--no-tests"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("default: ")


def test_sarif_is_one_document(policy: Path, capsys: Captured) -> None:
    """Of several policies too."""
    policy.write_text(ERROR)
    Path("q.yaml").write_text(BROKEN)
    main(["lint", "p.yaml", "q.yaml", "--format", "sarif", "--no-tests"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    places = [each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"]]
    assert places == ["p.yaml", "p.yaml", "q.yaml", "q.yaml"]


def test_what_the_floor_undoes_is_an_error(policy: Path, capsys: Captured) -> None:
    """In every form, and only where a floor is given; a floor that does not load is usage, as everywhere."""
    policy.write_text(CLEAN)
    Path("org.yaml").write_text(CLEAN.replace("tested", "org").replace("flag", "block"))
    assert main(["lint", "p.yaml", "--strict"]) == 0
    capsys.readouterr()
    assert main(["lint", "p.yaml", "--floor", "org.yaml"]) == 1
    assert (
        "p.yaml:5:55: weaker_than_floor: then: flag has no effect on 'a': the floor's rule 'a' (org.yaml:5) still blocks at "
        "custom.w > 0 (leave it out, or have it changed in the floor by who answers for that) [error]\n"
    ) in capsys.readouterr().out
    assert main(["lint", "p.yaml", "--floor", "org.yaml", "--json"]) == 1
    [report] = json.loads(capsys.readouterr().out)["policies"]
    assert [issue["code"] for issue in report["issues"]] == ["weaker_than_floor"]
    assert main(["lint", "p.yaml", "--floor", "org.yaml", "--ignore", "weaker_than_floor"]) == 0
    policy.write_text(CLEAN.replace("flag}]\n", "flag}]  # lint: ignore weaker_than_floor\n", 1))
    assert main(["lint", "p.yaml", "--floor", "org.yaml"]) == 0
    capsys.readouterr()
    assert main(["lint", "p.yaml"]) == 0
    assert "unused_ignore" not in capsys.readouterr().out
    Path("org.yaml").write_text(BROKEN)
    assert main(["lint", "p.yaml", "--floor", "org.yaml"]) == 2
    assert "org.yaml:5:" in capsys.readouterr().err


def test_a_folder_stands_for_its_policies(policy: Path, capsys: Captured) -> None:
    """Each is looked at, the broken ones too; a folder without policies is a mistake."""
    policy.write_text(CLEAN)
    (policy.parent / "z.yaml").write_text(BROKEN)
    (policy.parent / "p.test.yaml").write_text("tests: []\n")
    assert main(["lint", "."]) == 2
    told = capsys.readouterr()
    assert "p.yaml: nothing to say" in told.out
    assert "z.yaml:5:" in told.err
    (policy.parent / "empty").mkdir()
    assert main(["lint", "empty"]) == 2
    assert capsys.readouterr().err.startswith("empty: no policies")


@each_case("command", ["lint", "test"])
def test_without_a_name_it_says_whose_policy_it_looks_at(
    policy: Path, capsys: Captured, command: str
) -> None:
    """A clean bill for the shipped default is none for the file beside."""
    policy.write_text(BROKEN)
    assert main([command]) == 0
    assert f"the shipped policy default; for your own: guardrails {command} p.yaml" in capsys.readouterr().err
