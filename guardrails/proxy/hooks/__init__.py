"""Hooks for other gateways, which ask this server in their own protocols. `HOOKS` is the table; a new one is a file and a row.

`hook.serve_hook` is the one path of all: read the pieces, judge each, write what became of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.proxy.hooks import agentgateway, azure, bedrock, fms, litellm, perspective, portkey
from guardrails.proxy.hooks.hook import Hook

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
