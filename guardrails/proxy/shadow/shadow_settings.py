"""What the operator says of a policy beside the one that is served, as the settings have it: which, and what is written of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import Field, model_validator

from guardrails.detectors.config import Config
from guardrails.policy.loading.problems import MarkSource, Problems
from guardrails.proxy.access.tenants import PolicyDoc


class ShadowDoc(Config):
    """A policy that judges beside the one that is served, and changes, delays and refuses nothing; or its name alone. What both
    decide is counted, and written to a log which `guardrails diff --decisions` reads.
    """

    policy: str | None = Field(default=None, min_length=1, examples=["next.yaml"])
    """The policy beside the setting `policy`: a shipped one by name, any other by path, relative to the settings file's folder.
    Those of `policies` have one of their own there, if any. The floor holds under all."""
    log: str | None = Field(default=None, min_length=1, examples=["decisions.jsonl"])
    """The file that takes both decisions on each content, a line of JSON each; without one they are only counted."""
    content: bool = False
    """Whether it holds the texts as well, and who asked, so that `guardrails diff --on` can judge them again. Without it no word
    of any text is in it."""
    sample: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    """The share of contents that are judged by both, chosen by chance."""
    queue: int = Field(default=1_024, ge=1, le=1_000_000)
    """Contents that wait to be judged; what comes when so many wait is left out, and counted."""
    queue_bytes: int = Field(default=64 << 20, ge=1)
    """Size of all that wait."""
    log_bytes: int = Field(default=64 << 20, ge=4_096)
    """Size of the log from which it is put aside as `….1`, the one before it as `….2`, and so on."""
    log_files: int = Field(default=5, ge=1, le=1_000)
    """Files of the log that are kept, the one that grows among them."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        is_name = isinstance(given, str) and not given.startswith("{")  # a mapping, in the environment
        return {"policy": given} if is_name else given


class PolicySettings(Protocol):
    """Settings with policies."""

    @property
    def policy(self) -> str: ...

    @property
    def policies(self) -> Sequence[PolicyDoc]: ...

    @property
    def shadow(self) -> ShadowDoc | None: ...


def shadow_policies(declared: PolicySettings) -> dict[str, str]:
    """Return the policy beside each policy that has one."""
    found = {row.policy: row.shadow for row in declared.policies if row.shadow is not None}
    if declared.shadow is not None and declared.shadow.policy is not None:
        found[declared.policy] = declared.shadow.policy
    return found


def check_shadows(declared: PolicySettings, marks: MarkSource, problems: Problems) -> None:
    """Add where one policy has two beside it, and where a log is declared for nothing."""
    found = shadow_policies(declared)
    for index, row in enumerate(declared.policies):
        if row.shadow is not None and found[row.policy] != row.shadow:
            problems.add(
                marks.mark(("policies", index, "shadow")),
                "two_shadows",
                "this policy has another shadow elsewhere",
                "every policy has one at most",
            )
    if declared.shadow is not None and not found:
        problems.add(
            marks.mark(("shadow",)),
            "no_shadow",
            "no policy is named that judges beside another",
            "write shadow: {policy: next.yaml}, or shadow: next.yaml in a row of policies",
        )
