"""The fixtures, in a pytest of their own: found where the package is installed, and nothing to whoever does not ask."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

TESTS = """
import sys
from guardrails.testing import assert_blocked

def test_nothing_is_brought_along():
    heavy = {"numpy", "yaml", "pydantic", "onnxruntime", "guardrails.guard", "http.server"}
    assert heavy.isdisjoint(sys.modules)

def test_an_application(guardrails_upstream, fake_guard):
    import openai

    guardrails_upstream.reply_with("a secret")
    guard = fake_guard(blocks=["bomb"], redacts=["secret"])
    with openai.OpenAI(base_url=guardrails_upstream.url, api_key="none") as bare:
        client = guard.wrap(bare, on_block="answer")
        asked = [{"role": "user", "content": "hello"}]
        answer = client.chat.completions.create(model="m", messages=asked)
        assert answer.choices[0].message.content == "a [REDACT]"
        assert guardrails_upstream.requests[0].texts == ["hello"]
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "a bomb"}])
    assert len(guardrails_upstream.requests) == 1
    assert_blocked(guard.verdicts[-1], rule="fake.block")

def test_each_test_has_its_own(guardrails_upstream):
    assert guardrails_upstream.requests == []
"""


def test_an_application_uses_them(tmp_path: Path) -> None:
    """Under pytest's strictest settings; without a request for one, nothing is imported."""
    (tmp_path / "test_application.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\naddopts = --strict-config --strict-markers\nfilterwarnings = error\n"
    )
    plugins = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "guardrails.testing.fixtures",
        "-p",
        "no:cacheprovider",
        ".",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=plugins, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_pytest_finds_them_by_an_entry_point() -> None:
    """Where the package is installed."""
    [found] = entry_points(group="pytest11", name="guardrails")
    assert found.value == "guardrails.testing.fixtures"
