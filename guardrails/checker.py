"""The checker: a compiled policy, and perhaps the operator's floor under it, that gives verdicts on contents of any form."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import SOURCES
from guardrails.engine.content.payload import Payload, removed_paths
from guardrails.engine.content.roles import ROLES
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.pipeline import Pipeline, today
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.canary import has_canary, plant_canary
from guardrails.engine.redaction.replacements import KEYED, uses_replacement
from guardrails.engine.redaction.vault import Vault, escape_placeholders
from guardrails.engine.tools.tool_calls import find_returned
from guardrails.keys import key
from guardrails.policy.compiled import CompiledPolicy
from guardrails.protocols.chat.chat_payload import read
from guardrails.types import Returned, Stage, Verdict

NOBODY: Mapping[str, Any] = {}


class Checker:
    """Judges contents and puts verdicts together. One serves any number of threads and loops.

    Args:
        policy: the policy.
        floor: the operator's, under which a verdict cannot fall.
        cache: of findings; shared with who gave it: another checker that judges the same contents.
        budget: what one check may hold at most, whatever the policy says.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        floor: CompiledPolicy | None = None,
        *,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.pipeline = Pipeline(policy, floor, cache, budget)
        self._plants = has_canary(self.pipeline.policies)
        if self.is_keyed or self._plants:
            key()  # a wrong one is an error now

    @property
    def budget(self) -> Budget:
        """What one check may hold at most."""
        return self.pipeline.budget

    @property
    def policy(self) -> CompiledPolicy:
        """The compiled policy."""
        return self.pipeline.policy

    @property
    def floor(self) -> CompiledPolicy | None:
        """The operator's floor, if there is one."""
        return next(iter(self.pipeline.policies[1:]), None)

    @property
    def is_keyed(self) -> bool:
        """Whether what is put in the place of values depends on a key (`with: hash`, `with: fake`)."""
        return any(uses_replacement(policy, KEYED) for policy in self.pipeline.policies)

    @property
    def parallel(self) -> bool:
        """Whether a request may be under way to the model while it is judged: the policy says so, and the floor too."""
        return all(policy.parallel for policy in self.pipeline.policies)

    def check(
        self,
        content: object,
        stage: str = "input",
        *,
        user: Mapping[str, Any] | None = None,
        tenant: str | None = None,
        client: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        complete: bool = False,
        after: Verdict | Vault | None = None,
        system: str = "",
        prompt: str = "",
        sources: str | Sequence[str] = "",
        heard: Sequence[Returned] = (),
    ) -> Verdict:
        """Judge a content and return the verdict; safe inside a running event loop, which it blocks.

        Args:
            content: a text, messages, a chat request or response, other JSON values, a picture (the bytes of its file, a
                path to it, a PIL picture, an array of pixels), or a content of `guardrails.types`. Messages and bodies
                say at which stage each part stands. What was read already (a `Payload`) is judged as it was read.
            stage: where a bare text or picture stands: `input`, `output`, `tool_definition`, `tool_call`,
                `tool_result` or `retrieval`.
            user: who asks (`request.user.*`), from your authentication, never from the client.
            tenant: for whom (`request.tenant`), from the same source.
            client: what the client says of itself (`request.client.*`); `language` chooses messages.
            metadata: free values (`request.metadata`).
            model: the model that is asked (`request.model`).
            complete: run every detector, also when a block is certain.
            after: the verdict of the prompt, where this is its reply, so that numbers (`with: vault`) go on from it and
                the reply is judged beside the system prompt and the message that it answers to.
            system: that system prompt, where there is no such verdict.
            prompt: that message, likewise.
            sources: the passages that were retrieved for it, likewise.
            heard: what tools returned before, oldest first, likewise; conditions on calls follow it (`tool.tainted`).

        Raises:
            TypeError: the content is of a type that cannot be checked.
            RequestError: the messages have no form that can be judged, or are more than the budget allows (its `code` is
                `request_too_large`).
            Overloaded: the workers are full.
        """
        at = Stage(stage)
        subject = self.read(content, at, after, system, prompt, sources)
        request = build_request(
            subject,
            user=user,
            tenant=tenant,
            client=client,
            metadata=metadata,
            model=model,
            after=after,
            heard=heard,
        )
        outcome = self.pipeline.check(subject.tree, request, complete=complete)
        return self.verdict(subject, outcome, at, request.vault, request.heard)

    async def acheck(
        self,
        content: object,
        stage: str = "input",
        *,
        user: Mapping[str, Any] | None = None,
        tenant: str | None = None,
        client: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        complete: bool = False,
        after: Verdict | Vault | None = None,
        system: str = "",
        prompt: str = "",
        sources: str | Sequence[str] = "",
        heard: Sequence[Returned] = (),
    ) -> Verdict:
        """The twin of `check` that does not block the event loop."""
        at = Stage(stage)
        subject = self.read(content, at, after, system, prompt, sources)
        request = build_request(
            subject,
            user=user,
            tenant=tenant,
            client=client,
            metadata=metadata,
            model=model,
            after=after,
            heard=heard,
        )
        outcome = await self.pipeline.acheck(subject.tree, request, complete=complete)
        return self.verdict(subject, outcome, at, request.vault, request.heard)

    @staticmethod
    def read(
        content: object,
        stage: Stage,
        after: Verdict | Vault | None,
        system: str,
        prompt: str,
        sources: str | Sequence[str],
    ) -> Payload:
        """Return a content as leaves, with what a reply in it is judged beside; the arguments are those of `check`."""
        if isinstance(content, Payload):
            subject = content
        else:
            subject = read(
                content if after is None else escape_earlier_placeholders(content, stage, after), stage
            )
        if isinstance(after, Verdict):
            system, prompt, sources = system or after.system, prompt or after.prompt, sources or after.sources
        passages = sources if isinstance(sources, str) else SOURCES.join(sources)
        subject.tree.beside(system, prompt, passages)
        return subject

    def verdict(
        self,
        subject: Payload,
        outcome: Outcome,
        stage: Stage,
        before: Vault | None = None,
        heard: tuple[Returned, ...] = (),
    ) -> Verdict:
        """Put the verdict together from an outcome; `before` is what earlier checks of the call handed out, `heard` what tools
        returned before.
        """
        content = subject.apply(outcome)
        system = subject.tree.system() if stage is Stage.INPUT and subject.tree.roles else ""
        return Verdict(
            id="vd_" + os.urandom(12).hex(),
            action=outcome.action,
            stage=stage,
            policy=self.pipeline.policy.ref,
            content=plant_canary(content, system) if self._plants and system else content,
            complete=outcome.complete,
            rules=outcome.rules,
            shadow=outcome.shadow,
            findings=outcome.findings,
            coverage=outcome.coverage,
            errors=outcome.errors,
            removed=removed_paths(subject.tree, outcome) if outcome.removed else (),
            timings_ms=outcome.timings,
            restorer=outcome.vault or before,
            system=system,
            prompt=subject.tree.prompt() if stage is Stage.INPUT else "",
            sources=subject.tree.sources() if stage is not Stage.OUTPUT else "",
            heard=(*heard, *(each for _, each in find_returned(subject.tree.leaves)))
            if self.pipeline.follows
            else (),
        )


def escape_earlier_placeholders(content: object, stage: Stage, after: Verdict | Vault) -> object:
    """Return a content in which nobody but a model can name what the check before it handed out."""
    before = vault_of(after)
    return content if before is None or ROLES[stage] == "assistant" else escape_placeholders(content, before)


def vault_of(after: Verdict | Vault | None) -> Vault | None:
    """Return what was handed out before."""
    before = after.restorer if isinstance(after, Verdict) else after
    return before if isinstance(before, Vault) else None


def build_request(
    subject: Payload,
    *,
    user: Mapping[str, Any] | None,
    tenant: str | None,
    client: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None,
    model: str | None,
    after: Verdict | Vault | None,
    heard: Sequence[Returned] = (),
) -> Request:
    """Return who asks and for what, as conditions read it, and what was handed out before."""
    return Request(
        user=user or NOBODY,
        tenant=tenant,
        client=client or NOBODY,
        metadata=metadata,
        model=model,
        turns=subject.tree.turns,
        today=today(),
        vault=vault_of(after),
        heard=tuple(heard) or (after.heard if isinstance(after, Verdict) else ()),
    )
