"""`guardrails review` on requests that a real guard has made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardrails import Guard
from guardrails.cli import main
from tests.cli.operate.log.log_kit import Done
from tests.records.approvals.approval_kit import COMMAND, POLICY, answer
from tests.records.records_kit import stored, verified


class ReviewCommands:
    """Runs subcommands on the records of a guard that has stopped a call, made for joe."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        records: dict[str, Any] = {"path": str(folder), "approvers": {"operators": ["ann", "joe"]}}
        self.guard = Guard.load(POLICY, records=records)
        self.body = answer({"command": f"{COMMAND} # \u202ehidden"})
        [self.asked] = self.guard.check(self.body, stage="output", user={"id": "joe"}).approvals

    def __call__(self, *arguments: str) -> Done:
        """Run a subcommand."""
        self._capsys.readouterr()
        status = main(["review", *arguments, "--records", str(self.folder)])
        return Done(status, *self._capsys.readouterr())

    def passes(self) -> bool:
        """Tell whether the call passes by now."""
        return not self.guard.check(self.body, stage="output", user={"id": "joe"}).blocked


@pytest.fixture
def review(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> ReviewCommands:
    """Run subcommands on one request."""
    return ReviewCommands(tmp_path / "records", capsys)


def test_a_person_lets_a_call_through(review: ReviewCommands) -> None:
    """From the list over the arguments to the decision, which is on record; the call passes once."""
    listed = review("list")
    assert listed.out.startswith(f"{review.asked.id}  pending ")
    shown = review("show", review.asked.id)
    assert '"command": "rm -rf /var/lib/postgresql # \\u202ehidden"' in shown.out
    assert "may decide    ann, joe (operators)" in shown.out
    done = review("approve", review.asked.id, "--as", "ann", "--reason", "agreed with the owner")
    assert done.status == 0
    assert "decided by    ann: agreed with the owner" in done.out
    assert COMMAND not in done.out
    assert review("list").out == "nothing waits\n"
    assert review.passes()
    assert not review.passes()
    review.guard.records.close()  # type: ignore[union-attr]
    [record] = [row.to_dict() for row in stored(review.folder) if row.kind == "approval"]
    assert {name: record[name] for name in ("id", "decision", "person", "reason", "rule", "tool")} == {
        "id": review.asked.id,
        "decision": "approved",
        "person": "ann",
        "reason": "agreed with the owner",
        "rule": "destroy",
        "tool": "shell",
    }
    assert verified(review.folder).intact
    decisions = [row.to_dict() for row in stored(review.folder) if row.kind == "decision"]
    assert [each["approvals"][0]["status"] for each in decisions] == ["pending", "used", "pending"]


def test_a_person_leaves_a_call_blocked(review: ReviewCommands) -> None:
    """A denial holds; programs read JSON."""
    [waiting] = review("list", "--json").rows
    assert (waiting["id"], waiting["status"], waiting["tool"]) == (review.asked.id, "pending", "shell")
    [shown] = review("show", review.asked.id, "--json").rows
    assert shown["arguments"] == {"command": f"{COMMAND} # \u202ehidden"}
    [denied] = review("deny", review.asked.id, "--as", "ann", "--json").rows
    assert (denied["status"], denied["person"], "arguments" in denied) == ("denied", "ann", False)
    assert not review.passes()
    assert review("list", "--json").out == ""
    assert [row["status"] for row in review("list", "--all", "--json").rows] == ["denied"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("approve", "{id}", "--as", "joe"), "cannot decide"),
        (("approve", "{id}", "--as", "eve"), "'eve' is not of operators"),
        (("show", "ap_0"), "guardrails review list"),
    ],
)
def test_what_cannot_be_done_says_why(review: ReviewCommands, arguments: tuple[str, ...], words: str) -> None:
    """On stderr, with status 2; nothing is decided."""
    done = review(*(each.replace("{id}", review.asked.id) for each in arguments))
    assert done.status == 2
    assert words in done.err
    assert not review.passes()


def test_a_person_who_is_forgotten_leaves_no_request(
    review: ReviewCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    """`log forget` takes the calls that wait for them too."""
    assert main(["log", "forget", "--user", "joe", "--yes", "--records", str(review.folder)]) == 0
    assert json.loads(review("list", "--all", "--json").out or "null") is None
