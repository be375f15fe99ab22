"""What came of a check, in the words of dashboards."""

from __future__ import annotations

from guardrails.proxy.server.counting.results import result_of
from guardrails.types import Action, DetectorFailure, FiredRule, Mode, PolicyRef, Stage, Verdict
from guardrails.verdicts.unavailable import Unavailable
from tests.cases import each_case

SHADE = FiredRule("s", Action.REDACT, mode=Mode.SHADOW)
SHADOW = FiredRule("s", Action.BLOCK, mode=Mode.SHADOW)
FAILURE = DetectorFailure("d", "it broke")


@each_case(
    ("action", "more", "expected"),
    [
        (Action.ALLOW, {}, "allowed"),
        (Action.FLAG, {}, "allowed"),
        (Action.REDACT, {"shadow": (SHADOW,)}, "masked"),
        (Action.BLOCK, {"errors": (FAILURE,)}, "blocked"),
        (Action.BLOCK, {"unavailable": Unavailable("timeout"), "errors": (FAILURE,)}, "unavailable"),
        (Action.ALLOW, {"errors": (FAILURE,), "shadow": (SHADOW,)}, "bypassed"),
        (Action.ALLOW, {"shadow": (SHADE, SHADOW)}, "would_block"),
        (Action.FLAG, {"shadow": (SHADE,)}, "would_mask"),
        (Action.ALLOW, {"shadow": (FiredRule("s", Action.FLAG, mode=Mode.SHADOW),)}, "allowed"),
    ],
)
def test_what_was_done_goes_before_what_would_have_been(action, more, expected) -> None:
    """And what could not be judged before both."""
    verdict = Verdict("v", action, Stage.INPUT, PolicyRef("p", "1", "sha256:0"), None, **more)
    assert result_of(verdict) == expected
