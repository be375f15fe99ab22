"""The guard: a policy around contents and calls. Where input check, call and output check meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from guardrails.checker import Checker
from guardrails.context import Context, ContextOptions
from guardrails.detectors.file_watch import Stamp, record_files
from guardrails.engine.content.budget import Budget
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.media.fragmented_video import holding_rules
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.types import Stage
from guardrails.wrapping.text_stream import TextStream, open_stream

if TYPE_CHECKING:
    from guardrails.detectors import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a guard was loaded from: the arguments of `Guard.load`, and each file of it as it was."""

    policy: str | Path
    floor: str | Path | None
    detectors: Mapping[str, Kind] | None
    files: Mapping[Path, Stamp] = field(repr=False)


class Guard(Checker):
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
        super().__init__(policy, floor, cache=cache, budget=budget)
        self.origin: Origin | None = None

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

    def reload(self) -> Guard:
        """Load the same policy anew, from what its files are by now; the guard itself where it came from none."""
        origin = self.origin
        if origin is None:
            return self
        return type(self).load(
            origin.policy, floor=origin.floor, detectors=origin.detectors, budget=self.budget
        )

    @overload
    def wrap(self, function: T, *, on_block: str = "raise", **options: Any) -> T: ...

    @overload
    def wrap(self, *, on_block: str = "raise", **options: Any) -> Callable[[T], T]: ...

    def wrap(self, function: Any = None, *, on_block: str = "raise", **options: Any) -> Any:
        """Return the function (or the client of a model) with its texts checked before, and what it returns checked after;
        see `wrapping.functions.wrap`. Without a function it is a decorator: `@guard.wrap(on_block="answer")`.
        """
        from guardrails.wrapping.functions import wrap

        if function is None:
            return partial(self.wrap, on_block=on_block, **options)
        return wrap(self, function, on_block=on_block, **options)

    def stream(
        self,
        stage: str = "output",
        **options: Unpack[ContextOptions],
    ) -> TextStream:
        """Return a filter for one streamed text: `.feed(delta) -> str`, `.flush() -> str`, `.verdict` (`text_stream.TextStream`).

        What it returns is at each time the beginning of what `check` would leave of the whole text, or of what stands before
        that by which it is stopped. The options are those of `check`.

        Raises:
            ValueError: see `text_stream.open_stream`.
        """
        return open_stream(self, stage, Context(**options))

    def held(self, stage: str = "output") -> Mapping[str, str]:
        """Return the rules for which nothing of a streamed text goes out before its end, each with the reason; none: texts
        go out as they are judged.
        """
        return dict(self.pipeline.stream_plan((Stage(stage),)).whole)

    def held_films(self, stage: str = "output") -> Mapping[str, str]:
        """Return the rules and detectors for which nothing of a film in fragments goes out before its end, each with the reason;
        none: its fragments go out as they are judged.
        """
        return holding_rules(self.pipeline.policies, (Stage(stage),))
