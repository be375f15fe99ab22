"""The settings of what OpenTelemetry is told, and their checks. What OpenTelemetry's own variables say stands there alone."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from guardrails.detectors.config import Config
from guardrails.errors import MissingExtra
from guardrails.policy.loading.problems import MarkSource, Problems

if TYPE_CHECKING:
    from guardrails.telemetry.server import ServerTelemetry

PACKAGES: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
"""What the extra brings."""

EXAMPLE: Final = "http://127.0.0.1:4318"


class TelemetryDoc(Config):
    """What OpenTelemetry is told by OTLP over HTTP (extra `otel`): a trace for each request, and log records. No word of a
    request or an answer is in it unless `content` asks for that. All else is as OpenTelemetry's variables say, such as
    `OTEL_EXPORTER_OTLP_HEADERS` (keys of the receiver), `OTEL_PROPAGATORS` or `OTEL_BSP_SCHEDULE_DELAY`.
    """

    endpoint: str | None = Field(default=None, examples=[EXAMPLE])
    """The base URL of the receiver, such as a collector's: traces go to `/v1/traces` below it, log records to `/v1/logs`. Without
    it `OTEL_EXPORTER_OTLP_ENDPOINT` says where, else `http://localhost:4318`."""
    service_name: str | None = Field(default=None, min_length=1, max_length=255, examples=["chat-guard"])
    """The name under which the server is shown; without it `OTEL_SERVICE_NAME`, else `guardrails`."""
    sample: float | None = Field(default=None, ge=0.0, le=1.0, allow_inf_nan=False)
    """The share of the traces begun here that are sent; of one that a client began, the client decides. Without it
    `OTEL_TRACES_SAMPLER` says so, else all are sent."""
    conventions: Literal["stable", "development"] | None = None
    """Which names are sent: those that are settled, or also OpenTelemetry's for generative models (`gen_ai.*`), which are in
    development and may change with a version of this package. Without it `OTEL_SEMCONV_STABILITY_OPT_IN` says so
    (`gen_ai_latest_experimental`), else the settled ones alone."""
    content: bool = False
    """Whether the spans of checks have what passed: requests as they went on, and answers as they were let go. Needs
    `conventions: development`."""
    logs: bool = True
    """Whether the lines of the server's log (`logs`) go there too, apart from those of requests, which have spans."""

    @field_validator("endpoint")
    @classmethod
    def _is_usable(cls, endpoint: str | None) -> str | None:
        if endpoint is None:
            return None
        try:
            parts = urlsplit(endpoint)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError(f"must be a URL without a key, such as {EXAMPLE}")
        return endpoint

    @model_validator(mode="after")
    def _content_has_names(self) -> Self:
        if self.content and not self.sends_development:
            from guardrails.telemetry.conventions import CONTENT_NEEDS

            raise ValueError(CONTENT_NEEDS)
        return self

    @property
    def sends_development(self) -> bool:
        """Whether names that are in development are sent."""
        from guardrails.telemetry.conventions import is_development

        return is_development(self.conventions, os.environ)

    def build(self) -> ServerTelemetry:
        """Return what tells OpenTelemetry; raises `MissingExtra` where its SDK is not installed."""
        if not has_sdk():
            raise MissingExtra("telemetry", "otel")
        from guardrails.telemetry.providers import Exports
        from guardrails.telemetry.server import ServerTelemetry

        exports = Exports(self.endpoint, self.service_name, self.sample)
        return ServerTelemetry(
            exports, development=self.sends_development, content=self.content, logs=self.logs
        )


class TelemetrySettings(Protocol):
    """Settings with telemetry."""

    @property
    def telemetry(self) -> TelemetryDoc | None: ...


def has_sdk() -> bool:
    """Tell whether OpenTelemetry's SDK and its exporters are installed."""
    try:
        return all(find_spec(name) is not None for name in PACKAGES)
    except ModuleNotFoundError:  # not even what they lie in
        return False


def check_telemetry(doc: TelemetrySettings, marks: MarkSource, problems: Problems) -> None:
    """Keep that telemetry is wanted and cannot be had."""
    if doc.telemetry is not None and not has_sdk():
        told = str(MissingExtra("telemetry", "otel"))
        problems.add(marks.mark(("telemetry",)), "missing_extra", told, "install it, or take the setting out")
