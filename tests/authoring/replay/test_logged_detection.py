"""What a record says of the detection behind it."""

from __future__ import annotations

from guardrails.authoring.replay.logged_detection import LoggedDetection
from guardrails.types import Stage
from tests.authoring.replay.replay_kit import check_recorded, load_guard, make_policy

RULE = {"id": "mixed", "on": "input", "when": "custom.mixed > 0", "then": "flag"}


def test_a_detector_is_known_where_it_was_asked() -> None:
    """At its stages alone, and by its digest."""
    guard = load_guard(make_policy([RULE]))
    logged = LoggedDetection(check_recorded(guard, "lowly")[1])
    known = {bound.name: bound for bound in guard.policy.detectors}
    assert logged.knows(known["low"], [Stage.INPUT], across=False)
    assert not logged.knows(known["low"], [Stage.OUTPUT], across=False)
    assert not logged.knows(known["low"], [Stage.INPUT], across=True)
    assert not logged.knows(known["codes"], [Stage.INPUT], across=False)
    assert (logged.is_single, logged.characters, [len(part.findings) for part in logged.parts]) == (
        True,
        5,
        [1],
    )
