"""The page on the MCP guard: its settings are settings, as they stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path

from guardrails.mcp.settings import load_settings

PAGE = (Path(__file__).parents[2] / "guardrails" / "mcp" / "README.md").read_text(encoding="utf-8")


def test_settings_of_the_page_are_read(tmp_path: Path) -> None:
    """With the servers that they name; an agent's own settings are JSON that starts the command."""
    [block] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "mcp.yaml").write_text(block)
    [agent] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    found = load_settings(tmp_path / "mcp.yaml", {})

    assert {*found.servers} == {"web", "files"}
    [server] = json.loads(agent)["mcpServers"].values()
    assert (server["command"], server["args"][0]) == ("guardrails", "mcp")
