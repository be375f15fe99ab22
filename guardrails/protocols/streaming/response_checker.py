"""The answer to one request in, its verdict out, and what is left to tell of a stream, as steps: one description serves the
proxy and wrapped calls, sync and async.

Nothing here waits: what may take long is yielded as tasks, for `Pipeline.drive` or its twin `adrive`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.content.payload import Payload
from guardrails.engine.core.pipeline import Pipeline
from guardrails.engine.detector_task import Task
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.vault import Vault
from guardrails.errors import BackendError
from guardrails.protocols.streaming.codec import Event, StreamCodec
from guardrails.protocols.streaming.relay import Relay
from guardrails.types import Place, Stage, Text, Verdict

T = TypeVar("T")
Steps = Generator[list[Task], None, T]
Beside = tuple[str, str, str]
"""What an answer is judged beside: the system prompt, what is asked, and what was retrieved for it."""


class ResponseHandler(Protocol):
    """What is done with an answer of one API."""

    def read(self, answer: Any) -> Payload:
        """Return what there is to judge of a whole answer.

        Raises:
            BackendError: it has no form that can be judged.
        """
        ...

    def passed(self, answer: Any, heard: Payload, verdict: Verdict, outcome: Outcome) -> Any:
        """Return a whole answer as its verdict lets it pass, with the user's own values in it again."""
        ...

    def message(self, verdict: Verdict) -> str:
        """Return the words that answer a block; raises `Blocked` where none is answered."""
        ...


class ResponseChecker:
    """Judges what a model answers to one request.

    Args:
        pipeline: the policies.
        request: who asks, with what the request's check handed out.
        beside: what the answer is judged beside.
        verdict: makes a verdict of a subject, the outcome of its check, and what checks handed out before.
        complete: whether all detectors have their say, also on what is certain to be blocked.
        settled: makes of the outcome for the whole answer what is to hold.
        before: is told what is about to be judged, with what it is judged beside, and whether that is all of the answer.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        request: Request,
        beside: Beside,
        verdict: Callable[[Payload, Outcome, Vault | None], Verdict],
        *,
        complete: bool = False,
        settled: Callable[[Outcome], Outcome] = lambda outcome: outcome,
        before: Callable[[ContentTree, bool], None] | None = None,
    ) -> None:
        self._before = before
        self._pipeline, self._beside, self._verdict = pipeline, beside, verdict
        self._request = replace(request, prompt=beside[1])
        self._complete, self._settled = complete, settled

    def relay(self, codec: StreamCodec, tree: Callable[[Any], ContentTree], choices: int = 1) -> Relay:
        """Return what the events of the answer go through, read by a codec; `leaves` reads what else they hold."""

        def read(rest: Any) -> ContentTree:
            found = tree(rest)
            found.beside(*self._beside)
            return found

        one = ContentTree(leaves=[Leaf(Text("", Place(Stage.OUTPUT)))])
        one.beside(*self._beside)
        context = one.leaves[0].content.context
        return Relay(self._pipeline, self._request, codec, read, context, choices)

    def whole(
        self, subject: Payload, inline: int | None, relay: Relay | None = None
    ) -> Steps[tuple[Verdict, Outcome]]:
        """Judge a whole answer, behind what went on of it through a relay; return the verdict and the outcome. Raises
        `RequestError` where it is over the budget.
        """
        tree, request = subject.tree, self._request if relay is None else relay.request
        self._pipeline.admit(tree)
        self._prepare(tree, ended=True)
        outcome = yield from self._pipeline.check_steps(tree, request, inline, complete=self._complete)
        if relay is not None:
            outcome = relay.settled(tree, outcome)
        outcome = self._settled(outcome)
        return self._verdict(subject, outcome, request.vault), outcome

    def _prepare(self, tree: ContentTree, *, ended: bool) -> None:
        """Put beside an answer what it is judged beside, where anybody reads that."""
        if self._before is not None or self._pipeline.reads_context:
            tree.beside(*self._beside)
        if self._before is not None:
            self._before(tree, ended)

    def so_far(self, relay: Relay, inline: int | None) -> Steps[Verdict]:
        """Judge what there was of an answer that was stopped, or broken off; return the verdict."""
        tree = relay.so_far()
        self._prepare(tree, ended=False)
        judging = self._pipeline.check_steps(tree, self._request, inline, complete=self._complete)
        outcome = relay.stopped((yield from judging), tree.leaves)
        return self._verdict(Payload(tree, lambda _: None), outcome, self._request.vault)

    def ended(self, relay: Relay, said: ResponseHandler, inline: int | None) -> Steps[list[Event]]:
        """Take the end of a stream, or of what there was of one that is stopped; return the events that are left to send.

        Args:
            relay: what its events went through.
            said: what is done with the whole answer that they make up, where it is not stopped.
            inline: the number of characters up to which quick detectors run at once (`Pipeline.steps`).

        Raises:
            BackendError: it cannot be judged.
            Blocked: the policy stops it and nothing is to be answered.
        """
        yield from relay.finish(inline)
        if relay.stop is not None:
            return relay.refused(None, said.message((yield from self.so_far(relay, inline))))
        whole = relay.answer()
        heard = said.read(whole)
        verdict, outcome = yield from self.whole(heard, inline, relay)
        content = said.passed(whole, heard, verdict, outcome)
        if verdict.blocked:
            return relay.refused(content, said.message(verdict))
        rest = relay.end(heard.tree, outcome, content)
        if rest is None:
            raise BackendError(
                "what was sent of the answer is not what is left of it", 502, "upstream_invalid"
            )
        return rest
