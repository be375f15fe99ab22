"""The checks of one request in, the headers that tell of them on its answer out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from guardrails.types import Action, Mode, PolicyRef, UnavailableReason, Verdict
from guardrails.verdicts.unavailable import most_lasting

PLAIN: Final = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""ASCII that stands in a header as it is, beside letters and digits; all else, and %, is written as in a URL."""


@lru_cache(maxsize=64)
def policy_header(policy: PolicyRef) -> str:
    """Return a policy as a header names it."""
    return f"{quote(policy.name)}@{quote(policy.version)};{policy.digest}"


class JsonResponse(Response):
    """An answer of JSON that is there as a whole. Its head is written in half the time that Starlette takes, which asks of each
    header whether it is one that it would add itself.

    Args:
        body: the JSON.
        status: of HTTP.
        headers: all but length and type, with names in small letters.
    """

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        self.status_code, self.body, self.background = status, body, None
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.raw_headers = [
            *raw,
            (b"content-length", b"%d" % len(body)),
            (b"content-type", b"application/json"),
        ]


class Report:
    """What the checks of one request found; its headers stand on the answer."""

    def __init__(self, policy: PolicyRef) -> None:
        self._policy = policy
        self.action = Action.ALLOW
        """The strictest action."""
        self.verdicts: list[Verdict] = []
        self.rejected: list[Verdict] = []
        """Those on answers in place of which the model was asked again."""

    def add(self, verdict: Verdict) -> None:
        """Add a check."""
        self.verdicts.append(verdict)
        if verdict.action is not Action.ALLOW:
            self.action = max(self.action, verdict.action)

    def reject(self) -> None:
        """Take the last check for one of an answer that does not go on."""
        self.rejected.append(self.verdicts.pop())
        self.action = max((verdict.action for verdict in self.verdicts), default=Action.ALLOW)

    @property
    def count(self) -> int:
        """How many checks were added so far: the headers stay as they are while it does."""
        return len(self.verdicts) + 2 * len(self.rejected)

    def headers(self) -> dict[str, str]:
        """Return the headers."""
        rules: dict[str, None] = {}
        notices: dict[str, None] = {}
        reasons: list[UnavailableReason] = []
        is_degraded = False
        for verdict in self.verdicts:
            for rule in verdict.rules:
                rules[rule.id] = None
                if rule.message and rule.action is Action.FLAG and rule.mode is Mode.ENFORCE:
                    notices[rule.message] = None
            if verdict.unavailable is not None:
                reasons.append(verdict.unavailable.reason)
            if verdict.errors:
                is_degraded = True
        headers = {
            "x-guardrails-action": str(self.action),
            "x-guardrails-rules": ",".join(rules),
            "x-guardrails-policy": policy_header(self._policy),
            "x-guardrails-verdict-id": ",".join([each.id for each in (*self.rejected, *self.verdicts)]),
        }
        if notices:
            headers["x-guardrails-notice"] = quote(" ".join(notices), safe=PLAIN)
        if reasons:
            headers["x-guardrails-unavailable"] = most_lasting(reasons)
        if is_degraded:
            headers["x-guardrails-degraded"] = "true"
        return headers
