"""The names of telemetry, each once: what every attribute, span and event holds, and how settled its name is.

Names of `http.*`, `server.*`, `url.*`, `error.*` and `service.*` are OpenTelemetry's and stable. Those of `gen_ai.*` are
OpenTelemetry's too, and in development: they are sent where that is asked for. Those of `guardrails.*` are this project's own.
Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final, Literal, NamedTuple

Conventions = Literal["stable", "development"]
"""Which names are sent: those that are settled, or those in development as well."""

OPT_IN: Final = "OTEL_SEMCONV_STABILITY_OPT_IN"
"""The variable by which OpenTelemetry has programs send names that are in development."""

GEN_AI_OPT_IN: Final = "gen_ai_latest_experimental"

CONTENT_NEEDS: Final = "content needs conventions: development: the names that hold it are in development"

DISTRIBUTION: Final = "guardrails-middleware"

SCOPE: Final = "guardrails"
"""The name of what tells OpenTelemetry of something (the instrumentation scope)."""


class Attribute(NamedTuple):
    """An attribute: its name, what it holds, whether that is settled, and where it stands."""

    name: str
    holds: str
    on: str
    stability: Conventions = "stable"


class Signal(NamedTuple):
    """A span or an event: its name, of what it tells, of which kind it is, and whether that is settled."""

    name: str
    tells: str
    kind: Literal["server", "client", "internal", "event"]
    stability: Conventions = "stable"


def _gen_ai(name: str, holds: str, on: str = "upstream") -> Attribute:
    return Attribute(f"gen_ai.{name}", holds, on, "development")


SERVICE_NAME = Attribute("service.name", "the setting `service_name`, else `OTEL_SERVICE_NAME`", "resource")
SERVICE_VERSION = Attribute("service.version", "the version of this package", "resource")
SERVICE_INSTANCE = Attribute("service.instance.id", "a random id of the worker process", "resource")

HTTP_METHOD = Attribute("http.request.method", "the method, or `_OTHER`", "request, upstream")
HTTP_ROUTE = Attribute("http.route", "the route, not the path, which a client chooses", "request")
HTTP_STATUS = Attribute("http.response.status_code", "the status of the answer", "request, upstream")
HTTP_RESEND = Attribute("http.request.resend_count", "which further attempt it is", "upstream")
URL_SCHEME = Attribute("url.scheme", "`http` or `https`", "request")
SERVER_ADDRESS = Attribute("server.address", "the host of the upstream", "upstream")
SERVER_PORT = Attribute("server.port", "its port", "upstream")
ERROR_TYPE = Attribute(
    "error.type",
    "why it failed: a status, the reason why a check could not be done, or a word such as `timeout`",
    "request, upstream, check, event",
)

STAGE = Attribute("guardrails.stage", "`input`, `output`, `tool_call`, …", "check, event")
ACTION = Attribute(
    "guardrails.action", "what the policy did: `allow`, `flag`, `redact`, `block`", "request, check"
)
RULES = Attribute("guardrails.rules", "the ids of the rules that fired, the most severe first", "check")
SHADOW_RULES = Attribute("guardrails.rules.shadow", "the ids of the rules in shadow that would have", "check")
UNAVAILABLE = Attribute("guardrails.unavailable", "why a check could not be done", "request, check")
FAILED_DETECTORS = Attribute("guardrails.detectors.failed", "the detectors that failed", "check")
VERDICT_ID = Attribute(
    "guardrails.verdict.id", "the id of the verdict, as the answer's headers have it", "check, event"
)
POLICY_NAME = Attribute("guardrails.policy.name", "the name of the policy", "check, event")
POLICY_VERSION = Attribute("guardrails.policy.version", "its version", "check, event")
POLICY_DIGEST = Attribute("guardrails.policy.digest", "its digest", "check, event")
RULE_SEVERITY = Attribute("guardrails.rule.severity", "the severity of the rule", "event")
RULE_MODE = Attribute("guardrails.rule.mode", "`enforce` or `shadow`", "event")
CLIENT = Attribute("guardrails.client", "the id of the client's key", "request")
REQUEST_ID = Attribute("guardrails.request.id", "the id of the request, as the log has it", "request")
UPSTREAM = Attribute("guardrails.upstream", "the name of the upstream in the settings", "upstream")

LOGGER = Attribute("guardrails.logger", "the logger of the line", "log")
EXCEPTION_TYPE = Attribute("exception.type", "the class of an exception, without its words", "log")

OPERATION = _gen_ai("operation.name", "`chat`, `text_completion`, `embeddings`, `generate_content`")
PROVIDER = _gen_ai("provider.name", "whose API is spoken: `openai`, `anthropic`, `gcp.gemini`, …")
REQUEST_MODEL = _gen_ai("request.model", "the model that was asked for")
REQUEST_STREAM = _gen_ai("request.stream", "true where the answer was to be streamed")
REQUEST_CHOICES = _gen_ai("request.choice.count", "the number of answers that were asked for, if not one")
REQUEST_MAX_TOKENS = _gen_ai("request.max_tokens", "the most tokens that the answer may have")
REQUEST_TEMPERATURE = _gen_ai("request.temperature", "the temperature")
REQUEST_TOP_P = _gen_ai("request.top_p", "the share of likely tokens")
RESPONSE_ID = _gen_ai("response.id", "the id of the answer")
RESPONSE_MODEL = _gen_ai("response.model", "the model that answered")
FINISH_REASONS = _gen_ai("response.finish_reasons", "why each answer ended")
FIRST_CHUNK = _gen_ai("response.time_to_first_chunk", "the seconds until the first event of a stream")
INPUT_TOKENS = _gen_ai("usage.input_tokens", "the tokens of the request")
OUTPUT_TOKENS = _gen_ai("usage.output_tokens", "the tokens of the answer")
EVALUATION_NAME = _gen_ai("evaluation.name", "the id of a rule that fired", "event")
EVALUATION_LABEL = _gen_ai("evaluation.score.label", "its action: `flag`, `redact`, `block`", "event")
EVALUATION_WHY = _gen_ai(
    "evaluation.explanation", "why it fired: `matched`, `error`, `unchecked`, …", "event"
)
INPUT_MESSAGES = _gen_ai("input.messages", "with `content: true` what passed to the model, as JSON", "check")
OUTPUT_MESSAGES = _gen_ai(
    "output.messages", "with `content: true` what passed of its answer, as JSON", "check"
)

ATTRIBUTES: Final[tuple[Attribute, ...]] = tuple(
    each for each in tuple(globals().values()) if isinstance(each, Attribute)
)
"""All attributes."""

REQUEST = Signal(
    "{http.request.method} {http.route}", "a request to the proxy, until its answer has ended", "server"
)
UPSTREAM_CALL = Signal("{http.request.method}", "a request to an upstream, each attempt", "client")
UPSTREAM_INFERENCE = Signal(
    "{gen_ai.operation.name} {gen_ai.request.model}",
    "the same, where a model was asked",
    "client",
    "development",
)
CHECK = Signal("guardrails.check {guardrails.stage}", "a check, for as long as it was at work", "internal")
EVALUATION = Signal("gen_ai.evaluation.result", "a rule that fired, by the Logs API", "event", "development")

SIGNALS: Final = (REQUEST, UPSTREAM_CALL, UPSTREAM_INFERENCE, CHECK, EVALUATION)
"""All spans and events."""

OPERATIONS: Final = (
    ("/chat/completions", "chat"),
    ("/messages", "chat"),
    ("/responses", "chat"),
    ("/chat", "chat"),
    ("/converse", "chat"),
    ("/converse-stream", "chat"),
    ("/agents/completions", "invoke_agent"),
    ("/completions", "text_completion"),
    ("/generate", "text_completion"),
    ("/embeddings", "embeddings"),
    ("/embed", "embeddings"),
    (":generateContent", "generate_content"),
    (":streamGenerateContent", "generate_content"),
    ("/images/generations", "generate_content"),
    ("/images/edits", "generate_content"),
    ("/images/variations", "generate_content"),
    ("/audio/speech", "generate_content"),
    ("/audio/transcriptions", "generate_content"),
    ("/audio/translations", "generate_content"),
    ("/videos", "generate_content"),
)
"""How the path of an API ends → the name of its operation; the first that fits counts."""

PROVIDERS: Final[Mapping[str, str]] = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
"""Providers (`protocols.providers`) that OpenTelemetry calls by another name."""


@cache
def own_version() -> str:
    """Return the version of this package; "" where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return ""


def find_operation(path: str) -> str | None:
    """Return the operation of an API by its path, None where no model is asked."""
    path = path.partition("?")[0]
    return next((operation for ending, operation in OPERATIONS if path.endswith(ending)), None)


def is_development(wanted: Conventions | None, environment: Mapping[str, str]) -> bool:
    """Tell whether names in development are sent: as is wanted, or else as OpenTelemetry's own variable says."""
    if wanted is not None:
        return wanted == "development"
    return GEN_AI_OPT_IN in (part.strip() for part in environment.get(OPT_IN, "").split(","))
