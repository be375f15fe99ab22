"""`guardrails doctor`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.cli import main
from tests.larger_model import install_larger_model, remove_larger_model
from tests.registry.conftest import SHOUTING, Install, install

__all__ = ["install"]


def test_says_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, and for programs: this package, Python, and each optional part with what it lacks."""
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert f"Python {sys.version.split()[0]}" in said
    assert "  none is installed" in said
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["sound"], found["plugins"]) == (True, [])
    assert {"name": "pii", "missing": []} in found["extras"]
    assert not {"dev", "test", "all"} & {extra["name"] for extra in found["extras"]}


def test_says_which_models_are_packages_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What pip installs, which version is here, or what is wrong with it."""
    remove_larger_model(monkeypatch)
    assert main(["doctor"]) == 0
    assert "  text-safety-large: pip install guardrails-middleware-large\n" in capsys.readouterr().out
    folder = install_larger_model(tmp_path, monkeypatch, 1.0)
    assert main(["doctor"]) == 0
    assert "  text-safety-large: 1.0.0, may be used\n" in capsys.readouterr().out
    (folder / "manifest.json").write_text("{}")
    assert main(["doctor"]) == 1
    assert "is not the one that this release goes with" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["models"][0]["name"] == "text-safety-large"


def test_says_what_is_wrong_with_plugins(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    """A built-in name, a name that two packages offer, and with `--load` a plugin that fails."""
    points = {"detectors": {"terms": "acme_one:KIND", "loud": "acme_one:KIND", "gone": "acme_one:NONE"}}
    install("acme-one", "1.0", points)
    install("acme-two", "2.0", {"detectors": {"loud": "acme_two:KIND"}}, SHOUTING)
    assert main(["doctor", "--json", "--load"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is False
    problems = {(each["name"], each["package"]): each["problem"] for each in found["plugins"]}
    assert problems["terms", "acme-one"] == "has the name of a built-in one, and is never used"
    assert problems["loud", "acme-one"] == "is offered by acme-two as well"
    assert "AttributeError" in problems["gone", "acme-one"]
    assert main(["doctor"]) == 1
    assert "loud (acme-two 2.0, acme_two:KIND): is offered by acme-one as well" in capsys.readouterr().out


def test_says_what_files_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that the command line names; one that fails stands there with its error."""
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(dedent(SHOUTING))
    bad.write_text("raise RuntimeError('no')")
    assert main(["doctor", "--plugin", str(good)]) == 0
    assert "detectors: shouting (good.py " in capsys.readouterr().out
    assert main(["doctor", "--plugin", str(good), "--plugin", str(bad), "--json"]) == 1
    found = {each["package"]: each["problem"] for each in json.loads(capsys.readouterr().out)["plugins"]}
    assert found["good.py"] == ""
    assert "bad.py:1: RuntimeError: no" in found["bad.py"]


def test_looks_at_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its settings and policies, its files, what is behind it; what is wrong has its cure, and the status tells."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("upstream: http://127.0.0.1:1/v1\npolicy: pii-only\nport: 0\n")
    assert main(["doctor", "--config", str(settings), "--offline"]) == 0
    assert main(["doctor", "--config", str(settings)]) == 1
    said = capsys.readouterr().out
    assert "upstream default: the upstream cannot be reached" in said
    assert "cure: is it running, and may this machine reach it?" in said
    settings.write_text("upstream: http://h\nprot: 9\npolicy: nowhere.yaml\n")
    assert main(["doctor", "--config", str(settings), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] is False
    assert len([each for each in found["server"] if each["grade"] == "problem"]) == 2
