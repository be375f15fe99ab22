"""The guard: a policy around contents and calls. Where input check, call and output check meet."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from guardrails.detectors.file_watch import Stamp, record_files
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import SOURCES
from guardrails.engine.content.payload import Subject, read, removed_paths
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.outcome import Outcome
from guardrails.engine.core.pipeline import Pipeline, today
from guardrails.engine.core.rule_evaluation import ROLES, Request
from guardrails.engine.media.fragmented_video import held
from guardrails.engine.redaction.canary import planted, plants
from guardrails.engine.redaction.replacements import KEYED, uses
from guardrails.engine.redaction.vault import Vault, told_apart
from guardrails.engine.tools.tool_calls import returned
from guardrails.keys import key
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.types import Returned, Stage, Verdict
from guardrails.wrapping.text_stream import Stream, begun

if TYPE_CHECKING:
    from guardrails.detectors import Kind

T = TypeVar("T")
NOBODY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Origin:
    """What a guard was loaded from: the arguments of `Guard.load`, and each file of it as it was."""

    policy: str | Path
    floor: str | Path | None
    detectors: Mapping[str, Kind] | None
    files: Mapping[Path, Stamp] = field(repr=False)


class Guard:
    """A compiled policy ready to check contents and to wrap calls. One guard serves any number of threads and
    loops. A `cache` of findings that is given is shared with who gave it: another guard that judges the same contents.
    The `budget` is what one check may hold at most, whatever the policy says.
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
        self.origin: Origin | None = None
        self._plants = plants(self.pipeline.policies)
        if self.is_keyed or self._plants:
            key()  # a wrong one is an error now

    @classmethod
    def load(
        cls,
        policy: str | Path = "default",
        *,
        floor: str | Path | None = None,
        detectors: Mapping[str, Kind] | None = None,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
    ) -> Guard:
        """Load and compile a policy: a shipped one by name, any other by path.

        Args:
            policy: a shipped one (`default`, `strict`, ...; `policies/README.md` lists them), or the path of a YAML file.
            floor: a policy of the operator's, under which the verdict cannot fall.
            detectors: kinds of detectors of your own, by the name that `use:` gives them.
            cache: that of another guard, to share what is found with it.
            budget: what one check may hold at most; by default what `Budget()` says.

        Raises:
            PolicyErrors: everything that is wrong, each problem with file, line and column.
            GuardrailsError: the key of redactions in the environment is too short.
        """
        with record_files() as files:
            compiled = compile_policy(load(policy, detectors))
            under = None if floor is None else compile_policy(load(floor, detectors))
            guard = cls(compiled, under, cache=cache, budget=budget)
        guard.origin = Origin(policy, floor, detectors, files)
        return guard

    def again(self) -> Guard:
        """Load the same policy anew, from what its files are by now; the guard itself where it came from none."""
        origin = self.origin
        if origin is None:
            return self
        return type(self).load(
            origin.policy, floor=origin.floor, detectors=origin.detectors, budget=self.budget
        )

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
        return any(uses(policy, KEYED) for policy in self.pipeline.policies)

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
                say at which stage each part stands. What was read already (a `Subject`) is judged as it was read.
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
        subject = self._read(content, at, after, system, prompt, sources)
        request = who(
            subject,
            user=user,
            tenant=tenant,
            client=client,
            metadata=metadata,
            model=model,
            after=after,
            heard=heard,
        )
        outcome = self.pipeline.check(subject.leaves, request, complete=complete)
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
        subject = self._read(content, at, after, system, prompt, sources)
        request = who(
            subject,
            user=user,
            tenant=tenant,
            client=client,
            metadata=metadata,
            model=model,
            after=after,
            heard=heard,
        )
        outcome = await self.pipeline.acheck(subject.leaves, request, complete=complete)
        return self.verdict(subject, outcome, at, request.vault, request.heard)

    @staticmethod
    def _read(
        content: object,
        stage: Stage,
        after: Verdict | Vault | None,
        system: str,
        prompt: str,
        sources: str | Sequence[str],
    ) -> Subject:
        if isinstance(content, Subject):
            subject = content
        else:
            subject = read(content if after is None else following(content, stage, after), stage)
        if isinstance(after, Verdict):
            system, prompt, sources = system or after.system, prompt or after.prompt, sources or after.sources
        passages = sources if isinstance(sources, str) else SOURCES.join(sources)
        subject.leaves.beside(system, prompt, passages)
        return subject

    def verdict(
        self,
        subject: Subject,
        outcome: Outcome,
        stage: Stage,
        before: Vault | None = None,
        heard: tuple[Returned, ...] = (),
    ) -> Verdict:
        """Put the verdict together from an outcome; `before` is what earlier checks of the call handed out, `heard` what tools
        returned before.
        """
        content = subject.apply(outcome)
        system = subject.leaves.system() if stage is Stage.INPUT and subject.leaves.roles else ""
        return Verdict(
            id="vd_" + os.urandom(12).hex(),
            action=outcome.action,
            stage=stage,
            policy=self.pipeline.policy.ref,
            content=planted(content, system) if self._plants and system else content,
            complete=outcome.complete,
            rules=outcome.rules,
            shadow=outcome.shadow,
            findings=outcome.findings,
            coverage=outcome.coverage,
            errors=outcome.errors,
            removed=removed_paths(subject.leaves, outcome) if outcome.removed else (),
            timings_ms=outcome.timings,
            restorer=outcome.vault or before,
            system=system,
            prompt=subject.leaves.prompt() if stage is Stage.INPUT else "",
            sources=subject.leaves.sources() if stage is not Stage.OUTPUT else "",
            heard=(*heard, *(each for _, each in returned(subject.leaves.found)))
            if self.pipeline.follows
            else (),
        )

    def wrap(self, function: T, *, on_block: str = "raise", **options: Any) -> T:
        """Return the function (or the client of a model) with its texts checked before, and what it returns checked after;
        see `wrap.wrap`.
        """
        from guardrails.wrapping.functions import wrap

        return wrap(self, function, on_block=on_block, **options)

    def stream(
        self,
        stage: str = "output",
        *,
        user: Mapping[str, Any] | None = None,
        tenant: str | None = None,
        client: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        model: str | None = None,
        after: Verdict | Vault | None = None,
        system: str = "",
        prompt: str = "",
        sources: str | Sequence[str] = "",
        heard: Sequence[Returned] = (),
    ) -> Stream:
        """Return a filter for one streamed text: `.feed(delta) -> str`, `.flush() -> str`, `.verdict` (`streamed.Stream`).

        What it returns is at each time the beginning of what `check` would leave of the whole text, or of what stands before
        that by which it is stopped. The arguments are those of `check`.

        Raises:
            ValueError: see `streamed.begun`.
        """
        at = Stage(stage)
        subject = self._read("", at, after, system, prompt, sources)
        request = who(
            subject,
            user=user,
            tenant=tenant,
            client=client,
            metadata=metadata,
            model=model,
            after=after,
            heard=heard,
        )
        if isinstance(after, Verdict):
            system, prompt, sources = system or after.system, prompt or after.prompt, sources or after.sources
        passages = sources if isinstance(sources, str) else SOURCES.join(sources)
        return begun(self, stage, request, (system, prompt, passages))

    def held(self, stage: str = "output") -> Mapping[str, str]:
        """Return the rules for which nothing of a streamed text goes out before its end, each with the reason; none: texts
        go out as they are judged.
        """
        return dict(self.pipeline.gate((Stage(stage),)).whole)

    def held_films(self, stage: str = "output") -> Mapping[str, str]:
        """Return the rules and detectors for which nothing of a film in fragments goes out before its end, each with the reason;
        none: its fragments go out as they are judged.
        """
        return held(self.pipeline.policies, (Stage(stage),))


def following(content: object, stage: Stage, after: Verdict | Vault) -> object:
    """Return a content in which nobody but a model can name what the check before it handed out."""
    before = vault_of(after)
    return content if before is None or ROLES[stage] == "assistant" else told_apart(content, before)


def vault_of(after: Verdict | Vault | None) -> Vault | None:
    """Return what was handed out before."""
    before = after.restorer if isinstance(after, Verdict) else after
    return before if isinstance(before, Vault) else None


def who(
    subject: Subject,
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
        turns=subject.leaves.turns,
        today=today(),
        vault=vault_of(after),
        heard=tuple(heard) or (after.heard if isinstance(after, Verdict) else ()),
    )
