"""Clients of moderation services, one a file: how each is asked and its answers are read.

* `Service`: what one needs, tells and reads; each file has its own as `SERVICE`.
* `SERVICES`: the table of them, by the name in `service:`.

Adding a service takes one file, one line in the table, one word in `config.py`, and a twin test file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from guardrails.detectors import ConfigProblem
from guardrails.detectors.llm.llm_detector import RemoteJudge
from guardrails.remote.endpoint import Endpoint

if TYPE_CHECKING:
    from guardrails.detectors.services.config import RemoteConfig
    from guardrails.detectors.services.labels import ServiceLabels

TEXTS: Final = frozenset({"text"})
BOTH: Final = frozenset({"text", "image"})

SERVICES: Final[Mapping[str, str]] = {
    "openai": "guardrails.detectors.services.openai",
    "azure": "guardrails.detectors.services.azure",
    "azure_shield": "guardrails.detectors.services.azure_shield",
    "bedrock": "guardrails.detectors.services.bedrock",
    "guardrails": "guardrails.detectors.services.guardrails",
    "http": "guardrails.detectors.services.http",
}
"""Name in `service:` → the module whose `SERVICE` describes it."""

JudgeFactory = Callable[["RemoteConfig", Endpoint, "ServiceLabels"], RemoteJudge]
Check = Callable[["RemoteConfig", Endpoint], list[ConfigProblem]]


def _nothing(_config: RemoteConfig, _endpoint: Endpoint) -> list[ConfigProblem]:
    return []


def _no_more(_config: RemoteConfig) -> frozenset[str]:
    return frozenset()


def _texts(_config: RemoteConfig) -> frozenset[str]:
    return TEXTS


@dataclass(frozen=True, slots=True)
class Service:
    """A service. `labels` are its names → our categories; `also` are categories that it may give besides; under the
    roots of `opens` a policy may name leaves of its own.

    `size` are the characters of a piece; `fields` of the configuration are its own, of which `needs` cannot be left out;
    `contents` says what it reads, `unseen` are the categories that it does not judge in pictures; `problems` is what is wrong
    with a configuration beyond that.
    """

    labels: Mapping[str, str]
    judge: JudgeFactory
    size: int
    also: Callable[[RemoteConfig], frozenset[str]] = _no_more
    opens: tuple[str, ...] = ()
    fields: frozenset[str] = frozenset()
    needs: str | None = None
    contents: Callable[[RemoteConfig], frozenset[str]] = _texts
    unseen: frozenset[str] = frozenset()
    problems: Check = _nothing


def find_service(name: str) -> Service:
    """Return a service of the table."""
    found = import_module(SERVICES[name]).SERVICE
    assert isinstance(found, Service)
    return found
