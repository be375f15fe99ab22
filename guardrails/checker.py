"""The checker: a compiled policy, and perhaps the operator's floor under it, that gives verdicts on contents of any form."""

from __future__ import annotations

import copy
import inspect
import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Self, TypeVar, Unpack, cast

from guardrails.context import (
    CallerOptions,
    Context,
    ContextOptions,
    describe_type,
    fill_caller,
    read_context,
)
from guardrails.engine.content.application_text import ApplicationTexts
from guardrails.engine.content.budget import Budget
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload, removed_paths
from guardrails.engine.content.places import ROLES
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.pipeline import NO_TEXTS, Pipeline
from guardrails.engine.loop_calls import call_on_loop
from guardrails.engine.model import Outcome, Request
from guardrails.engine.redaction.canary import has_canary, plant_canary
from guardrails.engine.redaction.vault import Vault, escape_placeholders
from guardrails.engine.tools.tool_calls import find_returned
from guardrails.errors import GuardUnavailable
from guardrails.keys import key
from guardrails.policy.compiled import CompiledPolicy
from guardrails.protocols.chat.chat_payload import read
from guardrails.sinks.delivery import VerdictSinks
from guardrails.sinks.verdict_records import log_verdict, note_verdict
from guardrails.types import Action, ContentLayout, Returned, Stage, StageName, Unavailable, Verdict
from guardrails.verdicts.ordered_ids import make_verdict_id

if TYPE_CHECKING:
    from guardrails.records.decision_log import DecisionLog
    from guardrails.records.detection.detection_profile import DetectionProfile
    from guardrails.telemetry.check_spans import CheckTelemetry

LOG = logging.getLogger("guardrails")

T = TypeVar("T")

OnVerdict = Callable[[Verdict], object]
"""What is called with every verdict; what it returns is not looked at."""


class Checker:
    """Judges contents and puts verdicts together. One serves any number of threads and loops.

    Args:
        policy: the policy.
        floor: the operator's, under which a verdict cannot fall.
        cache: of findings; shared with who gave it: another checker that judges the same contents.
        budget: what one check may hold at most, whatever the policy says.
        on_verdict: is called with every verdict, in the thread that asked for it; see `report`.
        application_text: the texts that are the application's own.

    Attributes:
        sinks: where every verdict goes besides; None: nowhere.
        records: what puts every verdict on record before anybody has it; None: nothing does.
        telemetry: what tells OpenTelemetry of every verdict; None: nothing does.
        caller: who asks, where a check does not say so (`Guard.with_context`).
        logs: whether verdicts are logged.
    """

    def __init__(
        self,
        policy: CompiledPolicy,
        floor: CompiledPolicy | None = None,
        *,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
        on_verdict: OnVerdict | None = None,
        application_text: ApplicationTexts = NO_TEXTS,
    ) -> None:
        if on_verdict is not None and (not callable(on_verdict) or _is_async(on_verdict)):
            kind = "an async function" if callable(on_verdict) else describe_type(on_verdict)
            raise TypeError(
                f"on_verdict must be a function that is not async, not {kind}: nothing waits for it"
            )
        self.on_verdict = on_verdict
        self.sinks: VerdictSinks | None = None
        self.records: DecisionLog | None = None
        self.telemetry: CheckTelemetry | None = None
        self.caller: CallerOptions = {}
        self.logs = True
        self._known_as = object()  # by lists of verdicts, as what is made of it is
        self.pipeline = Pipeline(policy, floor, cache, budget, application_text=application_text)
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
        return self.pipeline.floor

    @cached_property
    def detection(self) -> DetectionProfile:
        """What the policies look for, as records have it."""
        from guardrails.records.detection.detection_profile import make_profile

        return make_profile(self.pipeline.policies, self.floor)

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
        content: T,
        stage: StageName = "input",
        *,
        complete: bool = False,
        **options: Unpack[ContextOptions],
    ) -> Verdict[T]:
        """Judge a content and return the verdict; safe inside a running event loop, which it blocks.

        Args:
            content: a text, messages, a chat request or response, a picture (the bytes of its file, a path to it, a PIL
                picture, an array of pixels), a content of `guardrails.types`, or any value that such things stand in: lists,
                mappings, sets, dataclasses, models of pydantic, arrays, tables. Messages and bodies say at which stage each part
                stands. What was read already (a `Payload`) is judged as it was read.
            stage: where a bare text or picture stands: `input`, `output`, `tool_definition`, `tool_call`,
                `tool_result` or `retrieval`.
            complete: run every detector, also when a block is certain.
            options: who asks and for what, and what the content is judged beside: the fields of `context.Context`.

        Returns:
            the verdict; its content is of the type that was given, but for the picture, film or sound at a path or in an open
            file: what is redacted of it comes back as bytes.

        Raises:
            TypeError: the content is of a type that cannot be checked, or there is no such option or value of it.
            ValueError: there is no such stage.
            RequestError: the messages have no form that can be judged, or are more than the budget allows (its `code` is
                `request_too_large`).
            GuardUnavailable: the workers are full. What could not be judged for other reasons is a verdict with `unavailable`.
        """
        at, context = Stage(stage), self.fill(read_context("check", options, "stage", "complete"))
        subject = self.read(content, at, context)
        request = context.request(subject.tree.turns)
        try:
            outcome = self.pipeline.check(subject.tree, request, complete=complete)
        except GuardUnavailable as error:
            raise self.refuse(error, at, request) from None
        return cast("Verdict[T]", self.verdict(subject, outcome, at, request.vault, request.heard, request))

    async def acheck(
        self,
        content: T,
        stage: StageName = "input",
        *,
        complete: bool = False,
        **options: Unpack[ContextOptions],
    ) -> Verdict[T]:
        """The twin of `check` that does not block the event loop."""
        at, context = Stage(stage), self.fill(read_context("acheck", options, "stage", "complete"))
        subject = self.read(content, at, context)
        request = context.request(subject.tree.turns)

        def make(outcome: Outcome) -> Verdict:
            return self._build_verdict(subject, outcome, at, request.vault, request.heard)

        try:
            verdict = await self.pipeline.acheck(subject.tree, request, make, complete=complete)
        except GuardUnavailable as error:
            raise self.refuse(error, at, request) from None
        return cast("Verdict[T]", self._publish(verdict, request, subject))

    def with_policy(self, beside: CompiledPolicy) -> Self:
        """Return one that judges by another policy besides, whose verdicts go where its own go."""
        copied = copy.copy(self)
        pipeline = self.pipeline
        copied.pipeline = Pipeline(
            pipeline.policy,
            pipeline.floor,
            pipeline.cache,
            pipeline.budget,
            beside,
            pipeline.application_text,
        )
        copied.__dict__.pop("detection", None)
        return copied

    def without_reports(self) -> Self:
        """Return one that judges the same, of whose verdicts nobody is told: for checks that no user asked for."""
        quiet = copy.copy(self)
        quiet.on_verdict = quiet.sinks = quiet.records = quiet.telemetry = None
        quiet.logs = False
        return quiet

    def fill(self, context: Context) -> Context:
        """Return a context with who asks, as far as it does not say so itself: as the guard says, or the block around."""
        return fill_caller(context, self.caller)

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
        who: Request | None = None,
    ) -> Verdict:
        """Put the verdict together from an outcome, and report it; `before` is what earlier checks of the call handed out,
        `heard` what tools returned before, `who` asked, for the record.
        """
        return self._publish(self._build_verdict(subject, outcome, stage, before, heard), who, subject)

    def _build_verdict(
        self,
        subject: Payload,
        outcome: Outcome,
        stage: Stage,
        before: Vault | None,
        heard: tuple[Returned, ...],
    ) -> Verdict:
        content, tree = subject.apply(outcome), subject.tree
        system = prompt = sources = ""
        if stage is not Stage.OUTPUT:
            system, prompt, sources = tree.conversation()
        if stage is not Stage.INPUT:
            system = prompt = ""
        elif not tree.roles:
            system = ""
        return Verdict(
            id=make_verdict_id(),
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
            removed=removed_paths(tree, outcome) if outcome.removed else (),
            timings_ms=outcome.timings,
            rule_timings_ms=outcome.rule_timings,
            restorer=outcome.vault or before,
            system=system,
            prompt=prompt,
            sources=sources,
            heard=(*heard, *(each for _, each in find_returned(tree.leaves)))
            if self.pipeline.follows
            else (),
            format_failures=outcome.format_failures,
            unavailable=outcome.unavailable,
            language=outcome.language,
            layout=None if self.records is None else _find_layout(tree),
        )

    def refuse(self, error: GuardUnavailable, stage: Stage, who: Request | None = None) -> GuardUnavailable:
        """Return the exception for a check that was refused before it began, with a verdict that is reported as any other."""
        if not error.is_refusal:
            return error
        verdict: Verdict = Verdict(
            id=make_verdict_id(),
            action=Action.BLOCK,
            stage=stage,
            policy=self.pipeline.policy.ref,
            content=None,
            complete=False,
            timings_ms={"total": 0.0},
            unavailable=Unavailable(error.reason),
        )
        return error.with_verdict(self._publish(verdict, who))

    def _publish(self, verdict: Verdict, who: Request | None, subject: Payload | None = None) -> Verdict:
        """Report a verdict to whoever asked to be told, and return it: as unavailable where it must be on record and is not.
        `subject` is what was judged, which its record may keep.
        """
        keeps = self.policy.keeps_content
        kept = subject if keeps is True or (keeps and verdict.action is not Action.ALLOW) else None
        if self.records is not None and not self.records.append(verdict, who, self.detection, content=kept):
            verdict = replace(verdict, action=Action.BLOCK, content=None, unavailable=Unavailable("service"))
        if self.telemetry is not None:
            self.telemetry.record(verdict)
        if self.logs and (verdict.action is not Action.ALLOW or verdict.errors):
            log_verdict(verdict)
        note_verdict(self._known_as, verdict)
        if self.on_verdict is not None:
            call_on_loop(partial(self.report, verdict, self.on_verdict))
        if self.sinks is not None:
            self.sinks.put(verdict)
        return verdict

    @staticmethod
    def report(verdict: Verdict, on_verdict: OnVerdict) -> None:
        """Call a function with a verdict; an exception of it is logged, without its message, which may quote the content.

        It cannot change what becomes of the content: lists and mappings that it gets are copies. An exception that is meant to
        end the program, such as `KeyboardInterrupt`, passes, and nothing is handed on.
        """
        try:
            if isinstance(verdict.content, list | tuple | dict):
                verdict = replace(verdict, content=copy.deepcopy(verdict.content))
            on_verdict(verdict)
        except Exception as error:
            where = "".join(traceback.format_tb(error.__traceback__)[1:])
            LOG.error("on_verdict raised %s; verdict %s stands\n%s", type(error).__name__, verdict.id, where)


def _find_layout(tree: ContentTree) -> ContentLayout:
    """Return how the contents of a tree lie."""
    places = (leaf.content.place for leaf in tree.leaves)
    return ContentLayout(
        tuple(dict.fromkeys((place.stage, *place.also) for place in places)), tree.current_from
    )


def _is_async(function: Callable[..., object]) -> bool:
    called = getattr(function, "__call__", None)  # noqa: B004 - an object may have an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def escape_earlier_placeholders(content: object, stage: Stage, vault: Vault | None) -> object:
    """Return a content in which nobody but a model can name what the check before it handed out."""
    return content if vault is None or ROLES[stage] == "assistant" else escape_placeholders(content, vault)
