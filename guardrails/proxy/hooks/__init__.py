"""Hooks for other gateways: what they ask in, what they understand out. `HOOKS` is the table; a new one is a file and a row.

`hook.serve` is the one path of all: read the pieces, judge each, write what became of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response
from starlette.routing import compile_path

from guardrails.proxy.hooks import agentgateway, azure, bedrock, fms, litellm, perspective, portkey
from guardrails.proxy.hooks.hook import Hook
from guardrails.proxy.server import errors

HOOKS: Mapping[str, Hook] = {
    hook.name: hook
    for hook in (
        litellm.HOOK,
        portkey.HOOK,
        *agentgateway.HOOKS,
        *fms.HOOKS,
        bedrock.HOOK,
        *azure.HOOKS,
        perspective.HOOK,
    )
}
"""Name → the hook."""

PATTERNS = tuple((compile_path(hook.path)[0], hook) for hook in HOOKS.values())


def respond(error: Exception, headers: Mapping[str, str] | None = None, path: str = "") -> Response:
    """Answer an exception as the protocol at a path has it."""
    for pattern, hook in PATTERNS:
        if pattern.match(path):
            return hook.failed(errors.explain(error)).response(headers or {})
    return errors.respond(error, headers, path)
