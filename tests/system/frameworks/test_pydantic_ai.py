"""Pydantic AI, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, HIDDEN, KEY, LONG, tool

STEPS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "attack streamed": Step("stream", ATTACK, ["Paris."]),
    "redacted": Step("ask", f"My card is {CARD}.", [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "tool": Step("ask", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "poisoned tool": Step("ask", FINE, [tool("read_note", order="18"), "I cannot say."]),
    "structured": Step("find_city", FINE, [tool("final_result", name="Paris")]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "long streamed": Step("stream", FINE, [{"text": LONG, "cut": 9}]),
    "tool streamed": Step("stream", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """Agents run as they do, with tools, output types and streams; nothing passes that the policy stops."""
    found = dict(zip(STEPS, run_recipe("pydantic_ai", [*STEPS.values()], tmp_path), strict=True))

    assert (found["fine"].value, found["fine"].error) == ("Paris.", "")
    for name in ("attack", "attack streamed"):
        assert "Blocked" in found[name].causes
        assert found[name].asked == []
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    assert "Blocked" in found["unsafe"].causes
    assert found["tool"].value == "It is on its way."
    assert "Shipped on Monday." in str(found["tool"].asked[-1])
    assert "Blocked" in found["poisoned tool"].causes
    assert HIDDEN not in str(found["poisoned tool"].asked)
    assert (found["structured"].value, found["structured"].error) == ("Paris", "")
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "".join(found["long streamed"].value) == LONG
    assert len(found["long streamed"].value) > 2
    assert "".join(found["tool streamed"].value) == "It is on its way."
    assert "Blocked" in found["unsafe streamed"].causes


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    names = ("fine", "tool", "structured", "streamed", "tool streamed")
    found = run_recipe("pydantic_ai", [STEPS[name] for name in names], tmp_path, proxy=True)

    assert [each.error for each in found] == [""] * 5
