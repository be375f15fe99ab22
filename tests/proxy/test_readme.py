"""The page on operating the proxy: its settings are settings, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guardrails import Guard
from guardrails.proxy.configuration.sources import load_settings
from guardrails.proxy.server.state import State

PAGE = Path(__file__).parents[2] / "guardrails" / "proxy" / "README.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_settings_of_the_page_can_be_served(tmp_path, block) -> None:
    """With every policy that they name."""
    path = tmp_path / "settings.yaml"
    path.write_text(block)
    settings = load_settings(str(path), {}, {}).settings
    assert State(settings, Guard.load(settings.policy, floor=settings.floor)).guards
