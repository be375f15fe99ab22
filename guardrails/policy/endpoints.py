"""Reads the operator's endpoints from the YAML file that GUARDRAILS_ENDPOINTS names.

A policy names an endpoint and nothing of it, so that whoever edits policies neither sees keys nor chooses where texts are
sent to:

    endpoints:
      moderation: {url: https://api.openai.com/v1, key: {env: OPENAI_API_KEY}}
      vllm: {url: http://127.0.0.1:8000/v1, timeout_ms: 2000, retries: 0}
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pydantic import Field, model_validator

from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.config import Config
from guardrails.detectors.file_watch import note_file
from guardrails.errors import PolicyErrors
from guardrails.policy.loading.problems import Problems
from guardrails.policy.loading.source import read_yaml
from guardrails.remote.endpoint import Endpoint, SecretSource, is_usable
from guardrails.spelling import suggest_name

VARIABLE: Final = "GUARDRAILS_ENDPOINTS"
"""The environment's name for the file."""


class SecretDoc(Config):
    """Where a key is kept; never the key itself."""

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["OPENAI_API_KEY"])
    """A variable of the environment."""
    file: str | None = Field(default=None, min_length=1)
    """A file, relative to the folder of the endpoints' file."""

    @model_validator(mode="after")
    def _one(self) -> SecretDoc:
        if (self.env is None) == (self.file is None):
            raise ValueError("needs either 'env' or 'file'")
        return self


class BreakerDoc(Config):
    """When a service that fails is left alone for a while; meanwhile every request to it has failed at once."""

    failures: int = Field(default=5, ge=1, le=1_000)
    """Requests in a row that must fail, each after all its tries."""
    open_ms: int = Field(default=15_000, ge=1, le=600_000)
    """Milliseconds for which none is sent."""


class AwsDoc(Config):
    """Whom requests are signed for (Signature Version 4), with the credentials that AWS's own tools find."""

    region: str = Field(min_length=1, examples=["eu-central-1"])
    """The region, such as `eu-central-1`."""
    service: str = Field(default="bedrock", min_length=1)
    """The service's name in signatures."""


class EndpointDoc(Config):
    """A service, and how it is asked."""

    url: str = Field(examples=["http://127.0.0.1:8000/v1"])
    """The base of its URLs, with the version where the API has one there (`…/v1`)."""
    key: SecretDoc | None = None
    """The key that requests carry."""
    key_header: str = Field(default="authorization", pattern=r"^[A-Za-z0-9-]+$")
    """The header that it stands in: with `Bearer ` before it in `authorization`, plain in any other."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers, sent as they are."""
    timeout_ms: int = Field(default=4_000, ge=1, le=600_000)
    """Milliseconds that one try may take."""
    retries: int = Field(default=1, ge=0, le=10)
    """Tries more where the same request may yet succeed: a lost connection, 408, 429, 500, 502, 503, 504."""
    connections: int = Field(default=32, ge=1, le=4_096)
    """Requests at a time."""
    waiting: int = Field(default=256, ge=0, le=65_536)
    """Requests that wait for one of those to end; beyond them a request has failed at once."""
    breaker: BreakerDoc = BreakerDoc()
    """When it is left alone for a while."""
    aws: AwsDoc | None = None
    """For services of AWS without a key: whom requests are signed for."""

    @model_validator(mode="after")
    def _sound(self) -> EndpointDoc:
        if not is_usable(self.url):
            raise ValueError(
                "url must be one such as http://127.0.0.1:8000/v1: in ASCII, no name, query or fragment"
            )
        if self.key is not None and self.aws is not None:
            raise ValueError("has both 'key' and 'aws': requests carry a key, or are signed")
        bad = [name for name, value in self.headers.items() if not _is_header(name, value)]
        if bad:
            raise ValueError(f"header {bad[0]!r} is none that can be sent")
        return self


class EndpointsDoc(Config):
    """The whole file."""

    endpoints: dict[str, EndpointDoc]
    """Each endpoint by the name that policies use."""


def _is_header(name: str, value: str) -> bool:
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return plain and value.isascii() and value.isprintable()


def find_endpoint(name: str) -> Endpoint:
    """Return the endpoint of a name.

    Raises:
        ConfigProblems: there is none, or the file is wrong; at the field `endpoint`, or with the places in the file.
    """
    written = os.environ.get(VARIABLE)
    if not written:
        hint = f"the operator declares endpoints in a YAML file, and names it by {VARIABLE}"
        raise _problem(f"endpoint {name!r} is not declared: {VARIABLE} is not set", hint)
    path = Path(written)
    docs = _docs(path).endpoints
    if name not in docs:
        hint = suggest_name(name, sorted(docs)) or f"declare it in {path.name}"
        raise _problem(f"no endpoint {name!r} is declared in {path.name}", hint)
    return _endpoint(name, docs[name], path.absolute().parent)


def _docs(path: Path) -> EndpointsDoc:
    note_file(path)
    try:
        source = read_yaml(path.read_bytes(), str(path))
    except OSError as error:
        raise _problem(f"{VARIABLE}={path}: {error.strerror or error}", "") from error
    except PolicyErrors as error:
        raise _locate_error(error) from error
    problems = Problems(quotes=False)  # a key may have been written where none belongs
    problems.errors.extend(source.problems)
    found = problems.validate(EndpointsDoc, source.data, source, "the endpoints' file")
    if found is None or problems.errors:
        raise _locate_error(PolicyErrors(problems.errors))
    return found


def _endpoint(name: str, doc: EndpointDoc, folder: Path) -> Endpoint:
    key = doc.key
    file = None if key is None or key.file is None else folder / key.file
    return Endpoint(
        name=name,
        url=doc.url.rstrip("/"),
        key=None if key is None else SecretSource(key.env, file),
        key_header=doc.key_header,
        headers=tuple(sorted(doc.headers.items())),
        timeout_s=doc.timeout_ms / 1000.0,
        retries=doc.retries,
        connections=doc.connections,
        waiting=doc.waiting,
        failures=doc.breaker.failures,
        open_s=doc.breaker.open_ms / 1000.0,
        aws=None if doc.aws is None else (doc.aws.region, doc.aws.service),
    )


def _problem(message: str, hint: str) -> ConfigProblems:
    return ConfigProblems([ConfigProblem("unknown_endpoint", message, ("endpoint",), hint=hint)])


def _locate_error(error: PolicyErrors) -> ConfigProblems:
    return ConfigProblems(
        [
            ConfigProblem(each.code, each.message, hint=each.hint, place=(each.file, each.line, each.col))
            for each in error
        ]
    )
