"""litellm, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY, LONG, tool

STEPS = {
    "fine": Step("ask", FINE, ["Paris."]),
    "fine async": Step("ask_async", FINE, ["Paris."]),
    "attack": Step("ask", ATTACK, ["Paris."]),
    "attack async": Step("ask_async", ATTACK, ["Paris."]),
    "attack streamed": Step("stream", ATTACK, ["Paris."]),
    "redacted": Step("ask", f"My card is {CARD}.", [f"Use {CARD}."]),
    "unsafe": Step("ask", FINE, [KEY]),
    "call": Step("find_call", FINE, [tool("read_note", order="17")]),
    "unsafe call": Step("find_call", FINE, [tool("read_note", order=KEY)]),
    "streamed": Step("stream", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "long streamed": Step("stream", FINE, [{"text": LONG, "cut": 9}]),
    "streamed async": Step("stream_async", FINE, [{"text": f"Use {CARD}.", "cut": 3}]),
    "unsafe streamed": Step("stream", FINE, [{"text": KEY, "cut": 5}]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """Calls and streams, sync and async."""
    found = dict(zip(STEPS, run_recipe("litellm", [*STEPS.values()], tmp_path), strict=True))

    for name in ("fine", "fine async"):
        assert (found[name].value, found[name].error) == ("Paris.", "")
    for name in ("attack", "attack async", "attack streamed"):
        assert (found[name].causes[:1], found[name].asked) == (["Blocked"], [])
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    for name in ("unsafe", "unsafe streamed", "unsafe call"):
        assert found[name].causes[:1] == ["Blocked"]
    assert found["call"].value.replace(" ", "") == '{"order":"17"}'
    for name in ("streamed", "streamed async"):
        assert "".join(found[name].value) == "Use [CREDIT_CARD]."
    assert "".join(found["long streamed"].value) == LONG
    assert len(found["long streamed"].value) > 3


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The library's own requests and streams pass."""
    found = run_recipe(
        "litellm", [STEPS[name] for name in ("fine", "call", "streamed")], tmp_path, proxy=True
    )

    assert [each.error for each in found] == [""] * 3
