"""Which calls people may let through, and the steps of asking them."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails import Guard
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.model import Request
from guardrails.engine.tools.approvals import (
    ApprovalReview,
    StoppedCall,
    digest_definitions,
    find_stopped_calls,
    write_canonical,
)
from guardrails.engine.tools.tool_calls import tool_place
from guardrails.types import Place, Stage, Use
from guardrails.verdicts.approval import Approval
from tests.cases import each_case
from tests.records.approvals.approval_kit import POLICY

RULE = Guard.load(POLICY).policy.rules[0]


def place(arguments: str | None, message: int | None = None, *, hosted: bool = False) -> Place:
    """Return the place of a call."""
    use = Use((("shell", "s"),), arguments, hosted=hosted)
    return Place(Stage.TOOL_CALL, role="assistant", tool="shell", use=use, message=message)


@each_case(
    ("places", "arguments"),
    [
        ([place('{"b": 1, "a": [{"d": 2, "c": 3}]}')], ['{"a":[{"c":3,"d":2}],"b":1}']),
        ([place("")], ["{}"]),
        ([place('{"a": 1}'), place('{"a": 1}')], ['{"a":1}', '{"a":1}']),
        ([place('{"a": 1}'), Place(Stage.OUTPUT)], []),
        ([place('{"a": 1}'), place('{"a": 1, "a": 2}')], []),
        ([place("not JSON")], []),
        ([place(None)], []),
        ([place("{}", hosted=True)], []),
        ([Place(Stage.TOOL_CALL)], []),
        ([], []),
    ],
)
def test_which_calls_people_may_let_through(places: Sequence[Place], arguments: list[str]) -> None:
    """All that a rule stops, or none: what is no call, cannot be read in one way alone, or was made already, stays blocked."""
    found = find_stopped_calls(RULE, places, ContentTree())
    assert [each.arguments for each in found] == arguments


def test_one_call_is_one_though_much_in_it_is_stopped() -> None:
    """All contents of a call share its use."""
    at = place('{"a": 1}')
    assert len(find_stopped_calls(RULE, [at, at], ContentTree())) == 1


@each_case(("message", "is_past"), [(None, False), (0, True), (1, False)])
def test_a_call_in_an_earlier_turn_is_past(message: int | None, is_past: bool) -> None:
    """Whoever has the verdict makes those of the last message alone."""
    tree = ContentTree(roles=("assistant", "assistant"))
    [call] = find_stopped_calls(RULE, [place("{}", message)], tree)
    assert call.is_past is is_past


@each_case(
    ("value", "text"),
    [({"ü": 1.5, "a": None}, '{"a":null,"\\u00fc":1.5}'), ([True, {"b": 1, "a": 2}], '[true,{"a":2,"b":1}]')],
)
def test_equal_values_are_written_alike(value: object, text: str) -> None:
    """Keys in order, in ASCII."""
    assert write_canonical(value) == text


def test_a_definition_has_a_digest_of_all_that_it_says() -> None:
    """By the name of the tool; another text, or the same somewhere else, is another."""

    def digests(**texts: str) -> dict[str, str]:
        tree = ContentTree()
        at = tool_place(Stage.TOOL_DEFINITION, "shell")
        for name, text in texts.items():
            tree.text(text, (name,), at)
        return digest_definitions(tree.leaves)

    known = digests(description="Runs a command.")
    assert list(known) == ["shell"]
    assert digests(description="Runs a command.") == known
    assert digests(description="Runs any command.") != known
    assert digests(title="Runs a command.") != known
    assert not digests()


class Gate:
    """Answers as it is told."""

    def __init__(self, *statuses: str | None, used: bool = True) -> None:
        self.statuses, self.used = statuses, used
        self.asked: list[str] = []

    def find(self, calls: Sequence[StoppedCall], request: Request) -> Sequence[Approval | None]:
        return [
            None if status is None else Approval(f"ap_{at}", "r", "t", "g", status, 0)  # type: ignore[arg-type]
            for at, status in enumerate(self.statuses)
        ]

    def use(self, approvals: Sequence[Approval]) -> bool:
        self.asked += [each.id for each in approvals]
        return self.used


@each_case(
    ("statuses", "approved"),
    [
        (("approved", "approved"), True),
        (("approved", "pending"), False),
        (("approved", None), False),
        ((), False),
        (("approved",), False),
    ],
)
def test_all_calls_must_be_approved(statuses: tuple[str | None, ...], approved: bool) -> None:
    """One that is not, or of which nothing is known, stops the others with it."""
    calls = find_stopped_calls(RULE, [place("{}"), place("{}")], ContentTree())
    review = ApprovalReview(Gate(*statuses), calls, Request())
    review.find_task().run()
    assert review.is_approved is approved


@each_case(("used", "status"), [(True, "used"), (False, "approved")])
def test_what_passes_is_used_up(used: bool, status: str) -> None:
    """Calls of earlier turns are no use of anything."""
    tree = ContentTree(roles=("assistant", "assistant"))
    calls = find_stopped_calls(RULE, [place("{}", 0), place("{}", 1)], tree)
    gate = Gate("approved", "approved", used=used)
    review = ApprovalReview(gate, calls, Request())
    review.find_task().run()
    review.use_task().run()
    assert review.was_used is used
    assert gate.asked == ["ap_1"]
    assert [each.status for each in review.approvals] == [status, status]
