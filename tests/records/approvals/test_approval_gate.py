"""What passes once a person agreed, and what does not: the real engine over a real store, in SQLite here, in PostgreSQL in
tests/system/test_postgresql.py.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guardrails.types import Action, Verdict
from tests.cases import each_case
from tests.records.approvals.approval_kit import COMMAND, POLICY, Desk, answer, call_of

CALL = {"command": COMMAND}


class ApprovalGateCases:
    """What is asked of approvals in every kind of database."""

    @pytest.fixture
    def desk(self, make_url: Callable[[], str]) -> Iterator[Desk]:
        """A desk at a database of its own."""
        opened = Desk(make_url())
        yield opened
        opened.close()

    def test_what_is_approved_passes_once(self, desk: Desk) -> None:
        """The verdict says by whom it waits, then that it passed; the same call again waits again."""
        asked = desk.ask()
        assert desk.ask() == asked  # nobody is asked twice
        desk.people.approve(asked, by="ann")
        passed = desk.check(CALL)
        assert passed.action is Action.FLAG
        assert [(rule.id, rule.reason) for rule in passed.rules] == [("destroy", "approved")]
        assert [(each.id, each.status) for each in passed.approvals] == [(asked, "used")]
        assert passed.content == answer(CALL)
        assert desk.ask() != asked

    def test_a_refused_person_is_told_what_it_waits_for(self, desk: Desk) -> None:
        """The refusal names the group, the request and its end; after a denial it says so, and nobody is asked anew in that time."""
        verdict = desk.check(CALL)
        asked = verdict.approvals[0].id
        assert (
            f"It waits for the approval of operators ({asked}) until 2025-12-04T00:10:00Z" in verdict.refusal
        )
        desk.people.deny(asked, by="joe", reason="not on Fridays")
        denied = desk.check(CALL)
        assert denied.blocked
        assert [(each.id, each.status) for each in denied.approvals] == [(asked, "denied")]
        assert "was denied" in denied.refusal
        desk.clock.advance(601)
        assert desk.ask() != asked

    @each_case(
        "changed",
        [
            {"arguments": {"command": "rm -rf /var/lib/mysql"}},
            {"arguments": {"command": COMMAND, "as_root": True}},
            {"tool": "shell2"},
            {"user": "u2"},
            {"conversation": "c2"},
        ],
    )
    def test_an_approval_is_for_one_call_of_one_person(self, desk: Desk, changed: dict[str, Any]) -> None:
        """Other arguments, another tool, person or conversation are another call."""
        desk.people.approve(desk.ask(conversation="c1"), by="ann")
        options = {"conversation": "c1", **changed}
        arguments = options.pop("arguments", CALL)
        assert desk.check(arguments, **options).blocked
        assert not desk.check(CALL, conversation="c1").blocked

    def test_the_order_of_keys_and_spaces_are_no_change(self, desk: Desk) -> None:
        """What a JSON parser reads alike is the same call."""
        [asked] = desk.check({"command": COMMAND, "cwd": "/"}).approvals
        desk.people.approve(asked.id, by="ann")
        assert not desk.check({"cwd": "/", "command": COMMAND}).blocked

    def test_another_policy_is_another_approval(self, desk: Desk) -> None:
        """What was approved under one policy is not under the next, whatever that changes."""
        desk.people.approve(desk.ask(), by="ann")
        newer = Desk(desk.url, {**POLICY, "version": "2"}, desk.clock)
        assert newer.check(CALL).blocked
        newer.close()
        assert not desk.check(CALL).blocked

    def test_another_definition_of_the_tool_is_another_approval(self, desk: Desk) -> None:
        """The tools stand in the request, and the reply is judged after that: one that says something else meanwhile is another."""

        def request(description: str) -> Verdict[Any]:
            function = {"name": "shell", "description": description, "parameters": {"type": "object"}}
            body = {
                "model": "m",
                "messages": [{"role": "user", "content": "Clean up."}],
                "tools": [{"type": "function", "function": function}],
            }
            return desk.guard.check(body, user={"id": "u1"})

        asked = desk.ask(after=request("Runs a command in a sandbox."))
        desk.people.approve(asked, by="ann")
        assert desk.check(CALL, after=request("Runs a command on production.")).blocked
        assert not desk.check(CALL, after=request("Runs a command in a sandbox.")).blocked

    def test_it_ends_when_its_time_is_over(self, desk: Desk) -> None:
        """Neither a request nor what was approved lasts longer than the rule says."""
        asked = desk.ask()
        desk.clock.advance(599)
        desk.people.approve(asked, by="ann")
        desk.clock.advance(599)
        assert desk.people.get(asked).status == "approved"
        desk.clock.advance(1)
        assert desk.people.get(asked).status == "expired"
        assert desk.ask() != asked

    def test_it_is_judged_again(self, desk: Desk) -> None:
        """A person lifts the block of one rule: what another rule stops stays stopped, and the approval is there still."""
        asked = desk.ask()
        desk.people.approve(asked, by="ann")
        with_word = desk.check({"command": f"{COMMAND} # zqx"})
        assert with_word.blocked
        assert not with_word.approvals  # nobody is asked about what is stopped anyway
        assert desk.people.get(asked).status == "approved"
        assert not desk.check(CALL).blocked

    def test_two_calls_alike_need_two_approvals(self, desk: Desk) -> None:
        """An answer with the same call twice does it twice: neither passes before both are approved."""
        first, second = (each.id for each in desk.check(CALL, CALL).approvals)
        assert first != second
        desk.people.approve(first, by="ann")
        assert [each.status for each in desk.check(CALL, CALL).approvals] == ["approved", "pending"]
        desk.people.approve(second, by="joe")
        assert not desk.check(CALL, CALL).blocked
        assert desk.check(CALL, CALL).blocked

    def test_a_call_of_before_is_no_second_one(self, desk: Desk) -> None:
        """A conversation goes on with the call that was let through in it; one that never was is left out, and nobody is asked."""
        desk.people.approve(desk.ask(), by="ann")

        def conversation() -> Verdict[Any]:
            return desk.guard.check(
                [
                    {"role": "user", "content": "Clean up."},
                    {"role": "assistant", "content": None, "tool_calls": [call_of(CALL)]},
                    {"role": "tool", "tool_call_id": "call_0", "content": "done"},
                    {"role": "user", "content": "Thanks."},
                ],
                user={"id": "u1"},
            )

        before = conversation()
        assert before.action is Action.REDACT
        assert before.removed
        assert not desk.check(CALL).blocked
        after = conversation()
        assert after.action is Action.FLAG
        assert not after.removed
        assert [each.status for each in desk.people.list_requests(pending=False)] == ["used"]

    @each_case(
        "body",
        [
            {"command": COMMAND, "note": float("nan")},
            {"command": COMMAND, "note": "\ud800"},
        ],
    )
    def test_odd_arguments_stay_blocked_or_are_bound(self, desk: Desk, body: dict[str, Any]) -> None:
        """What two parsers could read in two ways cannot be approved; what has half a character can be, as it is."""
        verdict = desk.check(body)
        assert verdict.blocked
        for each in verdict.approvals:
            desk.people.approve(each.id, by="ann")
        assert desk.check(body).blocked == (not verdict.approvals)

    def test_a_forged_decision_counts_for_nothing(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
        """Who can write to the database has not the key of the records."""
        asked = desk.ask()
        with desk.shared.transaction() as (store, now):
            row = (asked, 1, "approved", now, '"ann"', '""', b"x" * 32)
            store.database.execute("INSERT INTO approval_events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        assert desk.check(CALL).blocked
        assert "written or changed without the key" in caplog.text

    def test_a_thousand_who_race_pass_once(self, desk: Desk) -> None:
        """Threads of two guards with a connection each make the same call at once: of a thousand tries one passes."""
        desks = [desk, Desk(desk.url, clock=desk.clock)]
        desks[0].people.approve(desks[0].ask(), by="ann")
        passed: list[Verdict[Any]] = []

        def race(desk: Desk) -> None:
            for _ in range(125):
                verdict = desk.check(CALL)
                if not verdict.blocked:
                    passed.append(verdict)

        threads = [threading.Thread(target=race, args=(desk,)) for desk in desks for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(passed) == 1
        desks[1].close()


class TestSqlite(ApprovalGateCases):
    """In SQLite."""

    @pytest.fixture
    def make_url(self, tmp_path: Path) -> Callable[[], str]:
        """Return a function that returns the URL of a new database."""
        return lambda: f"sqlite:///{tmp_path}/approvals.sqlite"


def test_a_lost_store_lets_nothing_pass(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where nobody can be asked the call stays blocked, and the log says why; once the store is there again it goes on."""
    folder = tmp_path / "later"
    desk = Desk(f"sqlite:///{folder}/approvals.sqlite")
    with caplog.at_level(logging.ERROR, logger="guardrails"):
        verdict = desk.check(CALL)
    assert verdict.blocked
    assert not verdict.approvals
    assert "calls that need one stay blocked: the store" in caplog.text
    folder.mkdir()
    assert desk.ask()
    desk.close()
