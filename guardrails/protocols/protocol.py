"""The description of one API: how its requests, answers and streams are read, judged and written.

One frozen `Protocol` serves the proxy's route, the wrapped SDK clients, the hooks and the demo. What is HTTP (paths, headers of
a client, upstreams) stays in `proxy`, what is an SDK's in `wrapping`. A new API is a folder here with a `protocol` module, whose
`PROTOCOLS` lists its descriptions, and one line in `registry.FOLDERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from typing import Protocol as Interface

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Outcome
from guardrails.errors import BackendError, RequestError
from guardrails.protocols.errors import BLOCKED, ErrorWriter, Problem, write_openai_error
from guardrails.protocols.image_links import Link
from guardrails.protocols.providers import OPENAI, Provider
from guardrails.protocols.streaming.codec import Event, StreamCodec
from guardrails.wire import sse
from guardrails.wire.pointers import Path

Body = Mapping[str, Any]


class StreamReader(Interface):
    """Reads the bytes of a stream incrementally, however they are cut."""

    def feed(self, piece: bytes) -> Iterator[sse.Event]:
        """Take bytes; yield the events that they complete."""
        ...

    def flush(self) -> Iterator[sse.Event]:
        """Take the end of the stream; yield the event that it cut off, if there is one."""
        ...


class StreamWriter(Interface):
    """Turns server-sent events, as the proxy writes all streams, into the form in which the API's clients read them."""

    headers: Mapping[str, str]

    def feed(self, raw: bytes) -> bytes:
        """Take whole events and comments; return how they are sent."""
        ...

    def flush(self) -> bytes:
        """Take the end; return what stands behind the last event."""
        ...


class EventStream:
    """Writes server-sent events as they are."""

    headers: Mapping[str, str] = {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
    }

    def feed(self, raw: bytes) -> bytes:
        """Return what is to be sent."""
        return raw

    def flush(self) -> bytes:
        """Return nothing: no event follows."""
        return b""


@dataclass(frozen=True, slots=True)
class Framing:
    """How the events of a stream are written as bytes.

    Attributes:
        media_type: of the upstream's streams.
        reader: reads them.
        writer: writes those of the proxy.
        keep_alive: what is sent where nothing else is for a while.
        tail: what stands behind the last event.
    """

    media_type: str = "text/event-stream"
    reader: Callable[[], StreamReader] = sse.Events
    writer: Callable[[], StreamWriter] = EventStream
    keep_alive: bytes = sse.KEEP_ALIVE
    tail: bytes = b""


SSE: Final = Framing()
SSE_DONE: Final = Framing(tail=sse.event(sse.DONE))
"""Server-sent events that end with `[DONE]`, as OpenAI's older APIs have them."""


FailureWriter = Callable[[Problem, Any], list[Event]]
"""Writes the events by which a stream says that it failed, behind what the codec of the stream wrote before them, which is given;
None where it has none.
"""


def failure_writer(write_error: ErrorWriter, kind: str = "") -> FailureWriter:
    """Return what writes a failure as one event of a type, as an API writes its errors."""
    return lambda problem, codec: [Event(kind, write_error(problem))]


write_error_event: Final = failure_writer(write_openai_error)
"""Writes the event by which a stream of OpenAI's says that it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFormat:
    """How the streamed answers of an API are read and written.

    Attributes:
        codec: reads the events of one stream, of which it builds the whole answer, and writes how they end.
        events: writes a whole answer as events.
        failure: writes a failure.
        framing: how events are written as bytes.
    """

    codec: Callable[[], StreamCodec]
    events: Callable[[Body], Iterable[Event]]
    failure: FailureWriter = write_error_event
    framing: Framing = SSE


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAnswers:
    """How streams are read and written each event of which is an answer for itself, such as a picture.

    Attributes:
        is_last: whether an event may be the last.
        events: writes a whole answer as events.
        failure: writes a failure.
        framing: how events are written as bytes.
    """

    is_last: Callable[[Body], bool]
    events: Callable[[Body], Iterable[Event]]
    failure: FailureWriter = write_error_event
    framing: Framing = SSE


def asks_for_stream(body: Body) -> bool:
    """Tell whether a request asks for a stream, by its field `stream`; raises `RequestError` where that is neither."""
    asked = body.get("stream")
    if not isinstance(asked, bool | None):
        raise RequestError("invalid_type", "stream must be true or false", "/stream")
    return bool(asked)


def count_choices(body: Body) -> int:
    """Return how many choices a request asks for: `n`, for each of its prompts."""
    several, prompts = body.get("n"), body.get("prompt")
    asked = several if isinstance(several, int) else 1
    return asked * len(prompts) if isinstance(prompts, list) else asked


def never_streams(body: Body) -> bool:
    """Tell that an answer is never sent as it comes; raises `RequestError` where `stream` is no boolean."""
    asks_for_stream(body)
    return False


def refuse_stream(body: Body) -> bool:
    """Tell that an API has no streams, whatever a request says."""
    return False


class WithheldAnswer(BackendError):
    """An answer that came and does not go on, as the policy blocks it or it is over a limit of ours: no failure of its server."""


def edit_or_fail(
    status: int, edit: Callable[[Any, ContentTree, Outcome], Any] = payload.apply_edits
) -> Callable[[Any, ContentTree, Outcome, str], dict[str, Any]]:
    """Return what withholds from answers in which nothing can say that it was stopped, such as a picture or a vector.

    Args:
        status: of the `WithheldAnswer` that it raises where something is blocked.
        edit: an answer with texts and pictures edited.
    """

    def withhold(answer: Any, tree: ContentTree, outcome: Outcome, words: str) -> dict[str, Any]:
        if outcome.blocked:
            raise WithheldAnswer(words, status, BLOCKED)
        return dict(edit(answer, tree, outcome))

    return withhold


def accept_any(answer: dict[str, Any]) -> None:
    """Accept any object as an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """One API: how its bodies are read and judged, and how what passes is written.

    Attributes:
        name: of the API, unique in the registry, such as `openai.chat`.
        path: where it stands below the root that the provider's APIs share; `*` is one segment of any name.
        summary: one line on what it does, for the OpenAPI document.
        provider: whose API it is: its headers, its root, how it writes errors, and whose SDK calls it.
        method: of HTTP.
        is_served: whether the proxy has a route for it by this description alone.
        is_wrapped: whether a wrapped client of the provider's SDK may call it.
        read_request: a request's contents; raises `RequestError` for what is refused. None: there is nothing in it to judge.
        edit_request: the request to forward; the same object where nothing changes.
        check_response: raises `BackendError` for an object that is no answer of this API.
        read_response: an answer's contents. None: there is nothing in it to judge.
        withhold: an answer without what an outcome takes from it; the text is what a client reads instead. Raises `BackendError`
            where no answer can say so.
        refuse: the answer to a request that is stopped, in these words; the request is given. None: no answer can say so.
        refuses_in_kind: whether a proxy answers a request that is stopped so, instead of with an error.
        stream: how streams are read and written; None: there are none.
        is_streamed: whether a request asks for a stream; raises `RequestError` where that is not clear.
        count_choices: how many choices a request asks for.
        forms: whether a request may be, or must be, a form (`multipart/form-data`) instead of JSON.
        answer_type: the media type of an answer that is not streamed.
        links: the pictures in an answer of which it has only the addresses.
        event_answers: how streams are read and written each event of which is an answer for itself, which `read_response` reads:
            each is judged, and sent, apart from the others.
        write_error: the body of an error.
        find_replies: where the texts stand that an answer replies with, by choice; not thoughts, nor what stands beside a call
            of a tool.
        append_reask: a request that goes on with what the model answered, and with words on what is wrong with that. None: the
            model cannot be asked again.
    """

    name: str
    path: str
    summary: str = ""
    provider: Provider = OPENAI
    method: str = "POST"
    is_served: bool = True
    is_wrapped: bool = True
    read_request: Callable[[Any], ContentTree] | None
    edit_request: Callable[[Any, ContentTree, Outcome], Any] = payload.apply_edits
    check_response: Callable[[dict[str, Any]], None] = accept_any
    read_response: Callable[[Any], ContentTree] | None = None
    withhold: Callable[[Any, ContentTree, Outcome, str], Any]
    refuse: Callable[[str, Body], dict[str, Any]] | None = None
    refuses_in_kind: bool = False
    stream: StreamFormat | None = None
    is_streamed: Callable[[Body], bool] = asks_for_stream
    count_choices: Callable[[Body], int] = count_choices
    forms: Literal["never", "taken", "only"] = "never"
    answer_type: str = "application/json"
    links: Callable[[Any], Iterator[Link]] | None = None
    event_answers: EventAnswers | None = None
    write_error: ErrorWriter = write_openai_error
    find_replies: Callable[[Body], list[tuple[Path, ...]]] | None = None
    append_reask: Callable[[Body, str, str], dict[str, Any]] | None = None

    def request_payload(self, body: Any) -> Payload:
        """Return what there is to judge of a request; raises `RequestError` for what is refused."""
        assert self.read_request is not None
        return payload.body(body, self.read_request(body), self.edit_request)

    def response_payload(self, answer: Any) -> Payload:
        """Return what there is to judge of an answer; raises `RequestError` where it has no form that can be judged."""
        assert self.read_response is not None
        tree = self.read_response(answer)
        tree.replies = None if self.find_replies is None else self.find_replies(answer)
        return payload.body(answer, tree, self._left)

    def _left(self, answer: Any, leaves: ContentTree, outcome: Outcome) -> Any:
        return self.withhold(answer, leaves, outcome, "") if outcome.edits else answer


def invalid_answer(why: str) -> BackendError:
    """Return the exception for an answer of an upstream that is none of its API's."""
    return BackendError(why, 502, "upstream_invalid")


def blocked_fields(leaves: ContentTree, outcome: Outcome) -> set[Path]:
    """Return the top-level fields of an answer in which what is blocked stands, as paths of one name."""
    return {leaves.leaves[index].path[:1] for index in outcome.blocked if index >= 0}
