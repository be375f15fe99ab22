"""Asks the upstream again where an answer is not in the format that a rule wants."""

from __future__ import annotations

from dataclasses import replace

from guardrails.engine.content import payload
from guardrails.errors import block_error
from guardrails.protocols.reasks import Reask
from guardrails.proxy.exchange.answer import Call, record_verdict
from guardrails.types import Stage
from guardrails.wire import strict_json


async def ask_again(call: Call, reask: Reask) -> Call:
    """Return the request that goes on with what the model answered, and with what is wrong with that, once it was judged.

    Args:
        call: the request whose answer was rejected.
        reask: what the model is asked again with.

    Raises:
        Blocked: the policy stops it.
    """
    given, protocol, state = call.given, call.protocol, call.state
    assert given is not None
    assert protocol.append_reask is not None
    call.report.reject()
    state.metrics.count("guardrails_reasks_total", api=protocol.name)
    body = protocol.append_reask(given.body, reask.answer, reask.words)
    tree = call.endpoint.read_request(body)
    who = replace(given.who, turns=tree.turns)
    asked = payload.body(body, tree, protocol.edit_request)
    settled = call.asides.settled("input")
    verdict, outcome = await state.judge(asked, who, Stage.INPUT, complete=bool(call.asides), settled=settled)
    record_verdict(call.http, call.report, verdict)
    call.asides.saw("input", verdict, tree, outcome)
    if verdict.unavailable is not None:
        raise call.unavailable(verdict)
    if verdict.blocked:
        raise block_error(verdict)
    system, prompt, sources = tree.conversation()
    return replace(
        call,
        raw=await state.run_by_size(strict_json.weigh(call.raw), lambda: call.dump(verdict.content)),
        early=None,
        who=replace(who, vault=outcome.vault or who.vault, heard=verdict.heard),
        system=system,
        prompt=prompt,
        sources=sources,
        given=replace(given, body=body, reasked=given.reasked + 1),
    )
