"""One call of a wrapped client: its request in, what may be sent out, and how its answer is judged (`buffered_response.py`,
`streaming_response.py`).

Nothing here asks the network or waits: whoever makes the call takes the request to the guard and brings the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from guardrails.engine.content.payload import Payload
from guardrails.engine.core.pipeline import today
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import Blocked, RequestError
from guardrails.protocols.reply_values import restore_reply
from guardrails.protocols.streaming.assembler import Collector
from guardrails.protocols.streaming.codec import Event, Teller
from guardrails.protocols.streaming.response_checker import Judge
from guardrails.types import Restorer, Stage, Verdict
from guardrails.wire.lossless_json import write
from guardrails.wrapping.sdk import events
from guardrails.wrapping.sdk.answers import broken, parsed

if TYPE_CHECKING:
    from guardrails.checker import Checker

Body = Mapping[str, Any]
REFUSAL = "Stopped by policy."
JSON = "application/json"
STREAM = "text/event-stream"


def one(body: Body) -> int:
    """Return how many answers a request asks for, where it cannot ask for several."""
    return 1


@dataclass(frozen=True, slots=True)
class Wire:
    """How the bytes of whole answers of some media types are read, and written again.

    `fits` tells of a type whether it is one of them. `read` makes of the bytes, their type and the request what there is to judge
    (raises `BackendError` where they are none); `write` makes bytes of what is left of that. `exact`: where nothing changes, what
    came goes on as it is. `media`, of a file, tells the type of what is left: it may be of another than what came.
    """

    fits: Callable[[str], bool]
    read: Callable[[bytes, str, Body], Any]
    write: Callable[[Any], bytes]
    exact: bool = True
    media: Callable[[Any], str] | None = None


def _read(raw: bytes, kind: str, asked: Body) -> dict[str, Any]:
    try:
        return parsed(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise broken("it is not UTF-8") from None


AS_JSON = Wire(JSON.__eq__, _read, lambda left: write(left).encode())


@dataclass(frozen=True, slots=True)
class Api:
    """How one endpoint is read, and how it is answered in kind where the policy blocks.

    `request` and `response` read a body; None: there is nothing in it to judge. `refusal` makes a whole answer of a
    message, the request and the answer that was stopped (`{}` where none was asked for), of which it keeps no more than
    the head; None: this API has no way to say no, so that `Blocked` is raised. `withheld` does so for what is blocked
    of an answer alone. `collector` puts the events of a stream together, `teller` reads and writes them as they go on; `done`:
    `[DONE]` stands at the end. `restore` puts a user's own values back, `choices` is how many answers a request asks for.
    `forms`: a request may have files. `last`, where each event of a stream is an answer for itself, which `response` reads:
    whether one may be the last. `wires` are the ways in which a whole answer may be written.
    """

    request: Callable[[Body], Payload] | None
    response: Callable[[Any], Payload] | None = None
    refusal: Callable[[str, Body, Body], dict[str, Any]] | None = None
    withheld: Callable[[Any, Payload, Outcome, str], dict[str, Any]] | None = None
    collector: Callable[[], Collector] | None = None
    teller: Callable[[], Teller] | None = None
    done: bool = True
    restore: Callable[[Any, Restorer], Any] = restore_reply
    choices: Callable[[Body], int] = one
    forms: bool = False
    last: Callable[[Body], bool] | None = None
    wires: tuple[Wire, ...] = (AS_JSON,)


@dataclass(frozen=True, slots=True)
class Terms:
    """How a backend is wrapped: by which guard, whether blocks are answered, who asks, and where an answer stands."""

    guard: Checker
    answers: bool
    context: Mapping[str, Any] = field(default_factory=dict)
    output: Stage = Stage.OUTPUT


def judge_of(guard: Checker, asking: Mapping[str, Any], asked: Verdict | None) -> Judge:
    """Return what judges the answer to one request.

    Args:
        guard: the guard.
        asking: who asks: the arguments of `Guard.check`.
        asked: the verdict of the request, None where there was nothing in it to judge.
    """
    given = {name: value for name, value in asking.items() if value is not None}
    before = None if asked is None else asked.restorer
    heard = () if asked is None else asked.heard
    vault = before if isinstance(before, Vault) else None
    request = Request(**given, today=today(), vault=vault, heard=heard)
    beside = ("", "", "") if asked is None else (asked.system, asked.prompt, asked.sources)

    def verdict(subject: Payload, outcome: Outcome, before: Vault | None) -> Verdict:
        return guard.verdict(subject, outcome, Stage.OUTPUT, before)

    return Judge(guard.pipeline, request, beside, verdict)


class Exchange:
    """The checks around one call. `asking` says who asks."""

    def __init__(self, terms: Terms, api: Api, body: Body) -> None:
        self.terms = terms
        self.api = api
        self.body = body
        self.asked: Verdict | None = None
        model = body.get("model")
        named = {"model": model} if isinstance(model, str) else {}
        self.asking: Mapping[str, Any] = {**named, **terms.context}

    @property
    def judge(self) -> Judge:
        """What judges the answer."""
        return judge_of(self.terms.guard, self.asking, self.asked)

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
        if not self.streams or self.api.teller is None:
            return write(refusal).encode()
        teller = self.api.teller()
        told = (teller.told(event) for event in teller.refused(refusal, self.message(verdict)))
        return written([event for event in told if event is not None], done=self.api.done)

    def message(self, verdict: Verdict) -> str:
        """Return the words that answer a block.

        Raises:
            Blocked: nothing is to be answered, or there is no way to.
        """
        if not self.terms.answers or self.api.refusal is None:
            raise Blocked(verdict)
        return verdict.message or REFUSAL

    def refusal(self, verdict: Verdict, answer: Body) -> dict[str, Any]:
        """Return what answers a block, the whole of it; raises as `message` does."""
        message = self.message(verdict)
        assert self.api.refusal is not None
        return self.api.refusal(message, self.body, answer)

    def read(self, answer: Any) -> Payload:
        """Return what there is to judge of an answer.

        Raises:
            BackendError: it has no form that can be judged.
        """
        assert self.api.response is not None
        try:
            return self.api.response(answer)
        except RequestError as error:
            raise broken(str(error)) from None

    def passed(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return what the caller may have of an answer, with the user's own values in it again; `answer` where nothing changes.

        Raises:
            Blocked: the policy stops it and nothing is to be answered.
        """
        content = self._refused(answer, heard, verdict, outcome) if verdict.blocked else verdict.content
        restorer = verdict.restorer
        return content if restorer is None or not restorer.values else self.api.restore(content, restorer)

    def _refused(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return what answers a block in place of the answer: nothing of it but a head in which nothing was found."""
        message = self.message(verdict)
        found = heard.tree.leaves
        gone = {found[index].path[0] for index in outcome.blocked if index >= 0 and found[index].path}
        kept = {name: value for name, value in answer.items() if name not in gone}
        if self.api.withheld is None:
            return self.refusal(verdict, kept)
        return self.api.withheld(answer, heard, outcome, message)


def written(told: Sequence[Event], *, done: bool = False) -> bytes:
    """Write events; with `done` the end behind them."""
    raw = [event.raw or events.Event(event.kind, event.data).dump() for event in told]
    return b"".join(raw) + (events.END if done else b"")
