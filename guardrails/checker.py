"""The checker: a compiled policy, and perhaps the operator's floor under it, that gives verdicts on contents of any form."""

from __future__ import annotations

import os
from typing import Unpack

from guardrails.context import NO_CONTEXT, Context, ContextOptions
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.payload import Payload, removed_paths
from guardrails.engine.content.roles import ROLES
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.pipeline import Pipeline
from guardrails.engine.model import Outcome
from guardrails.engine.redaction.canary import has_canary, plant_canary
from guardrails.engine.redaction.vault import Vault, escape_placeholders
from guardrails.engine.tools.tool_calls import find_returned
from guardrails.keys import key
from guardrails.policy.compiled import CompiledPolicy
from guardrails.protocols.chat.chat_payload import read
from guardrails.types import Returned, Stage, Verdict


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
        rules = (rule for policy in self.pipeline.policies for rule in policy.rules)
        return any(rule.redact and rule.replacement.keyed for rule in rules)

    @property
    def parallel(self) -> bool:
        """Whether a request may be under way to the model while it is judged: the policy says so, and the floor too."""
        return all(policy.parallel for policy in self.pipeline.policies)

    def check(
        self,
        content: object,
        stage: str = "input",
        *,
        complete: bool = False,
        **options: Unpack[ContextOptions],
    ) -> Verdict:
        """Judge a content and return the verdict; safe inside a running event loop, which it blocks.

        Args:
            content: a text, messages, a chat request or response, other JSON values, a picture (the bytes of its file, a
                path to it, a PIL picture, an array of pixels), or a content of `guardrails.types`. Messages and bodies
                say at which stage each part stands. What was read already (a `Payload`) is judged as it was read.
            stage: where a bare text or picture stands: `input`, `output`, `tool_definition`, `tool_call`,
                `tool_result` or `retrieval`.
            complete: run every detector, also when a block is certain.
            options: who asks and for what, and what the content is judged beside: the fields of `context.Context`.

        Raises:
            TypeError: the content is of a type that cannot be checked.
            RequestError: the messages have no form that can be judged, or are more than the budget allows (its `code` is
                `request_too_large`).
            Overloaded: the workers are full.
        """
        at, context = Stage(stage), Context(**options) if options else NO_CONTEXT
        subject = self.read(content, at, context)
        request = context.request(subject.tree.turns)
        outcome = self.pipeline.check(subject.tree, request, complete=complete)
        return self.verdict(subject, outcome, at, request.vault, request.heard)

    async def acheck(
        self,
        content: object,
        stage: str = "input",
        *,
        complete: bool = False,
        **options: Unpack[ContextOptions],
    ) -> Verdict:
        """The twin of `check` that does not block the event loop."""
        at, context = Stage(stage), Context(**options) if options else NO_CONTEXT
        subject = self.read(content, at, context)
        request = context.request(subject.tree.turns)
        outcome = await self.pipeline.acheck(subject.tree, request, complete=complete)
        return self.verdict(subject, outcome, at, request.vault, request.heard)

    @staticmethod
    def read(content: object, stage: Stage, context: Context) -> Payload:
        """Return a content with its contents, and what a reply in it is judged beside; raises as `check` does."""
        if isinstance(content, Payload):
            subject = content
        else:
            subject = read(escape_earlier_placeholders(content, stage, context.vault), stage)
        subject.tree.beside(*context.beside())
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


def escape_earlier_placeholders(content: object, stage: Stage, vault: Vault | None) -> object:
    """Return a content in which nobody but a model can name what the check before it handed out."""
    return content if vault is None or ROLES[stage] == "assistant" else escape_placeholders(content, vault)
