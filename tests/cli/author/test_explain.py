"""`guardrails explain`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from guardrails.cli import main
from tests.cases import each_case

POLICY = """
format: 1
name: small
version: "1.2"
detectors:
  words: {use: terms, terms: [blast], category: custom.x}
  rage: {use: terms, terms: [rage], category: hate, score: 0.61}
rules:
  - {id: block, on: input, when: 'custom.x > 0 && request.user.tier != "trusted"', then: block}
  - {id: near, on: input, when: hate >= 0.85, then: block}
  - {id: mask, on: output, when: custom.x > 0, then: redact}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    """The path of a small policy."""
    path = tmp_path / "small.yaml"
    path.write_text(POLICY)
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["fine"], 0, ["ALLOW", "nothing to fire for: ", "at other stages: mask"]),
        (["rage"], 0, ["hate >= 0.85: 0.61, 0.24 short"]),
        (
            ["blast", "--user", "tier=guest"],
            1,
            ["BLOCK", "[[blast]](1)", 'true     request.user.tier != "trusted"'],
        ),
        (["blast"], 1, ["request.user.tier, as nobody said who asks (user)", "request.user.tier is absent"]),
        (
            ["blast", "-s", "output"],
            0,
            ["REDACT", "'blast' → '[X]'  by mask", "becomes  '[X]'", "if it came in pieces"],
        ),
        (["fine", "--rule", "near"], 0, ["hate >= 0.85  0.00, 0.85 short"]),
        (["fine", "--all"], 0, ["custom.x > 0  0.00, nothing found", "hate >= 0.85  0.00, 0.85 short"]),
    ],
)
def test_prints_for_people(
    policy: str, arguments: list[str], status: int, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Why it is so, without colours in a pipe; the exit status is that of `check`."""
    assert main(["explain", "-p", policy, *arguments]) == status
    out = capsys.readouterr().out
    assert [each for each in said if each not in out] == []
    assert "\x1b" not in out


def test_one_document_of_json(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For several contents, too; what a text is called is the text itself, which stands in it."""
    assert main(["explain", "-p", policy, "blast", "rage", "--json", "--user", "tier=guest"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["blocked"]
    assert [each["name"] for each in said["explanations"]] == [None, None]
    assert [each["verdict"]["action"] for each in said["explanations"]] == ["block", "allow"]
    near = said["explanations"][1]["rules"][0]
    assert (near["id"], near["tries"][0]["missing"]["distance"]) == ("near", pytest.approx(0.24))


def test_files_and_standard_input(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As for `check`; of several each is named."""
    chat = tmp_path / "chat.json"
    chat.write_text(json.dumps([{"role": "user", "content": "rage"}]))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"rage\r\n")))
    assert main(["explain", "-p", policy, str(chat), "-"]) == 0
    out = capsys.readouterr().out
    assert "content  '" in out
    assert "standard input" in out
    assert "text /0/content user" in out


def test_a_floor_is_explained_as_well(
    policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rules are said to be its own."""
    floor = tmp_path / "floor.yaml"
    floor.write_text(POLICY.replace("name: small", "name: below").replace("then: redact", "then: block"))
    assert main(["explain", "-p", policy, "--floor", str(floor), "blast", "-s", "output"]) == 1
    out = capsys.readouterr().out
    assert "floor    below 1.2" in out
    assert "then block, medium, of the floor" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--rule", "nera"], "has no rule 'nera' - did you mean 'near'"),
        (["a", "--floor", "nowhere.yaml"], "unknown_policy"),
        (["missing.txt"], "no such file"),
    ],
)
def test_what_is_wrong_is_an_error(
    policy: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With status 2, on stderr."""
    assert main(["explain", "-p", policy, *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@each_case("words", [True, False])
def test_words_may_be_left_out(words: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """They take a while."""
    main(["explain", "You stupid idiot!", *([] if words else ["--no-words"])])
    assert ("raised by" in capsys.readouterr().out) is words


def test_texts_of_the_application_are_declared_by_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the settings of a server do; one that cannot be read is an error."""
    policy, own, chat = tmp_path / "p.yaml", tmp_path / "own.txt", tmp_path / "chat.json"
    policy.write_text(
        POLICY.replace(
            "custom.x > 0 && request.user.tier", "!message.declared && custom.x > 0 && request.user.tier"
        )
    )
    own.write_text("Handle each blast that {who} has.\n")
    chat.write_text(json.dumps([{"role": "system", "content": "Handle each blast that Jo has."}]))
    options = ["--policy", str(policy), "--user", "tier=x", "--application-text"]
    for command in ("explain", "check"):
        assert main([command, str(chat), *options[:-1]]) == 1
        assert main([command, str(chat), *options, str(own)]) == 0
        capsys.readouterr()
        assert main([command, str(chat), *options, str(tmp_path / "gone.txt")]) == 2
        assert "gone.txt" in capsys.readouterr().err


def test_a_report_is_written(policy: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Texts are named by number in it, files by name; it takes the place of nothing that is explained."""
    report, given = tmp_path / "out.html", tmp_path / "given.html"
    given.write_text("fine")
    assert main(["explain", "-p", policy, "blast", str(given), "--report", str(report)]) == 1
    html = report.read_text()
    assert "text 1: block" in html
    assert f"{given}: allow" in html
    assert main(["explain", "-p", policy, str(given), "--report", str(given)]) == 2
    assert "would take the place of what is checked" in capsys.readouterr().err
    assert given.read_text() == "fine"
