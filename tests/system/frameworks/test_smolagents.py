"""smolagents, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY, tool

RUN = [tool("read_note", order="17"), tool("final_answer", answer="It is on its way.")]
STEPS = {
    "fine": Step("ask", FINE, RUN),
    "attack": Step("ask", ATTACK, RUN),
    "redacted": Step("ask", f"My card is {CARD}.", [tool("final_answer", answer=f"Use {CARD}.")]),
    "unsafe": Step("ask", FINE, [tool("final_answer", answer=KEY)]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "attack streamed": Step("stream", ATTACK, ["Paris."]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """An agent's own prompts pass, its calls of tools are judged, and streams go on as they are."""
    found = dict(zip(STEPS, run_recipe("smolagents", [*STEPS.values()], tmp_path), strict=True))

    assert (found["fine"].value, found["fine"].error) == ("It is on its way.", "")
    assert "Shipped on Monday." in str(found["fine"].asked[-1])
    for name in ("attack", "attack streamed"):
        assert "Blocked" in found[name].causes
        assert found[name].asked == []
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    assert "Blocked" in found["unsafe"].causes
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "Blocked" in found["unsafe streamed"].causes


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    found = run_recipe("smolagents", [STEPS["fine"], STEPS["streamed"]], tmp_path, proxy=True)

    assert [each.error for each in found] == ["", ""]
    assert found[0].value == "It is on its way."
