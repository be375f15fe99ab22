"""The guard: a policy around contents and calls. Where input check, call and output check meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from guardrails.checker import Checker
from guardrails.context import Context, ContextOptions
from guardrails.detectors.file_watch import Stamp, record_files
from guardrails.engine.content.budget import Budget
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.media.fragmented_video import holding_rules
from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load
from guardrails.registry.sources import PluginSources
from guardrails.types import Stage
from guardrails.wrapping.text_stream import TextStream, open_stream

if TYPE_CHECKING:
    from guardrails.detectors.kinds import DetectorLike
    from guardrails.policy.redactions import RedactionLike

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """What a guard was loaded from: the arguments of `Guard.load`, and each file of it as it was."""

    policy: str | Path
    floor: str | Path | None
    detectors: Mapping[str, DetectorLike] | None
    redactions: Mapping[str, RedactionLike] | None
    plugins: tuple[str, ...] | None
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
        detectors: Mapping[str, DetectorLike] | None = None,
        redactions: Mapping[str, RedactionLike] | None = None,
        plugins: Iterable[str] | None = None,
        cache: FindingsCache | None = None,
        budget: Budget | None = None,
    ) -> Guard:
        """Load and compile a policy: a shipped one by name, any other by path.

        Args:
            policy: a shipped one (`default`, `strict`, ...; `policies/README.md` lists them), or the path of a YAML file.
            floor: a policy of the operator's, under which the verdict cannot fall.
            detectors: detectors of your own, by the name that `use:` gives them: a `guardrails.plugins.Kind`, a class of
                detectors, or a detector.
            redactions: ways to replace what is found, by the name that `with:` gives them: a `guardrails.plugins.Redaction`, or a
                function of a `FoundValue` that returns a text.
            plugins: the installed packages whose plugins may be used (`["acme-detectors==1.*"]`), `*` for each, and Python files
                that hold some (`./mine.py`); None: what the environment's GUARDRAILS_PLUGINS allows, else each package.
            cache: that of another guard, to share what is found with it.
            budget: what one check may hold at most; by default what `Budget()` says.

        Raises:
            PolicyErrors: everything that is wrong, each problem with file, line and column.
            PluginError: `plugins` names something that is no package and no file, or a file of it fails.
            GuardrailsError: the key of redactions in the environment is too short.
        """
        listed = None if plugins is None else (*plugins,)
        allowed = PluginSources.of_environment() if listed is None else PluginSources.read(listed)
        sources = allowed.with_own("detectors", detectors).with_own("redactions", redactions)
        with record_files() as files:
            compiled = compile_policy(load(policy, sources))
            under = None if floor is None else compile_policy(load(floor, sources))
            guard = cls(compiled, under, cache=cache, budget=budget)
        guard.origin = Origin(policy, floor, detectors, redactions, listed, files)
        return guard

    def reload(self) -> Guard:
        """Load the same policy anew, from what its files are by now; the guard itself where it came from none."""
        origin = self.origin
        if origin is None:
            return self
        return type(self).load(
            origin.policy,
            floor=origin.floor,
            detectors=origin.detectors,
            redactions=origin.redactions,
            plugins=origin.plugins,
            budget=self.budget,
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
