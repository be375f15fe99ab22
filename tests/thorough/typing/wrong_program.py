"""Mistakes that a type checker finds: each line says what mypy calls it (`-`: nothing), and what pyright does. Never run."""

from __future__ import annotations

from guardrails import Action, Guard, Verdict

guard = Guard.load("default")

guard.check("x", "outptu")  # E: arg-type, reportArgumentType
guard.check("x", stage="prompt")  # E: arg-type, reportArgumentType
guard.check("x", usr={"id": "u1"})  # E: call-arg, reportCallIssue
guard.check("x", user="bob")  # E: arg-type, reportArgumentType
guard.check("x", tenant=3)  # E: arg-type, reportArgumentType
guard.check("x", "input", True)  # E: call-arg, reportCallIssue
guard.check("x", after="vd_1")  # E: arg-type, reportArgumentType
guard.check("x").content.upper()  # E: union-attr, reportOptionalMemberAccess
guard.check(["x"]).content + "x"  # E: operator, reportOperatorIssue
guard.check("x").acton  # E: attr-defined, reportAttributeAccessIssue
guard.check("x").action < b"x"  # E: operator, reportOperatorIssue
guard.stream("outptu")  # E: arg-type, reportArgumentType
guard.stream(afer=None)  # E: call-arg, reportCallIssue
guard.held("outptu")  # E: arg-type, reportArgumentType
guard.held_films("outptu")  # E: arg-type, reportArgumentType
Guard.load(3)  # E: arg-type, reportArgumentType
Guard.load("default", on_verdict="log")  # E: arg-type, reportArgumentType
Guard.load("default", on_verdit=print)  # E: call-arg, reportCallIssue


def ask(prompt: str) -> str:
    """Answer."""
    return prompt


def log(verdict: str) -> None:
    """Keep what was decided."""


guard.wrap(ask, on_block="answr")  # E: call-overload, reportArgumentType
guard.wrap(ask, on_blok="answer")  # E: call-overload, reportCallIssue
guard.wrap(ask, output="outptu")  # E: call-overload, reportArgumentType
guard.wrap(ask, tennant="acme")  # E: call-overload, reportCallIssue
guard.wrap(ask, user="bob")  # E: call-overload, reportArgumentType
guard.wrap(ask, fps="8")  # E: call-overload, reportArgumentType
guard.wrap(ask)(3)  # E: arg-type, reportArgumentType
guard.wrap(ask)("x").lowr()  # E: attr-defined, reportAttributeAccessIssue
Guard.load("default", on_verdict=log)  # E: arg-type, reportArgumentType


def act(action: Action) -> int:  # E: return, reportReturnType
    """Forget an action."""
    match action:  # E: -, reportMatchNotExhaustive
        case Action.ALLOW | Action.FLAG:
            return 0
        case Action.BLOCK:
            return 1


number: Verdict[int] = guard.check("x")  # E: arg-type, reportAssignmentType
