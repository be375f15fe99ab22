"""`guardrails log show`: what `x-guardrails-verdict-id` leads to."""

from __future__ import annotations

import json

from tests.cli.operate.log.log_kit import LogCommands


def test_one_decision_in_full(log: LogCommands) -> None:
    """For people and for programs."""
    done = log("show", log.ids[0])
    lines = dict(line.strip().split(None, 1) for line in done.out.splitlines()[1:])
    assert done.status == 0
    assert done.out.startswith(f"{log.ids[0]}  20")
    assert (lines["action"], lines["rules"], lines["tenant"]) == ("BLOCK", "word (block)", "acme")
    assert lines["finding"].startswith("custom.word 1.000 by words 26..29")
    assert lines["policy"].startswith("name tested")
    [told] = json.loads(log("show", log.ids[0], "--json").out)
    assert (told["id"], told["seq"]) == (log.ids[0], 1)


def test_a_header_names_several(log: LogCommands) -> None:
    """The decisions on a request and on its answer, as `x-guardrails-verdict-id` has them."""
    found = json.loads(log("show", f"{log.ids[1]},{log.ids[4]}", "--json").out)
    assert [each["id"] for each in found] == [log.ids[1], log.ids[4]]


def test_who_was_erased_is_said(log: LogCommands) -> None:
    """The decision stays."""
    log("forget", "--user", "u0", "--tenant", "acme", "--yes")
    done = log("show", log.ids[0])
    assert "subject       erased" in done.out
    assert "BLOCK" in done.out


def test_an_id_that_is_not_there_is_an_error(log: LogCommands) -> None:
    """With what may have become of it."""
    done = log("show", "vd_0")
    assert done.status == 2
    assert "there is no record of vd_0" in done.err
