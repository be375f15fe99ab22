"""CrewAI, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY, tool

STEPS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "redacted": Step("ask", f"My card is {CARD}.", [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "tool": Step("ask", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """A crew's own prompts pass; a denial ends its run, and no listener hears what is not judged."""
    found = dict(zip(STEPS, run_recipe("crewai", [*STEPS.values()], tmp_path), strict=True))

    assert (found["fine"].value, found["fine"].error) == ("Paris.", "")
    assert {"Blocked", "HookAborted"} <= {*found["attack"].causes}
    assert found["attack"].asked == []
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    assert "Blocked" in found["unsafe"].causes
    assert len(found["unsafe"].asked) == 1
    assert found["tool"].value == "It is on its way."
    assert "Shipped on Monday." in str(found["tool"].asked[-1])
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "Blocked" in found["unsafe streamed"].causes


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    found = run_recipe("crewai", [STEPS["fine"], STEPS["tool"], STEPS["streamed"]], tmp_path, proxy=True)

    assert [each.error for each in found] == ["", "", ""]
