"""The exceptions: one tree, policy problems sorted and counted, a block that says which rules."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.errors import (
    SHOWN,
    BackendError,
    Blocked,
    GuardrailsError,
    GuardUnavailable,
    InvalidAnswer,
    MissingExtra,
    Overloaded,
    PolicyError,
    PolicyErrors,
    RequestError,
    block_error,
)
from guardrails.media.errors import MediaError
from guardrails.types import (
    Action,
    Coverage,
    DetectorFailure,
    FiredRule,
    PolicyRef,
    Stage,
    Unavailable,
    Unchecked,
    Verdict,
)
from tests.cases import each_case

PROBLEM = PolicyError("p.yaml", 3, 7, "unknown_field", "'wehn' is not a field", "did you mean 'when'?")


def test_a_problem_reads_as_compilers_write_them() -> None:
    """A problem is one line that editors can jump to; the hint follows where there is one."""
    assert str(PROBLEM) == "p.yaml:3:7: unknown_field: 'wehn' is not a field - did you mean 'when'?"
    assert str(PolicyError("p.yaml", 3, 7, "c", "m")) == "p.yaml:3:7: c: m"
    assert PROBLEM.to_dict()["line"] == 3
    assert PROBLEM.to_dict()["hint"] == "did you mean 'when'?"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 30), st.integers(1, 30)), max_size=40))
def test_problems_are_sorted_once_each_and_counted(places: list[tuple[str, int, int]]) -> None:
    """All problems are kept in the order of the files, doubles once; the text shows the first and counts the rest."""
    errors = PolicyErrors(PolicyError(*place, "c", "m") for place in places)
    unique = sorted(set(places))
    assert [(error.file, error.line, error.col) for error in errors.errors] == unique
    assert len(errors) == len(unique)
    lines = str(errors).splitlines()
    assert len(lines) == min(len(unique), SHOWN) + (len(unique) > SHOWN)
    if len(unique) > SHOWN:
        assert lines[-1] == f"… and {len(unique) - SHOWN} more"


@each_case(
    ("error", "text", "fields"),
    [
        (MissingExtra("presidio", "pii"), "presidio needs: pip install 'guardrails-middleware[pii]'", {}),
        (Overloaded("full"), "full", {"retry_after": 1}),
        (Overloaded("full", 5), "full", {"retry_after": 5}),
        (RequestError("bad_json", "twice", "/a"), "twice", {"code": "bad_json", "path": "/a"}),
        (BackendError("gone"), "gone", {"status": 502, "code": "upstream_error"}),
        (BackendError("late", 504, "upstream_timeout"), "late", {"status": 504, "code": "upstream_timeout"}),
        (PolicyErrors([PROBLEM]), str(PROBLEM), {"errors": [PROBLEM]}),
    ],
)
def test_all_are_of_one_tree_and_carry_what_a_handler_needs(
    error: GuardrailsError, text: str, fields: dict[str, object]
) -> None:
    """One `except GuardrailsError` catches everything; fields tell the rest."""
    assert isinstance(error, GuardrailsError)
    assert str(error) == text
    assert {name: getattr(error, name) for name in fields} == fields


def test_a_block_names_the_rules_that_blocked_and_the_policy() -> None:
    """A raised block says what the person is told, the stage, the policy, and only the rules that blocked."""
    rules = (FiredRule("a", Action.BLOCK, "No."), FiredRule("b", Action.FLAG), FiredRule("c", Action.BLOCK))
    verdict = Verdict("vd", Action.BLOCK, Stage.OUTPUT, PolicyRef("p", "1", "d"), None, rules=rules)
    error = Blocked(verdict)
    assert error.verdict is verdict
    assert str(error) == "No. (output blocked by rule 'a', 'c' of policy 'p')"


def test_a_block_without_a_message_still_reads() -> None:
    """Without a message the text says that the policy stopped it."""
    rules = (FiredRule("a", Action.BLOCK),)
    verdict = Verdict("vd", Action.BLOCK, Stage.INPUT, PolicyRef("p", "1", "d"), None, rules=rules)
    assert str(Blocked(verdict)).startswith("stopped by policy (input blocked by rule 'a'")


def test_a_block_of_what_cannot_be_read_says_what_is_wrong_with_it() -> None:
    """Once for each reason, and only for the rules that blocked: who sent it can mend it."""
    rules = (FiredRule("unchecked.image", Action.BLOCK), FiredRule("unchecked.part", Action.FLAG))
    unread = [
        Unchecked("image", "truncated: cut"),
        Unchecked("part", "far away"),
        Unchecked("image", "truncated: cut"),
    ]
    coverage = Coverage(unchecked=tuple(unread))
    verdict = Verdict(
        "vd", Action.BLOCK, Stage.INPUT, PolicyRef("p", "1", "d"), None, rules=rules, coverage=coverage
    )
    assert str(Blocked(verdict)) == (
        "stopped by policy (input blocked by rule 'unchecked.image' of policy 'p': truncated: cut)"
    )


def test_policy_errors_can_be_walked() -> None:
    """The errors of a policy are a collection of problems."""
    problems = [PolicyError("p.yaml", 2, 1, "b", "second"), PolicyError("p.yaml", 1, 1, "a", "first")]

    assert [problem.code for problem in PolicyErrors(problems)] == ["a", "b"]
    assert len(PolicyErrors(problems)) == 2


VERDICT = Verdict(
    "vd_1",
    Action.BLOCK,
    Stage.INPUT,
    PolicyRef("p", "1", "sha256:0"),
    None,
    rules=(FiredRule("r", Action.BLOCK, "No."),),
)


UNDECIDED = Verdict(
    "vd_2",
    Action.BLOCK,
    Stage.INPUT,
    PolicyRef("p", "1", "sha256:0"),
    None,
    errors=(DetectorFailure("d", "was not done in time", reason="timeout"),),
    unavailable=Unavailable("timeout", ("r",)),
)


def test_an_unavailable_guard_is_a_block_that_says_why_and_what_helps() -> None:
    """Who handles blocks alone lets nothing pass; who wants to know reads the reason."""
    error = block_error(UNDECIDED)
    assert isinstance(error, GuardUnavailable)
    assert isinstance(error, Blocked)
    assert (error.verdict, error.reason, error.retry_after) == (UNDECIDED, "timeout", None)
    assert str(error) == (
        "the input could not be checked (timeout): rule 'r' of policy 'p' is undecided (detector 'd' was not done in time); "
        "raise the policy's limits.deadline_ms, or send shorter texts"
    )
    assert not isinstance(block_error(VERDICT), GuardUnavailable | InvalidAnswer)


def test_a_refusal_before_work_began_has_a_verdict_and_says_when_to_come_again() -> None:
    """Whatever handles a block finds what it reads of one."""
    error = Overloaded("the queue is full")
    assert Overloaded is GuardUnavailable
    assert (error.reason, error.retry_after, str(error)) == ("capacity", 1, "the queue is full")
    assert error.verdict.unavailable == Unavailable("capacity")
    assert (error.verdict.blocked, error.verdict.rules, error.verdict.content) == (True, (), None)


@each_case(
    "error",
    [
        GuardrailsError("a"),
        MissingExtra("presidio", "pii"),
        Overloaded("full", 5),
        RequestError("bad_json", "twice", "/a"),
        BackendError("late", 504, "upstream_timeout"),
        PolicyErrors([PROBLEM]),
        Blocked(VERDICT),
        GuardUnavailable(UNDECIDED),
        MediaError("truncated", "cut off"),
    ],
)
@each_case("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_go_through_pickle(error: GuardrailsError, protocol: int) -> None:
    """With all that a handler needs."""
    made = pickle.loads(pickle.dumps(error, protocol))
    assert type(made) is type(error)
    assert (str(made), made.args) == (str(error), error.args)
    assert vars(made) == vars(error)


def blocked_call(text: str) -> str:
    """Run a guarded function, in another process."""
    return Guard.load("pii-only").wrap(lambda prompt: prompt, on_block="raise")(text)


def refused_check(text: str) -> Verdict:
    """Raise what a wrapped call that is stopped raises."""
    if text == "bad":
        raise Blocked(VERDICT)
    return Guard.load("pii-only").check(text)


def test_a_block_leaves_a_pool_of_processes_as_it_was() -> None:
    """An exception that cannot be made again would break it for good; a verdict comes without what was checked."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        with pytest.raises(Blocked, match=r"No\. \(input blocked by rule 'r'") as caught:
            pool.submit(refused_check, "bad").result()
        assert caught.value.verdict == VERDICT
        verdict = pool.submit(refused_check, "I am jo@example.com").result()
        assert pool.submit(blocked_call, "hello").result() == "hello"
    assert verdict.findings[0].category == "pii.email"
    assert verdict.content is None


def test_a_block_past_a_limit_names_it() -> None:
    """With its value, and what the policy calls it."""
    guard = Guard.load(
        {
            "format": 1,
            "name": "short",
            "limits": {"characters": 10},
            "unchecked": {"limit": "block"},
            "rules": [],
        }
    )
    assert str(Blocked(guard.check("a" * 11))).endswith(
        "text past 10 characters, the policy's limits.characters)"
    )
