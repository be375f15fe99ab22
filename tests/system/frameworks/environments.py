"""Environments of released frameworks, each with this checkout, and the recipes of the documentation run in them.

An environment is made once and kept in a folder: that of `GUARDRAILS_TEST_ENVIRONMENTS`, else one below the system's folder for
temporary files. What it holds is written beside it, so that another pin, or another dependency of this package, makes it anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pages import ROOT, blocks

PAGE = ROOT / "docs/pages/guides/frameworks.md"
PROGRAM = Path(__file__).parent / "program.py"
PATIENCE_S = 240.0

PINS: Mapping[str, Sequence[str]] = {
    "openai_agents": ["openai-agents==0.24.0"],
    "langchain": ["langchain==1.5.2", "langgraph==1.2.24", "langchain-openai==1.7.4"],
    "crewai": ["crewai==1.15.30"],
    "llama_index": ["llama-index-core==0.14.25", "llama-index-llms-openai==0.8.3"],
    "pydantic_ai": ["pydantic-ai-slim[openai]==2.68.0"],
    "dspy": ["dspy==3.4.1"],
    "smolagents": ["smolagents[openai]==1.26.0"],
    "instructor": ["instructor==1.17.0"],
    "litellm": ["litellm==1.110.2"],
    "haystack": ["haystack-ai==3.4.1"],
    "pii_leak_benchmark": ["pii-leak-benchmark==0.6.0"],
}
"""Framework, or tool that tests from outside → the released packages that run with it."""

LOCKED_ON = "2026-12-07"
"""The day of these pins: what they bring is installed as it was then, so that only a change here can break them."""


def environment(framework: str) -> Path:
    """Return the Python of an environment with a framework and this checkout, made where there is none."""
    kept = os.environ.get("GUARDRAILS_TEST_ENVIRONMENTS")
    folder = Path(kept or Path(tempfile.gettempdir()) / "guardrails-environments") / framework
    python, stamp = folder / "bin/python", folder / "installed.json"
    wanted = json.dumps(
        [sys.version, str(ROOT), (ROOT / "pyproject.toml").read_text("utf-8"), LOCKED_ON, *PINS[framework]]
    )
    if stamp.is_file() and stamp.read_text("utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    packages = ["--quiet", "--editable", str(ROOT), *PINS[framework]]
    if uv := shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])):
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "install", "--exclude-newer", LOCKED_ON, "--python", str(python), *packages])
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", *packages])
    stamp.write_text(wanted, "utf-8")
    return python


def _run(command: Sequence[str], **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout[-4000:]}\n{done.stderr[-6000:]}"
    return done.stdout


@dataclass(frozen=True, slots=True)
class Step:
    """A function of a recipe that is called, and what the model says meanwhile.

    Attributes:
        call: the name of the function.
        given: its argument.
        replies: what the model answers, in turn: a text, or the fields of a `Reply` (`tool` and `arguments` for a call of a
            tool, `text` and `cut` for a text in pieces).
    """

    call: str
    given: str
    replies: Sequence[str | Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step.

    Attributes:
        value: what the function returned; a list where it is an iterator.
        error: the type of the exception that it raised, with its message.
        causes: the types of the exceptions behind that, and of those above.
        asked: the texts of each request that the model got.
    """

    value: Any
    error: str
    causes: Sequence[str]
    asked: Sequence[Sequence[str]]


def run_recipe(
    recipe: str,
    steps: Sequence[Step],
    folder: Path,
    *,
    framework: str = "",
    setup: Sequence[Any] = (),
    proxy: bool = False,
) -> list[Outcome]:
    """Run a recipe of the page in the environment of its framework, then steps with what it defines.

    Args:
        recipe: the title of its block, without the suffix.
        steps: what is called.
        folder: an empty folder for it.
        framework: in whose environment; that of the recipe's name where nothing is said.
        setup: what the model answers while the recipe itself runs.
        proxy: the recipe runs without its guard, and its model is reached through the proxy with the default policy.
    """
    found = [block for block in blocks(PAGE.read_text("utf-8")) if block.file == f"{recipe}.py"]
    assert found, f"{PAGE.name} has no block with the title {recipe}.py"
    (folder / f"{recipe}.py").write_text("".join(block.text for block in found), "utf-8")
    spec = {
        "recipe": str(folder / f"{recipe}.py"),
        "setup": [*setup],
        "proxy": proxy,
        "steps": [{"call": step.call, "given": step.given, "replies": [*step.replies]} for step in steps],
        "out": str(folder / "out.json"),
    }
    (folder / "spec.json").write_text(json.dumps(spec), "utf-8")
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
    python = environment(framework or recipe)
    _run([str(python), str(PROGRAM), str(folder / "spec.json")], cwd=folder, env={**os.environ, **home})
    results = json.loads((folder / "out.json").read_text("utf-8"))
    return [Outcome(**each) for each in results]
