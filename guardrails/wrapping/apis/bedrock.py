"""The calls of boto3's client for Bedrock's models: `converse` and `invoke_model`, whole and streamed.

`invoke_model` is judged for models of Anthropic's, whose body is that of their own API; bodies of other models have forms that
nobody describes here, so that those calls are refused: `converse` asks them too.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, ClassVar, Final

from guardrails.errors import RequestError
from guardrails.protocols.bedrock.protocol import CONVERSE, STREAM
from guardrails.protocols.messages.protocol import MESSAGES
from guardrails.types import Stage
from guardrails.wire import strict_json
from guardrails.wire.lossless_json import write
from guardrails.wrapping.guard_errors import CallScope
from guardrails.wrapping.http import json_calls
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.calls import UNGUARDED
from guardrails.wrapping.sdk.exchange import Terms

BYTES: Final = ("bytes", "redactedContent")
"""Fields that hold bytes, which stand in JSON as Base64."""

BESIDE: Final = "ResponseMetadata"
"""What botocore says of a response."""


MESSAGE_CALLS: Final = ("InvokeModel", "InvokeModelWithResponseStream")
"""Calls with a body of the model's own API."""


class GuardedBedrock:
    """A guard before a client. It is no client itself: `wrap` puts it in front of one's class."""

    _guardrails: ClassVar[Terms]

    def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        """Make a call, with what it asks judged before and what it answers behind."""
        inner: Any = super()
        send, terms = inner._make_api_call, self._guardrails
        with CallScope() as scope:  # nothing of botocore's stands between it and the caller
            if operation_name in ("Converse", "ConverseStream"):
                return _converse(send, operation_name, api_params, terms)
            if operation_name in MESSAGE_CALLS and "anthropic" in str(api_params.get("modelId")):
                return _invoke(send, operation_name, api_params, terms)
        scope.raise_found()
        cure = "ask the model by converse()" if operation_name.startswith("InvokeModel") else UNGUARDED
        raise RequestError("unguarded_call", f"{operation_name} is refused: {cure}")


def _named(terms: Terms, params: Mapping[str, Any]) -> Terms:
    """Return the terms of a call, which say what model is asked."""
    return Terms(
        terms.guard, terms.answers, {"model": str(params.get("modelId")), **terms.context}, terms.output
    )


def _converse(send: Any, operation: str, params: dict[str, Any], terms: Terms) -> Any:
    protocol = STREAM if operation == "ConverseStream" else CONVERSE
    exchange = json_calls.open_exchange(_named(terms, params), protocol, _to_json(params))
    beside: dict[str, Any] = {}

    def ask(body: dict[str, Any]) -> Any:
        response = dict(send(operation, _from_json(body)))
        beside[BESIDE] = response.pop(BESIDE, {})
        beside["stream"] = response.get("stream")
        return response

    if protocol is CONVERSE:
        answer = json_calls.ask(exchange, lambda body: _to_json(ask(body)))
        return {**_from_json(answer), BESIDE: beside.get(BESIDE, {})}
    events = json_calls.ask_stream(exchange, lambda body: map(_to_json, ask(body)["stream"]))
    stream = _event_stream(map(_from_json, events), beside.get("stream"))
    return {"stream": stream, BESIDE: beside.get(BESIDE, {})}


def _invoke(send: Any, operation: str, params: dict[str, Any], terms: Terms) -> Any:
    raw = params.get("body", b"")
    raw = raw.read() if hasattr(raw, "read") else raw
    body = strict_json.parse(raw if isinstance(raw, bytes) else str(raw).encode())
    streams = operation.endswith("Stream")
    exchange = json_calls.open_exchange(_named(terms, params), MESSAGES, {**body, "stream": streams})
    responses: list[Any] = []

    def ask(body: dict[str, Any]) -> Any:
        del body["stream"]
        responses.append(send(operation, {**params, "body": write(body).encode()}))
        return responses[0]["body"]

    if streams:
        events = json_calls.ask_stream(exchange, lambda body: map(_read_chunk, ask(body)))
        chunks = ({"chunk": {"bytes": write(event).encode()}} for event in events)
        made: Any = _event_stream(chunks, responses[0]["body"] if responses else None)
    else:
        answer = write(json_calls.ask(exchange, lambda body: strict_json.parse(ask(body).read()))).encode()
        made = import_module("botocore.response").StreamingBody(io.BytesIO(answer), len(answer))
    beside = responses[0] if responses else {"contentType": "application/json", BESIDE: {}}
    return {**beside, "body": made}


def _read_chunk(event: Mapping[str, Any]) -> Any:
    if "chunk" not in event:
        return {"type": "error", "error": {"type": "api_error", "message": json.dumps(event, default=str)}}
    return strict_json.parse(event["chunk"]["bytes"])


def _event_stream(events: Iterator[Any], stream: Any) -> Any:
    """Return botocore's stream of events, with what may go on of them; it closes the one that came."""
    base: Any = import_module("botocore.eventstream").EventStream

    class JudgedEventStream(base):  # type: ignore[misc]
        """The events of an answer, judged as they are asked for."""

        def __init__(self) -> None:
            pass

        def __iter__(self) -> Iterator[Any]:
            return events

        def close(self) -> None:
            if stream is not None:
                stream.close()

    return JudgedEventStream()


def _to_json(value: Any) -> Any:
    """Return a value with Base64 in the place of bytes."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(name): _to_json(inner) for name, inner in value.items()}
    return [_to_json(entry) for entry in value] if isinstance(value, list | tuple) else value


def _from_json(value: Any) -> Any:
    """Return what `_to_json` was given."""
    if isinstance(value, Mapping):
        return {
            name: base64.b64decode(inner) if name in BYTES and isinstance(inner, str) else _from_json(inner)
            for name, inner in value.items()
        }
    return [_from_json(entry) for entry in value] if isinstance(value, list) else value


def wrap(client: Any, terms: Terms) -> Any:
    """Return a client of the same class with a guard around its calls; both share their connections.

    Raises:
        ValueError: another stage is named for its answers.
        TypeError: it is wrapped already.
    """
    base = type(client)
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is for functions: a client's calls say where their answers stand")
    if isinstance(client, GuardedBedrock):
        raise TypeError(f"cannot wrap a {base.__name__} that is wrapped already")
    named = {"_guardrails": terms, "__module__": base.__module__, "__doc__": base.__doc__}
    made: Any = object.__new__(type(base.__name__, (GuardedBedrock, base), named))
    vars(made).update(vars(client))
    return made


WRAPPER: Final = Wrapper(
    "botocore.BedrockRuntime", "Guards converse and invoke_model of boto3's client for Bedrock.", wrap
)
