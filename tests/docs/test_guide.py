"""The guide for policy editors and what stands beside it: each command prints what is shown."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from guardrails.cli import main
from guardrails.policy.shipped import shipped_names
from tests.cases import each_case
from tests.pages import GUIDE, ROOT, agrees, blocks, bring_rows, running, walk

SERVED = ("guardrails serve", "--decisions")
"""What is in the commands of the guide that serve, or read what was served: `system/test_guide.py` runs them too."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a reader of the guide works: a folder with its rows of data."""
    bring_rows(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_the_guide_shows_is_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command prints what the page says that it prints, after all that was done before it."""
    here, seen = running(capsys), 0

    def run(command: str) -> str:
        return "" if any(part in command for part in SERVED) else here(command)

    for shown in walk(GUIDE.read_text(encoding="utf-8"), folder, run):
        seen += 1
        if not any(part in shown.command for part in SERVED):
            same = agrees(shown.expected, shown.printed)
            assert same, f"$ {shown.command}\n{shown.printed}"
    assert seen > 4


def test_the_guide_says_how_its_rows_look(folder: Path) -> None:
    """The row that it shows is one of those that it tunes by."""
    shown = re.findall(r'`(\{"text":.*?\})`', GUIDE.read_text(encoding="utf-8"))

    assert len(shown) == 1
    assert shown[0] in (folder / "labelled.jsonl").read_text().splitlines()


def test_the_commands_for_ci_pass_on_the_policy_of_the_guide(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each step of the workflow that is a command of ours ends well where nothing is wrong."""
    policies = folder / "policies"
    policies.mkdir()
    guide = blocks(GUIDE.read_text(encoding="utf-8"))
    [written] = [block.text for block in guide if block.language == "yaml" and "mode: shadow" in block.text]
    for name in ("pharmacy.yaml", "live.yaml"):
        (policies / name).write_text(written)
    (folder / "fresh.jsonl").rename(folder / "traffic.jsonl")
    page = blocks((GUIDE.parent / "shipping.md").read_text(encoding="utf-8"))
    [workflow] = [yaml.safe_load(block.text) for block in page if "runs-on" in block.text]
    steps = [step["run"] for step in workflow["jobs"]["policies"]["steps"] if "run" in step]
    ours = [shlex.split(step) for step in steps if step.startswith("guardrails ")]

    assert [command[1] for command in ours] == ["fmt", "lint", "test", "diff"]
    for command in ours:
        assert main([*takewhile(lambda word: word != ">>", command[1:])]) == 0, command
    assert (folder / "tests.xml").is_file()


@each_case("name", shipped_names())
def test_every_shipped_policy_stands_on_the_page_beside_them(name: str) -> None:
    """The table of shipped policies is complete, and so is that of what each blocks of harmless texts."""
    for page in ("policies/README.md", "docs/pages/figures.md"):
        assert f"| `{name}` |" in (ROOT / page).read_text(encoding="utf-8")
