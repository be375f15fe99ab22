"""OpenAI's Agents SDK with a wrapped client and the guard's guardrails, as the documentation shows it."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, HIDDEN, KEY, tool

STEPS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "attack streamed": Step("stream", ATTACK, ["Paris."]),
    "redacted prompt": Step("ask", f"My card is {CARD}.", ["Paris."]),
    "redacted": Step("ask", FINE, [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
    "tool": Step("ask", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "poisoned tool": Step("ask", FINE, [tool("read_note", order="18"), "I cannot say."]),
    "unsafe call": Step("ask", FINE, [tool("read_note", order=ATTACK), "I cannot say."]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """Ordinary runs finish, with tools and streams; attacks trip before the model is asked, unsafe answers reach nobody."""
    found = dict(zip(STEPS, run_recipe("openai_agents", [*STEPS.values()], tmp_path), strict=True))

    assert (found["fine"].value, found["fine"].error) == ("Paris.", "")
    for name in ("attack", "attack streamed"):
        assert "InputGuardrailTripwireTriggered" in found[name].causes
        assert found[name].asked == []
    assert found["redacted prompt"].value == "Paris."
    assert CARD not in str(found["redacted prompt"].asked)
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert {"Blocked", "OutputGuardrailTripwireTriggered"} & {*found["unsafe"].causes}
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "Blocked" in found["unsafe streamed"].causes
    assert found["tool"].value == "It is on its way."
    assert "Shipped on Monday." in str(found["tool"].asked[-1])
    assert found["poisoned tool"].value == "I cannot say."
    assert HIDDEN not in str(found["poisoned tool"].asked)
    assert found["unsafe call"].error or found["unsafe call"].value == "I cannot say."


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    steps = [STEPS["fine"], STEPS["streamed"], STEPS["tool"]]
    found = run_recipe("openai_agents", steps, tmp_path, proxy=True)

    assert [each.error for each in found] == ["", "", ""]
    assert "".join(found[1].value) == "Use [CREDIT_CARD]."
