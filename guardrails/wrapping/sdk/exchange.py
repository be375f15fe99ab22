"""One call of a wrapped client: its request in, what may be sent out, and how its answer is judged (`buffered_response.py`,
`streaming_response.py`).

Nothing here asks the network or waits: whoever makes the call takes the request to the guard and brings the verdict.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from guardrails.context import find_caller
from guardrails.engine.content.payload import Payload
from guardrails.engine.core.pipeline import today
from guardrails.engine.detector_task import Task
from guardrails.engine.formats.replies import max_reasks
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import BackendError, RequestError, block_error
from guardrails.protocols.chat import chat_payload
from guardrails.protocols.protocol import SSE, Framing, Protocol
from guardrails.protocols.reasks import AnswerRejected, Reask, find_reask
from guardrails.protocols.reply_values import restore_reply
from guardrails.protocols.streaming.codec import dump_events
from guardrails.protocols.streaming.response_checker import ResponseChecker
from guardrails.sinks.call_verdicts import CallVerdicts
from guardrails.types import Action, Stage, Verdict
from guardrails.wire.lossless_json import write
from guardrails.wrapping.sdk.body_formats import JSON, Body, parse_answer, unreadable_answer
from guardrails.wrapping.sdk.events import END
from guardrails.wrapping.sdk.file_answers import AnswerFile
from guardrails.wrapping.sdk.file_answers import file_payload as read_file

if TYPE_CHECKING:
    from guardrails.checker import Checker

STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a backend is wrapped: by which guard, whether blocks are answered, who asks, and where an answer stands. Where answers
    must fit a schema, `formatted` is the guard that asks for it too; of films `fps` says how many frames a second has.
    """

    guard: Checker
    answers: bool
    context: Mapping[str, Any] = field(default_factory=dict)
    output: Stage = Stage.OUTPUT
    formatted: Checker | None = None
    fps: float | None = None

    @property
    def answering(self) -> Checker:
        """The guard of answers."""
        return self.formatted or self.guard


def response_checker_of(
    guard: Checker,
    asking: Mapping[str, Any],
    asked: Verdict | None,
    verdicts: CallVerdicts | None = None,
) -> ResponseChecker:
    """Return what judges the answer to one request.

    Args:
        guard: the guard.
        asking: who asks: the arguments of `Guard.check`.
        asked: the verdict of the request, None where there was nothing in it to judge.
        verdicts: takes the verdict of the answer.
    """
    told = {name: value for name, value in asking.items() if value is not None}
    given = {**find_caller(guard.caller), **told}
    before = None if asked is None else asked.restorer
    heard = () if asked is None else asked.heard
    vault = before if isinstance(before, Vault) else None
    request = Request(**given, today=today(), vault=vault, heard=heard)
    beside = ("", "", "") if asked is None else (asked.system, asked.prompt, asked.sources)

    def verdict(subject: Payload, outcome: Outcome, before: Vault | None) -> Verdict:
        found = guard.verdict(subject, outcome, Stage.OUTPUT, before, who=request)
        if verdicts is not None:
            verdicts.output = found
        return found

    return ResponseChecker(guard.pipeline, request, beside, verdict)


class Exchange:
    """The checks around one call. `asking` says who asks, `framing` how the bytes of a stream are read and written; the model was
    asked again `reasked` times before. `error` is what a guard raised in it.
    """

    def __init__(self, terms: Terms, protocol: Protocol, body: Body, reasked: int = 0) -> None:
        self.terms = terms
        self.protocol = protocol
        self.body = body
        self._given = body
        self._reasked = reasked
        self.asked: Verdict | None = None
        self.error: Exception | None = None
        self.framing: Framing = SSE if protocol.stream is None else protocol.stream.framing
        model = body.get("model")
        named = {"model": model} if isinstance(model, str) else {}
        # As it is where the call is made: its answer may be read elsewhere.
        told = {name: value for name, value in terms.context.items() if value is not None}
        self.asking: Mapping[str, Any] = {**find_caller(terms.guard.caller), **named, **told}
        self.verdicts = CallVerdicts()

    @property
    def judge(self) -> ResponseChecker:
        """What judges the answer."""
        return response_checker_of(self.terms.answering, self.asking, self.asked, self.verdicts)

    @property
    def may_reask(self) -> bool:
        """Whether the model may have to be asked again, so that nothing of its answer goes on before all of it is judged."""
        left = max_reasks(self.terms.answering.pipeline.policies, Stage.OUTPUT) > self._reasked
        return left and self.protocol.append_reask is not None

    def again(self, reask: Reask) -> Exchange:
        """Return the checks around the call that asks the model again."""
        assert self.protocol.append_reask is not None
        body = self.protocol.append_reask(self._given, reask.answer, reask.words)
        made = Exchange(self.terms, self.protocol, body, self._reasked + 1)
        made.verdicts, made.framing = self.verdicts, self.framing
        return made

    @property
    def streams(self) -> bool:
        """Whether the request asks for a stream."""
        return self.protocol.is_streamed(self.body)

    @property
    def ends_with_done(self) -> bool:
        """Whether `[DONE]` stands at the end of a stream."""
        streams = self.protocol.stream
        return streams is not None and bool(streams.framing.tail)

    @property
    def kind(self) -> str:
        """The media type of the answer that the request asks for."""
        if not self.streams:
            return JSON
        return self.framing.media_type

    def ask(self, verdict: Verdict) -> bytes | None:
        """Take the verdict of the request; return None if it may be sent (`body` is what), else the answer in its place.

        Raises:
            Blocked: the policy stops the request and nothing is to be answered.
        """
        self.asked = self.verdicts.input = verdict
        if not verdict.blocked:
            assert isinstance(verdict.content, Mapping)
            self.body = verdict.content
            return None
        message, streams = self.message(verdict), self.protocol.stream
        assert self.protocol.refuse is not None
        found = {finding.path.split("/")[1] for finding in verdict.findings if finding.path.startswith("/")}
        clean = {name: value for name, value in self.body.items() if name not in found}
        refusal = self.protocol.refuse(message, clean)
        if not self.streams or streams is None:
            return write(refusal).encode()
        codec = streams.codec()
        events = (codec.record_sent(event) for event in codec.write_refusal(refusal, message))
        end = END if self.ends_with_done else b""
        return self.framing.writer().feed(dump_events(event for event in events if event is not None) + end)

    def message(self, verdict: Verdict) -> str:
        """Return the words that answer a block.

        Raises:
            Blocked: nothing is to be answered, or there is no way to.
            GuardUnavailable: the check could not be done, which is never answered in kind.
        """
        if not self.terms.answers or self.protocol.refuse is None or verdict.unavailable is not None:
            raise block_error(verdict)
        return verdict.refusal

    def read(self, answer: Any) -> Payload:
        """Return what there is to judge of an answer.

        Raises:
            BackendError: it has no form that can be judged.
        """
        try:
            return (
                read_file(answer)
                if isinstance(answer, AnswerFile)
                else self.protocol.response_payload(answer)
            )
        except RequestError as error:
            raise unreadable_answer(str(error)) from None

    def read_whole(self, answer: Any) -> Payload:
        """Return what there is to judge of a whole answer.

        Raises:
            BackendError: it is none of the API's, or has no form that can be judged.
        """
        if not isinstance(answer, AnswerFile):
            self.protocol.check_response(answer)
        return self.read(answer)

    def vet_error(self, raw: bytes, inline: int | None) -> Generator[list[Task], None, bytes]:
        """Judge the body of an error that the upstream answered with; return what the caller may have of it.

        Args:
            raw: the body. One that is neither a text nor JSON that can be judged is left out.
            inline: the number of characters up to which quick detectors run at once (`Pipeline.steps`).
        """
        try:
            text = raw.decode()
            error = parse_answer(text) if text.lstrip().startswith(("{", "[")) else text
            subject = chat_payload.read(error, Stage.OUTPUT)
        except (UnicodeDecodeError, BackendError, RequestError, TypeError):
            return b"{}"
        verdict, _ = yield from self.judge.whole(subject, inline)
        if verdict.blocked:
            return b"{}"
        if verdict.action < Action.REDACT:
            return raw
        left = verdict.content
        return left.encode() if isinstance(left, str) else write(left).encode()

    def passed(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return what the caller may have of an answer, with the user's own values in it again; `answer` where nothing changes.

        Raises:
            Blocked: the policy stops it and nothing is to be answered.
            AnswerRejected: the model is to be asked again.
        """
        if self.may_reask and (reask := find_reask(verdict, self._reasked)) is not None:
            raise AnswerRejected(reask)
        content = verdict.content
        if verdict.blocked:
            content = self.protocol.withhold(answer, heard.tree, outcome, self.message(verdict))
        restorer = verdict.restorer
        return content if restorer is None or not restorer.values else restore_reply(content, restorer)
