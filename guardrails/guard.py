"""The guard: a policy around contents and calls. Where input check, call and output check meet."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, Unpack, overload

from guardrails.checker import OnVerdict
from guardrails.context import (
    CALLER,
    CallerOptions,
    ContextOptions,
    check_options,
    close_block,
    open_block,
    read_context,
)
from guardrails.detectors.file_watch import Stamp, record_files
from guardrails.engine.content.application_text import ApplicationTexts, DeclaredText
from guardrails.engine.content.budget import Budget
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.core.pipeline import NO_TEXTS
from guardrails.engine.media.fragmented_video import holding_rules
from guardrails.errors import GuardrailsError, MissingExtra
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.policy.shipped import shipped_names
from guardrails.registry.sources import PluginSources
from guardrails.sinks.delivery import open_sinks
from guardrails.sinks.verdict_records import record_verdicts
from guardrails.types import Stage, StageName, Verdict
from guardrails.wrapping.extensions import FrameworkExtensions
from guardrails.wrapping.text_stream import TextStream, open_stream

if TYPE_CHECKING:
    from guardrails.detectors.kinds import DetectorLike
    from guardrails.policy.redactions import RedactionLike
    from guardrails.records.configuration import RecordsDoc
    from guardrails.records.decision_log import DecisionLog
    from guardrails.wrapping.argument_roles import ArgumentNames
    from guardrails.wrapping.functions import OnBlock

T = TypeVar("T")

PolicySource: TypeAlias = str | Path | Mapping[str, object]
"""A policy: the name of a shipped one, the path of a file, YAML text, or a mapping."""


RecordsLike: TypeAlias = "str | Path | Mapping[str, Any] | RecordsDoc | Literal[True]"
"""Records of decisions: the folder, or all of their configuration."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a guard was loaded from: the arguments of `Guard.load`, and each file of it as it was."""

    policy: PolicySource
    floor: PolicySource | None
    detectors: Mapping[str, DetectorLike] | None
    redactions: Mapping[str, RedactionLike] | None
    sinks: tuple[Mapping[str, Any], ...]
    records: RecordsLike | None
    plugins: tuple[str, ...] | None
    application_text: tuple[DeclaredText, ...]
    files: Mapping[Path, Stamp] = field(repr=False)

    @property
    def extensions(self) -> dict[str, Any]:
        """What `Guard.load` was told of detectors and redactions of others, by the names of its arguments."""
        return {"detectors": self.detectors, "redactions": self.redactions, "plugins": self.plugins}


class Guard(FrameworkExtensions):
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
        on_verdict: OnVerdict | None = None,
        application_text: ApplicationTexts = NO_TEXTS,
    ) -> None:
        super().__init__(
            policy,
            floor,
            cache=cache,
            budget=budget,
            on_verdict=on_verdict,
            application_text=application_text,
        )
        self.origin: Origin | None = None

    @classmethod
    def load(
        cls,
        policy: PolicySource = "default",
        *,
        floor: PolicySource | None = None,
        detectors: Mapping[str, DetectorLike] | None = None,
        redactions: Mapping[str, RedactionLike] | None = None,
        sinks: Sequence[Mapping[str, Any]] = (),
        records: RecordsLike | None = None,
        plugins: Iterable[str] | None = None,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
        on_verdict: OnVerdict | None = None,
        application_text: Sequence[DeclaredText] = (),
    ) -> Guard:
        """Load and compile a policy: a shipped one by name, any other by path, as YAML text or as a mapping.

        A string is YAML text where it holds a line break, or a colon and a space, and neither a shipped policy nor a file has
        that name. A policy that is given as text or as a mapping may build on shipped ones, and names no files. What is wrong
        with a text is said with a line and column of `<text>`; with a mapping, by the JSON Pointer of the value
        (`<mapping>#/rules/0/when`). The same policy has the same digest in all forms.

        Args:
            policy: a shipped one (`policies/README.md` lists them), the path of a YAML file, YAML text, or a mapping.
            floor: a policy of the operator's, under which the verdict cannot fall, in one of these forms.
            detectors: detectors of your own, by the name that `use:` gives them: a `guardrails.plugins.Kind`, a class of
                detectors, or a detector.
            redactions: ways to replace what is found, by the name that `with:` gives them: a `Redaction` of
                `guardrails.plugins`, or a function of a `FoundValue` that returns a text.
            sinks: where verdicts go besides, without their contents, each a mapping such as
                `{"use": "jsonl", "path": "verdicts.jsonl"}`; guards of one process that name the same share it.
            records: the folder in which decisions are put on record before anybody has the verdict, for `guardrails log`, a
                mapping of the fields of `RecordsDoc`, or True for the folder in which the commands put theirs.
            plugins: the installed packages whose plugins may be used (`["acme-detectors==1.*"]`), `*` for each, and Python files
                that hold some (`./mine.py`); None: what the environment's GUARDRAILS_PLUGINS allows, else each package.
            cache: that of another guard, to share what is found with it.
            budget: what one check may hold at most (`Budget()`).
            on_verdict: is called with every verdict before anybody has it: of checks, of wrapped calls, of streams once they end.
                It runs in the thread that asked, which waits for it, and cannot change the verdict; its exceptions are logged.
            application_text: your application's own system messages, which jailbreak rules leave alone: files (`Path`), digests
                (`sha256:…`), or texts, with slots such as `{name}` and `{{name}}`, whose fillings are judged as a user's.

        Raises:
            PolicyErrors, TypeError: everything that is wrong with the policy, by file, line and column; it is of a wrong type.
            PluginError: `plugins` names something that is no package and no file, or a file of it fails.
            GuardrailsError: the key of redactions is too short, or a sink, records or an `application_text` are not usable.
        """
        listed = None if plugins is None else (*plugins,)
        sources = (
            PluginSources.choose(listed).with_own("detectors", detectors).with_own("redactions", redactions)
        )
        with record_files() as files:
            own = ApplicationTexts.load(application_text)
            options: Any = {"cache": cache, "budget": budget, "on_verdict": on_verdict}
            guard = cls(*_compile_policies(policy, floor, sources), **options, application_text=own)
        guard.sinks = open_sinks(sinks, sources) if sinks else None
        guard.records = None if records is None else _open_records(records, guard.policy)
        given = copy.deepcopy(policy), copy.deepcopy(floor), detectors, redactions
        guard.origin = Origin(*given, (*sinks,), records, listed, (*application_text,), files)
        return guard

    def reload(self) -> Guard:
        """Load the same policy anew, from what its files are by now; the guard itself where it came from none."""
        origin = self.origin
        if origin is None:
            return self
        loaded = type(self).load(
            origin.policy,
            floor=origin.floor,
            sinks=origin.sinks,
            records=origin.records,
            budget=self.budget,
            on_verdict=self.on_verdict,
            application_text=origin.application_text,
            **origin.extensions,
        )
        loaded.caller, loaded.telemetry = self.caller, self.telemetry
        return loaded

    def with_context(self, **caller: Unpack[CallerOptions]) -> Self:
        """Return a guard that knows who asks, for one call or, as a `with` block, for all that is called inside.

        Both judge by one pipeline, and what a check or a wrapped call says itself goes before. In a block,
        `with guard.with_context(user={"id": "u1"}):`, every guard of this process knows it: those of functions and clients that
        were wrapped before as well. Blocks may stand in one another, and are seen by tasks and threads as context variables are.

        Args:
            caller: who asks: `user`, `tenant`, `client`, `metadata`, `model`, as for `check`; what is left out stays as it is.

        Raises:
            TypeError: there is no such option or value of it.
        """
        check_options("with_context", caller, CALLER, ())
        made = copy.copy(self)
        made.caller = {**self.caller, **caller}
        return made

    def with_telemetry(
        self, *, conventions: Literal["stable", "development"] | None = None, content: bool = False
    ) -> Self:
        """Return a guard that tells OpenTelemetry of its verdicts; both judge by one pipeline. Spans go to the SDK that your
        application has set up, below the span that is current where the check is made.

        Args:
            conventions: which names are sent: those that are settled, or also those of `gen_ai.*`, which are in development; by
                default what the environment's OTEL_SEMCONV_STABILITY_OPT_IN says.
            content: whether the spans have what passed; needs `conventions="development"`.

        Raises:
            MissingExtra: OpenTelemetry is not installed.
            GuardrailsError: content is wanted, and not the names that hold it.
        """
        try:
            from guardrails.telemetry.check_spans import CheckTelemetry
        except ModuleNotFoundError as error:
            raise MissingExtra("telemetry", "otel") from error
        made = copy.copy(self)
        made.telemetry = CheckTelemetry.load(conventions, content=content)
        return made

    def __enter__(self) -> Self:
        open_block(self.caller)
        return self

    def __exit__(self, *error: object) -> None:
        close_block()

    def record(self) -> AbstractContextManager[list[Verdict]]:
        """Return a block that collects the verdicts which this guard gives inside: `with guard.record() as verdicts:`.

        All checks count, those of wrapped functions, clients and streams too, in the order in which they end; those of tasks that
        begin inside as well, and of other threads none.
        """
        return record_verdicts(self._known_as)

    def __copy__(self) -> Self:
        """Return the same guard once more; both judge by one pipeline."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how the guard is loaded anew in another process: the same policy, floor, plugins, budget and records, without
        sinks, callbacks, caches and keys, which are each process's own. Raises `TypeError` where `load` did not make it.
        """
        origin = self.origin
        if origin is None:
            raise TypeError("cannot pickle a guard that Guard.load did not make")
        texts = [each.absolute() if isinstance(each, Path) else each for each in origin.application_text]
        options = {
            "floor": _absolute(origin.floor),
            "budget": self.budget,
            "application_text": texts,
            "records": None if self.records is None else self.records.doc,
            **origin.extensions,
        }
        digests = [policy.ref.digest for policy in self.pipeline.policies]
        return _load_again, (type(self), _absolute(origin.policy), options, digests, self.caller)

    def __repr__(self) -> str:
        floor = "" if self.floor is None else f", floor={self.floor!r}"
        return f"{type(self).__name__}({self.policy!r}{floor})"

    @overload
    def wrap(
        self,
        function: T,
        *,
        on_block: OnBlock = "raise",
        output: StageName = "output",
        fps: float | None = None,
        prompt: ArgumentNames | None = None,
        system: ArgumentNames | None = None,
        context: ArgumentNames | None = None,
        ignore: ArgumentNames | None = None,
        schema: object = None,
        repair: bool = True,
        reask: int = 0,
        **caller: Unpack[CallerOptions],
    ) -> T: ...

    @overload
    def wrap(
        self,
        *,
        on_block: OnBlock = "raise",
        output: StageName = "output",
        fps: float | None = None,
        prompt: ArgumentNames | None = None,
        system: ArgumentNames | None = None,
        context: ArgumentNames | None = None,
        ignore: ArgumentNames | None = None,
        schema: object = None,
        repair: bool = True,
        reask: int = 0,
        **caller: Unpack[CallerOptions],
    ) -> Callable[[T], T]: ...

    def wrap(
        self,
        function: Any = None,
        *,
        on_block: OnBlock = "raise",
        output: StageName = "output",
        fps: float | None = None,
        prompt: ArgumentNames | None = None,
        system: ArgumentNames | None = None,
        context: ArgumentNames | None = None,
        ignore: ArgumentNames | None = None,
        schema: object = None,
        repair: bool = True,
        reask: int = 0,
        **caller: Unpack[CallerOptions],
    ) -> Any:
        """Return the function, or the client of a model, with its texts checked before and what it returns checked after.

        Without a function, return a decorator: `@guard.wrap(on_block="answer")`.

        Functions, coroutines, generators and async generators are wrapped alike, and so are clients of the SDKs of OpenAI,
        Anthropic, Google, Mistral, Cohere, Ollama and of boto3 for Bedrock, runnables of LangChain and text-generation pipelines
        of transformers, each as one of the same class.

        Args:
            function: what to wrap.
            on_block: `raise` raises `Blocked`; `answer` returns the rule's message in place of the answer, of a client as its API
                refuses (where it can: embeddings cannot).
            output: the stage of what is returned: `retrieval` for a retriever, `tool_result` for a tool. Clients, models and
                pipelines say it in their answers.
            fps: how many frames a second there are of what is returned or yielded, if that is a film.
            prompt: the arguments of a function that are somebody's prompt, by name or position, one or several.
            system: those that are the application's own instructions.
            context: those that are documents, or what else was retrieved.
            ignore: those that are not judged. What the others are, their names and annotations tell; `.guarded` of what is
                returned says what came of it.
            schema: what texts that are answered must fit as JSON: a JSON Schema, a model of pydantic, or another type that it
                reads. Streams are held to their end.
            repair: whether JSON that is broken is mended, without another call.
            reask: how often the model is asked again where an answer still does not fit, with what is wrong and where.
            caller: who asks: `user`, `tenant`, `client`, `metadata`, `model`, as for `check`.

        Raises:
            TypeError: it cannot be wrapped, or there is no such option; at the call: what it returned cannot be checked.
            ValueError: there is no such stage or answer to a block.
            Blocked: at the call: the policy stopped it, unless it answers in kind; `InvalidAnswer` where an answer does not fit.
            RequestError: at the call of a client: it cannot be judged.
        """
        from guardrails.wrapping.functions import check_terms, wrap
        from guardrails.wrapping.schemas import SchemaOptions

        own: dict[str, Any] = {
            "formatted": SchemaOptions(schema, repair, reask),
            "roles": _declare_roles(prompt=prompt, system=system, context=context, ignored=ignore),
        }
        if function is None:
            check_terms(on_block, output, fps, caller, own["formatted"])
            return partial(wrap, self, on_block=on_block, output=output, fps=fps, **own, **caller)
        return wrap(self, function, on_block=on_block, output=output, fps=fps, **own, **caller)

    def stream(
        self,
        stage: StageName = "output",
        **options: Unpack[ContextOptions],
    ) -> TextStream:
        """Return a filter for one streamed text: `.feed(delta) -> str`, `.flush() -> str`, `.verdict`.

        What it returns is at each time the beginning of what `check` would leave of the whole text, or of what stands before
        that by which it is stopped. The options are those of `check`.

        Raises:
            TypeError: there is no such option or value of it.
            ValueError: there is no such stage, or the text goes on from a vault at a stage where others than the model could
                name its values: check the whole text then.
        """
        return open_stream(self, stage, read_context("stream", options, "stage"))

    def held(self, stage: StageName = "output") -> Mapping[str, str]:
        """Return the rules for which nothing of a streamed text goes out before its end, each with the reason; none: texts
        go out as they are judged.
        """
        return dict(self.pipeline.stream_plan((Stage(stage),)).whole)

    def held_films(self, stage: StageName = "output") -> Mapping[str, str]:
        """Return the rules and detectors for which nothing of a film in fragments goes out before its end, each with the reason;
        none: its fragments go out as they are judged.
        """
        return holding_rules(self.pipeline.policies, (Stage(stage),))


def _declare_roles(**given: ArgumentNames | None) -> dict[str, ArgumentNames]:
    """Return the arguments of each role of which something is said."""
    return {role: names for role, names in given.items() if names is not None}


def _absolute(policy: Any) -> Any:
    """Return a policy that another process finds wherever it was started: the path of a file from the root."""
    try:
        is_file = isinstance(policy, str | Path) and Path(policy).is_file()
    except (OSError, ValueError):  # a text
        return policy
    return Path(policy).absolute() if is_file and policy not in shipped_names() else policy


def _compile_policies(
    policy: PolicySource, floor: PolicySource | None, sources: PluginSources
) -> tuple[CompiledPolicy, CompiledPolicy | None]:
    """Return a policy and its floor, compiled; raises `PolicyErrors`."""
    return compile_policy(load(policy, sources)), None if floor is None else compile_policy(
        load(floor, sources)
    )


def _open_records(records: RecordsLike, policy: CompiledPolicy) -> DecisionLog:
    """Return the log of decisions that a configuration means; records, and SQLite, are imported by who has some."""
    from guardrails.records.decision_log import open_log

    log = open_log(records)
    if policy.keeps_content:
        log.expect_content()
    return log


def _load_again(
    of: type[Guard], policy: Any, options: dict[str, Any], digests: list[str], caller: CallerOptions
) -> Guard:
    """Load a guard that was pickled; raises `GuardrailsError` where its policy is another one by now."""
    guard = of.load(policy, **options)
    found = [each.ref.digest for each in guard.pipeline.policies]
    if found != digests:
        raise GuardrailsError(
            f"the policy {guard.policy.ref.name!r} is not what it was when the guard was pickled: {found}, not {digests}"
        )
    guard.caller = caller
    return guard
