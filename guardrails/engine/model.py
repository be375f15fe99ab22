"""The types that the engine's packages share: who asks, contents with what was found in them, rules that match, and the outcome
of a check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from guardrails.engine.redaction.vault import Vault
from guardrails.engine.tools.tool_context import ToolContext
from guardrails.media.images.picture import Picture
from guardrails.media.video.film_source import OpenedFile
from guardrails.policy.compiled import DetectionPlan, Rule
from guardrails.policy.messages.helplines import COUNTRY, find_country
from guardrails.types import (
    Action,
    Content,
    Coverage,
    DetectorFailure,
    Finding,
    FiredRule,
    Returned,
    Unavailable,
    UnavailableReason,
)
from guardrails.verdicts.format_failure import FormatFailure
from guardrails.verdicts.frozen_records import quick_init

REDACTABLE_MEDIA = Picture | OpenedFile
"""Pictures, films and sounds that were opened: what is found in one of them can be covered or silenced."""


@quick_init
@dataclass(frozen=True, slots=True)
class Request:
    """Who asks and for what, as conditions may read it. `user` and `tenant` come from authentication or from
    the library's caller, `client` and `metadata` from the client itself. `today` is an ISO date, for
    exceptions; `vault` is what an earlier check of the same call handed out, `heard` what tools returned before. `tool_context`,
    which each check makes for each policy, is what conditions may read of the use of tools. `prompt` is what a reply answers, in
    whose language a message may be said. Of system and developer texts `system` is one that the library's caller declares as
    the application's own; with `trust_system` all are. `is_floors` tells that the operator's floor asks, for whom nothing is
    declared.
    """

    user: Mapping[str, Any] = field(default_factory=dict)
    tenant: str | None = None
    client: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] | None = None
    model: str | None = None
    turns: int = 1
    today: str = ""
    vault: Vault | None = None
    heard: tuple[Returned, ...] = ()
    tool_context: ToolContext | None = None
    system: str = ""
    prompt: str = ""
    trust_system: bool = False
    is_floors: bool = False

    @property
    def language(self) -> str | None:
        """The language that the client asks for, if it says one."""
        language = self.client.get("language")
        return language if isinstance(language, str) else None

    @property
    def country(self) -> str | None:
        """The code of the country in which the user is, as whoever authenticated them says, else as what the client asks for."""
        known = self.user.get("country")
        if isinstance(known, str) and COUNTRY.fullmatch(known):
            return known.upper()
        return find_country(self.language or "")


@dataclass(frozen=True, slots=True)
class JudgedContent:
    """A content and what detectors said of it. `unknown` are the detectors that failed; `again` marks a text whose parts,
    or whose encoded form, are judged as well, `across` that the parts are of several messages, `unformatted` that rules with
    `on_fail` do not look at it. What fills a slot begins at `start` of the text that it stands in.
    """

    content: Content
    plan: DetectionPlan
    findings: tuple[Finding, ...] = ()
    unknown: frozenset[str] = frozenset()
    again: bool = False
    across: bool = False
    start: int = 0
    unformatted: bool = False


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that fires on some contents (`members`, by index). `grounds` are the findings that it fires for,
    none where it fires for the context or a failure; `replace` are those to redact. `failed` are the detectors for whose failure
    it is undecided; `cause` is the kind of failure where that is not one of a detector's in this check.
    """

    rule: Rule
    action: Action
    reason: str
    members: tuple[int, ...]
    grounds: tuple[tuple[int, Finding], ...] = ()
    replace: tuple[tuple[int, Finding], ...] = ()
    failed: frozenset[str] = frozenset()
    cause: UnavailableReason | None = None

    @property
    def is_undecided(self) -> bool:
        """Whether the rule stops the contents only because it could not be decided, which is no violation."""
        return self.action is Action.BLOCK and bool(self.failed or self.cause)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a leaf's text to replace. A finding in a joined text gives one span for each part that it
    touches; only the first (`leads`) is replaced by something, the others by nothing. `rest` is their text.
    """

    start: int
    end: int
    rule: Rule
    finding: Finding
    leads: bool = True
    rest: str = ""


@dataclass(frozen=True, slots=True)
class RedactionFailure:
    """A redaction of a plugin (`with: NAME`) that failed for a rule, and why."""

    rule: Rule
    redaction: str
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """A new text for a stretch of a leaf's text; `spans` are what it replaces, none where it only tells something apart from what
    was handed out.
    """

    start: int
    end: int
    new: str
    spans: tuple[Span, ...] = ()
    failure: RedactionFailure | None = None


@dataclass(frozen=True, slots=True)
class Repairs:
    """What rules with `on_fail` repaired: the new texts, by leaf, the rules, and what they had found before."""

    texts: Mapping[int, str] = field(default_factory=dict)
    matches: tuple[RuleMatch, ...] = ()
    findings: tuple[Finding, ...] = ()

    def after(self, others: Repairs) -> Repairs:
        """Return what was repaired, and what had been before."""
        return Repairs(
            {**others.texts, **self.texts},
            (*others.matches, *self.matches),
            (*others.findings, *self.findings),
        )


NO_REPAIRS: Final = Repairs()


@dataclass(slots=True)
class Outcome:
    """Everything that a verdict says, and what shapes of content need to apply it: the new texts and pictures of leaves
    (`build_redactions`), the leaves that block (`blocked`), the messages to leave out (`removed`), and what was handed out in the
    place of values (`vault`); for people the `changes` that made the new texts.
    """

    action: Action
    rules: tuple[FiredRule, ...]
    shadow: tuple[FiredRule, ...]
    findings: tuple[Finding, ...]
    coverage: Coverage
    errors: tuple[DetectorFailure, ...]
    complete: bool
    edits: Mapping[int, Any] = field(default_factory=dict)
    blocked: frozenset[int] = frozenset()
    removed: tuple[int, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    rule_timings: Mapping[str, float] = field(default_factory=dict, compare=False)
    vault: Vault | None = None
    changes: Mapping[int, Sequence[Change]] = field(default_factory=dict)
    repairs: Repairs = NO_REPAIRS
    """New texts of leaves that were not judged yet."""
    format_failures: tuple[FormatFailure, ...] = ()
    """What such a rule could not repair."""
    unavailable: Unavailable | None = None
    """Why the action is a block that no rule asks for."""
    language: str = "en"
    """That in which a built-in message is said of a block for which no rule has one."""

    @property
    def is_violation(self) -> bool:
        """Whether a rule stops the content for certain."""
        return self.action is Action.BLOCK and self.unavailable is None
