"""instructor, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY, tool

STEPS = {
    "fine": Step("ask", FINE, [tool("City", name="Paris")]),
    "asked again": Step("ask", FINE, [tool("City", title="Paris"), tool("City", name="Paris")]),
    "attack": Step("ask", ATTACK, [tool("City", name="Paris")]),
    "redacted": Step("ask", f"My card is {CARD}.", [tool("City", name="Paris", note=f"Use {CARD}.")]),
    "unsafe": Step("ask", FINE, [tool("City", name="Paris", note=KEY)]),
    "streamed": Step("stream", FINE, [tool("City", name="Paris", note=f"Use {CARD}.")]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """Objects are made of what was judged."""
    found = dict(zip(STEPS, run_recipe("instructor", [*STEPS.values()], tmp_path), strict=True))

    assert (found["fine"].value, found["fine"].error) == ("Paris", "")
    assert (found["asked again"].value, len(found["asked again"].asked)) == ("Paris", 2)
    assert "Blocked" in found["attack"].causes
    assert found["attack"].asked == []
    assert found["redacted"].value == "Paris Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    assert "Blocked" in found["unsafe"].causes
    assert found["streamed"].value[-1] == "Use [CREDIT_CARD]."


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The library's own requests and streams pass."""
    found = run_recipe(
        "instructor", [STEPS["fine"], STEPS["asked again"], STEPS["streamed"]], tmp_path, proxy=True
    )

    assert [each.error for each in found] == ["", "", ""]
