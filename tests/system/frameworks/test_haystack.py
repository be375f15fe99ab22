"""Haystack, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY, LONG, tool

STEPS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "fine async": Step("ask_async", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "attack streamed": Step("stream", ATTACK, ["Paris."]),
    "redacted": Step("ask", f"My card is {CARD}.", [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "agent": Step("ask_agent", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "long streamed": Step("stream", FINE, [{"text": LONG, "cut": 9}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """Pipelines and agents run as they do, and callbacks hear what was judged."""
    found = dict(zip(STEPS, run_recipe("haystack", [*STEPS.values()], tmp_path), strict=True))

    for name in ("fine", "fine async"):
        assert (found[name].value, found[name].error) == ("Paris.", "")
    for name in ("attack", "attack streamed"):
        assert "Blocked" in found[name].causes
        assert found[name].asked == []
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    for name in ("unsafe", "unsafe streamed"):
        assert "Blocked" in found[name].causes
    assert found["agent"].value == "It is on its way."
    assert "Shipped on Monday." in str(found["agent"].asked[-1])
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "".join(found["long streamed"].value) == LONG
    assert len(found["long streamed"].value) > 3


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    found = run_recipe(
        "haystack", [STEPS[name] for name in ("fine", "agent", "streamed")], tmp_path, proxy=True
    )

    assert [each.error for each in found] == [""] * 3
