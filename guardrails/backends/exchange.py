"""One call of a wrapped client: its request in, what may be sent out; the answer in, what the caller may have of it out.

Nothing here asks the network or waits: whoever makes the call takes the subjects to the guard and brings the verdicts.
A streamed answer is held whole until it is judged; `Exchange.said` is the place where it could be released as it grows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from guardrails.backends import events
from guardrails.backends.answers import broken, parsed
from guardrails.backends.events import Event
from guardrails.backends.grown import Grown, Unplaced, Where
from guardrails.engine.exact import write
from guardrails.engine.fields import edited
from guardrails.engine.outcome import Outcome
from guardrails.engine.reply import reply
from guardrails.engine.subject import Subject
from guardrails.errors import Blocked, RequestError
from guardrails.types import Restorer, Stage, Verdict

if TYPE_CHECKING:
    from guardrails.guard import Guard

Body = Mapping[str, Any]
REFUSAL = "Stopped by policy."
JSON = "application/json"
STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Api:
    """How one endpoint is read, and how it is answered in kind where the policy blocks.

    `request` and `response` read a body; None: there is nothing in it to judge. `refusal` makes a whole answer of a
    message, the request and the answer that was stopped (`{}` where none was asked for), of which it keeps no more than
    the head; None: this API has no way to say no, so that `Blocked` is raised. `withheld` does so for what is blocked
    of an answer alone. `join` puts a stream's events together, `split` cuts an answer into such events; `done`: `[DONE]`
    stands at the end. `restore` puts a user's own values back.
    """

    request: Callable[[Body], Subject] | None
    response: Callable[[Body], Subject] | None = None
    refusal: Callable[[str, Body, Body], dict[str, Any]] | None = None
    withheld: Callable[[Any, Subject, Outcome, str], dict[str, Any]] | None = None
    join: Callable[[Sequence[Body]], Grown] | None = None
    split: Callable[[Body], list[Event]] | None = None
    done: bool = True
    restore: Callable[[Any, Restorer], Any] = reply


@dataclass(frozen=True, slots=True)
class Terms:
    """How a backend is wrapped: by which guard, whether blocks are answered, who asks, and where an answer stands."""

    guard: Guard
    answers: bool
    context: Mapping[str, Any] = field(default_factory=dict)
    output: Stage = Stage.OUTPUT


class Heard(Subject):
    """Something to check that remembers what came of it."""

    def __init__(self, inner: Subject) -> None:
        super().__init__(inner.leaves, inner._apply)
        self.outcome: Outcome | None = None

    def apply(self, outcome: Outcome) -> object:
        """Return the content to use from now on."""
        self.outcome = outcome
        return super().apply(outcome)


class Exchange:
    """The checks around one call. `asking` says who asks, `after` what the check of the answer needs to know."""

    def __init__(self, terms: Terms, api: Api, body: Body) -> None:
        self.terms = terms
        self.api = api
        self.body = body
        self.asked: Verdict | None = None
        model = body.get("model")
        named = {"model": model} if isinstance(model, str) else {}
        self.asking: Mapping[str, Any] = {**named, **terms.context}
        self._answer: dict[str, Any] = {}
        self._events: list[Event] | None = None
        self._done = False
        self._grown = Grown()
        self._heard: Heard | None = None
        self._raw = b""

    @property
    def after(self) -> Mapping[str, Any]:
        """What the answer is judged with."""
        return {**self.asking, "after": self.asked}

    @property
    def streams(self) -> bool:
        """Whether the request asks for a stream."""
        return bool(self.body.get("stream"))

    @property
    def kind(self) -> str:
        """The media type of the answer that the request asks for."""
        return STREAM if self.streams else JSON

    def ask(self, verdict: Verdict) -> bytes | None:
        """Take the verdict of the request; return None if it may be sent (`body` is what), else the answer in its place.

        Raises:
            Blocked: the policy stops the request and nothing is to be answered.
        """
        self.asked = verdict
        if not verdict.blocked:
            assert isinstance(verdict.content, Mapping)
            self.body = verdict.content
            return None
        refusal = self.refusal(verdict, {})
        return self._written(refusal) if self.streams else write(refusal).encode()

    def refusal(self, verdict: Verdict, answer: Body) -> dict[str, Any]:
        """Return what answers a block, the whole of it."""
        if not self.terms.answers or self.api.refusal is None:
            raise Blocked(verdict)
        return self.api.refusal(verdict.message or REFUSAL, self.body, answer)

    def hear(self, raw: bytes, kind: str) -> Subject:
        """Take an answer of a type; return what there is to judge.

        Raises:
            BackendError: it is none that can be judged.
        """
        assert self.api.response is not None
        self._raw = raw
        if kind == JSON:
            try:
                self._answer = parsed(raw.decode("utf-8"))
            except UnicodeDecodeError:
                raise broken("it is not UTF-8") from None
        elif kind == STREAM and self.api.join is not None:
            self._events, self._done = events.read(raw)
            self._grown = self.api.join([event.data for event in self._events])
            self._answer = self._grown.value() or {}
        else:
            raise broken(f"it is of type {kind[:64]!r}")
        try:
            self._heard = Heard(self.api.response(self._answer))
        except RequestError as error:
            raise broken(str(error)) from None
        return self._heard

    def said(self, verdict: Verdict) -> bytes:
        """Take the verdict of the answer; return the bytes that the caller may have.

        Raises:
            Blocked: the policy stops it and nothing is to be answered.
        """
        assert self._heard is not None
        assert self._heard.outcome is not None
        if verdict.blocked:
            refused = self._restored(self._refused(verdict, self._heard, self._heard.outcome), verdict)
            return self._written(refused) if self._events is not None else write(refused).encode()
        content = self._restored(verdict.content, verdict)
        if self._events is not None:
            try:
                return events.dump(self._changed(content, self._events), done=self._done)
            except Unplaced:
                return self._written(content)
        return self._raw if content is self._answer else write(content).encode()

    def _refused(self, verdict: Verdict, heard: Subject, outcome: Outcome) -> Any:
        """Return what answers a block in place of the answer: nothing of it but a head in which nothing was found."""
        found = heard.leaves.found
        gone = {found[index].path[0] for index in outcome.blocked if index >= 0 and found[index].path}
        kept = {name: value for name, value in self._answer.items() if name not in gone}
        refused = self.refusal(verdict, kept)
        if self.api.withheld is None:
            return refused
        return self.api.withheld(self._answer, heard, outcome, verdict.message or REFUSAL)

    def _restored(self, content: Any, verdict: Verdict) -> Any:
        """Return an answer with the user's own values in it again."""
        restorer = verdict.restorer
        return content if restorer is None or not restorer.values else self.api.restore(content, restorer)

    def _changed(self, content: Any, streamed: list[Event]) -> list[Event]:
        """Return the events of the stream as they say what became of the answer."""
        out: dict[Where, Any] = {}
        self._grown.put(self._answer, content, out)
        changes: dict[int, dict[Any, Any]] = {}
        for (index, path), new in out.items():
            changes.setdefault(index, {})[path, None] = new
        return [
            Event(event.name, edited(event.data, changes[index])) if index in changes else event
            for index, event in enumerate(streamed)
        ]

    def _written(self, answer: Body) -> bytes:
        """Return an answer as a stream."""
        assert self.api.split is not None
        return events.dump(self.api.split(answer), done=self.api.done)
