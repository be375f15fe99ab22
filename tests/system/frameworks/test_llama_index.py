"""LlamaIndex, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY, LONG, tool

STEPS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "redacted": Step("ask", f"My card is {CARD}.", [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "completed": Step("complete", FINE, [f"Use {CARD}."]),
    "attack completed": Step("complete", ATTACK, ["Paris."]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "long streamed": Step("stream", FINE, [{"text": LONG, "cut": 9}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
    "agent": Step("ask_agent", FINE, [tool("read_note", order="17"), "It is on its way."]),
    "agent attacked": Step("ask_agent", ATTACK, ["Paris."]),
    "agent streamed": Step(
        "stream_agent", FINE, [tool("read_note", order="17"), {"text": f"Use {CARD}.", "cut": 3}]
    ),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """Engines and agents run as they do; nothing passes that the policy stops."""
    found = dict(zip(STEPS, run_recipe("llama_index", [*STEPS.values()], tmp_path), strict=True))

    assert (found["fine"].value, found["fine"].error) == ("Paris.", "")
    assert "Order 17 was shipped on Monday." in str(found["fine"].asked)
    for name in ("attack", "attack completed", "agent attacked"):
        assert "Blocked" in found[name].causes
        assert found[name].asked == []
    for name in ("redacted", "completed"):
        assert found[name].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    for name in ("unsafe", "unsafe streamed"):
        assert "Blocked" in found[name].causes
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "".join(found["long streamed"].value) == LONG
    assert len(found["long streamed"].value) > 2
    assert found["agent"].value == "It is on its way."
    assert "Shipped on Monday." in str(found["agent"].asked[-1])
    assert "".join(found["agent streamed"].value) == "Use [CREDIT_CARD]."


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    names = ("fine", "completed", "streamed", "agent", "agent streamed")
    found = run_recipe("llama_index", [STEPS[name] for name in names], tmp_path, proxy=True)

    assert [each.error for each in found] == [""] * 5
