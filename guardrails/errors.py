"""The exceptions, as a tree. A block is a value (`Verdict`), not an exception, wherever a caller can receive one.

GuardrailsError
├─ PolicyErrors      all problems of a policy, sorted; what load and compile raise
├─ MissingExtra      an optional package is needed; the message names the command that installs it
├─ RequestError      a body that must not be judged or forwarded (doubled keys, bad UTF-8, …)
├─ BackendError      the model behind a guard failed; carries an HTTP-like status
└─ Blocked           raised only where a wrapped call has no other way to answer; carries the verdict
   ├─ InvalidAnswer     a model's reply is not in the format that a schema or a rule wants; says what is wrong, and where
   └─ GuardUnavailable  the check could not be done: no capacity, a time-out, a lost service, a crash. No violation; `Overloaded`
                        is its alias
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from guardrails.types import Action, PolicyRef, Stage, Unavailable, UnavailableReason, Verdict
from guardrails.verdicts.unavailable import CURES

SHOWN = 20
"""Problems that the text of `PolicyErrors` shows before it only counts them."""

CLIENT_GONE: Final = 499
"""The status, as nginx has it, of a request whose client did not wait for the answer."""


class GuardrailsError(Exception):
    """Anything that this package raises on purpose. All of these go through pickle, as between processes."""

    def __reduce__(self) -> tuple[Any, ...]:
        # What Python does is to call the class with the message alone, which no class with more arguments survives.
        return _restore_error, (type(self), self.args, self.__dict__)


def _restore_error(
    kind: type[GuardrailsError], args: tuple[Any, ...], state: dict[str, Any]
) -> GuardrailsError:
    """Make a pickled error again, without its constructor."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


@dataclass(frozen=True, slots=True, order=True)
class PolicyError:
    """One located problem of a policy. Lines and columns start at 1; 0 means that the place is not known."""

    file: str
    line: int
    col: int
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" - {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.col}: {self.code}: {self.message}{hint}"

    def to_dict(self) -> dict[str, object]:
        """Return the problem as plain JSON values."""
        return {
            "file": self.file,
            "line": self.line,
            "col": self.col,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
        }


class PolicyErrors(GuardrailsError):
    """All problems of a policy, in the order of the file; `errors` holds them one by one."""

    def __init__(self, errors: Iterable[PolicyError]) -> None:
        self.errors = sorted(set(errors))
        shown = [str(error) for error in self.errors[:SHOWN]]
        rest = len(self.errors) - len(shown)
        if rest > 0:
            shown.append(f"… and {rest} more")
        super().__init__("\n".join(shown))

    def __iter__(self) -> Iterator[PolicyError]:
        return iter(self.errors)

    def __len__(self) -> int:
        return len(self.errors)


class MissingExtra(GuardrailsError):
    """An optional package is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs: pip install 'guardrails-middleware[{extra}]'")


class RequestError(GuardrailsError):
    """A body that two parsers could read in two ways, or that this build cannot judge.

    `path` is a JSON Pointer to the offending field ("" for the whole body).
    """

    def __init__(self, code: str, message: str, path: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.path = path


class BackendError(GuardrailsError):
    """The model behind a guard failed, or what it answered with is not given out.

    Attributes:
        status: what a client should be told (502, 503, 504, …).
        code: why, for programs.
        verdict: by which its answer is not given out; None where it failed.
    """

    def __init__(
        self,
        message: str,
        status: int = 502,
        code: str = "upstream_error",
        verdict: Verdict | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.verdict = verdict


UNREAD: Final = frozenset({"image", "video", "audio", "part", "latent", "object", "limit"})
"""Kinds of what was not judged whose reasons say what is wrong with what was sent, and quote nothing of it."""

MOST_CAUSES: Final = 3
"""Reasons that an error repeats."""


class Blocked(GuardrailsError):
    """A wrapped call was stopped by the policy; `verdict` says by which rules and why, `cause` what could not be read in what was
    sent, "" where that is not why.
    """

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        ids = [rule.id for rule in verdict.rules if rule.action is verdict.action]
        rules = ", ".join(map(repr, ids))
        unread = (
            each
            for each in verdict.coverage.unchecked
            if each.kind in UNREAD and f"unchecked.{each.kind}" in ids
        )
        self.cause = why = "; ".join([*dict.fromkeys(each.reason for each in unread)][:MOST_CAUSES])
        text = verdict.message or "stopped by policy"
        super().__init__(
            f"{text} ({verdict.stage} blocked by rule {rules} of policy {verdict.policy.name!r}{why and ': '}{why})"
        )


def describe_block(verdict: Verdict) -> dict[str, Any]:
    """Return the fields of an error that say by what something is stopped: the rules that do, and the policy."""
    return {
        "rules": [rule.id for rule in verdict.rules if rule.action is Action.BLOCK],
        "policy": f"{verdict.policy.name}@{verdict.policy.version}",
    }


class InvalidAnswer(Blocked):
    """A model's reply is not in the format that a schema or a rule wants, and could not be repaired, or asked for again.

    `problems` are what is wrong with it, each with the JSON Pointer of the value and what was expected there.
    """

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        failures = verdict.format_failures
        self.problems = tuple(dict.fromkeys(each for failure in failures for each in failure.problems))
        shown = "; ".join(map(str, self.problems[:SHOWN]))
        cure = "ask for this format in the prompt, or allow more attempts (reask)"
        self.args = (f"{self.args[0]}: {shown}; {cure}",)


RETRY_AFTER_S: Final = 1
"""Seconds after which to try again where there was no capacity and nobody knows better."""

NO_POLICY: Final = PolicyRef("", "", "")
"""Stands in the verdict of a refusal that came before a policy was asked."""


class GuardUnavailable(Blocked):
    """A check could not be done, so that nothing goes on; the policy was not violated.

    A subclass of `Blocked`, so that code which handles blocks alone lets nothing pass. `verdict.unavailable` says why, and
    which rules are undecided.

    Args:
        verdict: the verdict that says so; or, where there is none as work was refused before it began, what there was no
            capacity for, in words.
        retry_after: the seconds after which to try again; None: nobody knows. Where there was no capacity, a second if not given.

    Attributes:
        may_retry: whether another try may help soon: not after a crash, and not where whoever answers knows that the same content
            was late before.
    """

    def __init__(self, verdict: Verdict | str, retry_after: int | None = None) -> None:
        if isinstance(verdict, str):
            text = verdict
            verdict = Verdict(
                "",
                Action.BLOCK,
                Stage.INPUT,
                NO_POLICY,
                None,
                complete=False,
                unavailable=Unavailable("capacity"),
            )
        else:
            text = describe_unavailable(verdict)
        super().__init__(verdict)
        self.args = (text,)
        if retry_after is None and self.reason == "capacity":
            retry_after = RETRY_AFTER_S
        self.retry_after = retry_after
        self.may_retry = self.reason != "crash"

    def with_verdict(self, verdict: Verdict) -> GuardUnavailable:
        """Return the same refusal with a verdict that names the policy."""
        made = GuardUnavailable(verdict, self.retry_after)
        made.args, made.may_retry = self.args, self.may_retry
        return made

    @property
    def is_refusal(self) -> bool:
        """Whether work was refused before a policy was asked."""
        return self.verdict.policy == NO_POLICY

    @property
    def reason(self) -> UnavailableReason:
        """Why the check could not be done: `capacity`, `timeout`, `service` or `crash`."""
        unavailable = self.verdict.unavailable
        return "crash" if unavailable is None else unavailable.reason


Overloaded = GuardUnavailable
"""The name that this exception had while it stood for a full queue alone."""


def describe_unavailable(verdict: Verdict) -> str:
    """Return why a check could not be done, which rules are undecided, and what helps; without any text that was checked."""
    unavailable = verdict.unavailable or Unavailable("crash")
    rules = ", ".join(map(repr, unavailable.rules))
    errors = "; ".join(dict.fromkeys(f"detector {each.detector!r} {each.error}" for each in verdict.errors))
    undecided = f": rule {rules} of policy {verdict.policy.name!r} is undecided" if rules else ""
    return (
        f"the {verdict.stage} could not be checked ({unavailable.reason}){undecided}"
        f"{errors and f' ({errors})'}; {CURES[unavailable.reason]}"
    )


def block_error(verdict: Verdict) -> Blocked:
    """Return the exception for a verdict that blocks: `GuardUnavailable` where the check could not be done, `InvalidAnswer` where
    nothing but its format is wrong with a reply.
    """
    if verdict.unavailable is not None:
        return GuardUnavailable(verdict)
    own = {failure.rule for failure in verdict.format_failures}
    blocking = [rule.id for rule in verdict.rules if rule.action is verdict.action]
    return InvalidAnswer(verdict) if own and own.issuperset(blocking) else Blocked(verdict)
