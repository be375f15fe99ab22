"""What people may decide, what they are told where they may not, and waiting for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guardrails import Guard, GuardrailsError
from guardrails.records.approvals.approvals import ApprovalError
from tests.cases import each_case
from tests.records.approvals.approval_kit import COMMAND, POLICY, Desk, answer, open_desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk at a database of its own."""
    opened = open_desk(tmp_path)
    yield opened
    opened.close()


def expire(desk: Desk, asked: str) -> None:
    """Let the time of a request pass."""
    desk.clock.advance(600)


def deny(desk: Desk, asked: str) -> None:
    """Have another person deny a request."""
    desk.people.deny(asked, by="ann")


@each_case(
    ("by", "before", "words"),
    [
        ("eve", None, "'eve' is not of operators, who decide ap_"),
        ("joe", None, "is whom the call would be made for"),
        ("ann", expire, "nobody decided within 10m; the call can be made again"),
        ("ann", deny, "is decided already: ann has said denied"),
    ],
)
def test_who_may_not_decide_is_told_why(
    by: str, before: Callable[[Desk, str], None] | None, words: str, tmp_path: Path
) -> None:
    """Only the group may, never who asked, once, in time; the call stays blocked."""
    desk = Desk(f"sqlite:///{tmp_path}/{by}{getattr(before, '__name__', '')}.sqlite")
    asked = desk.ask(user="joe")
    if before is not None:
        before(desk, asked)
    with pytest.raises(ApprovalError, match=words):
        desk.people.approve(asked, by=by)
    assert desk.check({"command": COMMAND}, user="joe").blocked
    desk.close()


def test_a_request_that_is_not_there(desk: Desk) -> None:
    """The message says how to find those that are."""
    with pytest.raises(ApprovalError, match="guardrails review list"):
        desk.people.get("ap_0")


def test_a_request_shows_the_call(desk: Desk) -> None:
    """What, for whom, by which rule, and the arguments."""
    asked = desk.ask(conversation="c1")
    found = desk.people.get(asked)
    assert found.call is not None
    assert COMMAND in found.call.show()
    assert (found.ticket.rule, found.ticket.tool, found.ticket.policy) == ("destroy", "shell", "tested@0")
    assert found.ticket.requester not in (None, "u1")  # as the records know them
    assert [each.id for each in desk.people.list_requests()] == [asked]


def test_a_program_waits_for_a_person(desk: Desk) -> None:
    """A thread and a coroutine go on once another thread has decided."""
    asked = desk.ask()

    async def wait() -> str:
        return (await desk.people.await_for(asked)).status

    decided = threading.Timer(0.1, lambda: desk.people.approve(asked, by="ann"))
    decided.start()
    assert asyncio.run(wait()) == "approved"
    assert desk.people.wait_for(asked, 5).status == "approved"
    decided.join()


def test_waiting_has_an_end(desk: Desk) -> None:
    """Of the caller's choice, else that of the request."""
    asked = desk.ask()
    with pytest.raises(TimeoutError, match="look again later"):
        desk.people.wait_for(asked, 0)
    desk.clock.advance(600)
    assert desk.people.wait_for(asked).status == "expired"


def test_a_person_is_forgotten(desk: Desk) -> None:
    """With their requests."""
    found = desk.people.get(desk.ask())
    assert found.ticket.requester is not None
    assert desk.people.forget(found.ticket.requester) == 1
    assert not desk.people.list_requests(pending=False)


def test_a_guard_says_where_approvals_are(tmp_path: Path) -> None:
    """They stand beside records; without these there are none."""
    with pytest.raises(GuardrailsError, match="this guard keeps none"):
        Guard.load(POLICY).approvals  # noqa: B018
    records = {"path": str(tmp_path), "approvers": {"operators": ["ann"]}}
    guard = Guard.load(POLICY, records=records)
    body = answer({"command": COMMAND})
    [asked] = guard.check(body, stage="output").approvals
    guard.approvals.approve(asked.id, by="ann", reason="seen")
    again = Guard.load(POLICY, records=records)  # as after a restart
    assert not again.check(body, stage="output").blocked
    assert guard.check(body, stage="output").blocked
    guard.approvals.close()


@each_case("approvers", [{}, {"others": ["ann"]}])
def test_nobody_is_asked_where_nobody_is_named(
    approvers: dict[str, list[str]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so once, when the policy is loaded; the call stays blocked."""
    guard = Guard.load(POLICY, records={"path": str(tmp_path / str(len(approvers))), "approvers": approvers})
    assert "approvals of operators, whom `records: {approvers: …}` does not name" in caplog.text
    verdict = guard.check(answer({"command": COMMAND}), stage="output")
    assert verdict.blocked
    assert not verdict.approvals
