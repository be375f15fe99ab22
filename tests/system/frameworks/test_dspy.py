"""DSPy, as the documentation shows it guarded."""

from __future__ import annotations

from pathlib import Path

from tests.system.frameworks.environments import Step, run_recipe
from tests.system.frameworks.scripts import ATTACK, CARD, FINE, KEY


def fields(answer: str, **more: str) -> str:
    """Return an answer as DSPy's chat adapter reads it."""
    named = {**more, "answer": answer}
    parts = [f"[[ ## {name} ## ]]\n{value}\n" for name, value in named.items()]
    return "\n".join([*parts, "[[ ## completed ## ]]"])


STEPS = {
    "fine": Step("ask", FINE, [fields("Paris.")]),
    "reasons": Step("ask_with_reasons", FINE, [fields("Paris.", reasoning="I know it.")]),
    "attack": Step("ask", ATTACK, [fields("Paris.")]),
    "redacted": Step("ask", f"My card is {CARD}.", [fields(f"Use {CARD}.")]),
    "unsafe": Step("ask", FINE, [fields(KEY)]),
    "streamed": Step("stream", FINE, [{"text": fields(f"Use {CARD}."), "cut": 3}]),
    "unsafe streamed": Step("stream", FINE, [{"text": fields(KEY), "cut": 5}]),
}


def test_the_recipe_runs_guarded(tmp_path: Path) -> None:
    """A program's own prompts pass, answers are judged, and each token that is streamed."""
    found = dict(zip(STEPS, run_recipe("dspy", [*STEPS.values()], tmp_path), strict=True))

    for name in ("fine", "reasons"):
        assert (found[name].value, found[name].error) == ("Paris.", "")
    assert "Blocked" in found["attack"].causes
    assert found["attack"].asked == []
    assert found["redacted"].value == "Use [CREDIT_CARD]."
    assert CARD not in str(found["redacted"].asked)
    assert "Blocked" in found["unsafe"].causes
    assert "".join(found["streamed"].value) == "Use [CREDIT_CARD]."
    assert "Blocked" in found["unsafe streamed"].causes


def test_it_runs_at_the_proxy(tmp_path: Path) -> None:
    """The framework's own requests and streams pass."""
    found = run_recipe("dspy", [STEPS["fine"], STEPS["reasons"], STEPS["streamed"]], tmp_path, proxy=True)

    assert [each.error for each in found] == ["", "", ""]
