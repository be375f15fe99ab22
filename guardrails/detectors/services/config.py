"""What a policy says of a service that it asks (`use: remote`)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from guardrails.detectors.config import Config


class BedrockBlock(Config):
    """Which guardrail of AWS Bedrock is applied."""

    guardrail: str = Field(pattern=r"^[A-Za-z0-9:/_-]+$", examples=["gr0abc123"])
    """Its identifier, or its ARN."""
    version: str = Field(default="DRAFT", pattern=r"^(DRAFT|[0-9]{1,8})$", examples=["'1'"])
    """Its version, in quotes; `DRAFT` is the one that is being edited."""


class HttpBlock(Config):
    """How any service that takes and gives JSON is asked, and where in its answer the scores are.

    A place is a JSON Pointer (`/results/0/score`) or dotted (`results.0.score`). Exactly one of `score`, `flag`, `scores` and
    `items` is given; what is not where it should be is an error, never 0.
    """

    path: str = Field(default="", pattern=r"^(/[!-~]*)?$", examples=["/classify"])
    """The path below the endpoint's URL."""
    body: dict[str, Any] = Field(min_length=1, examples=[{"input": "{text}"}])
    """The request. In its texts `{text}`, `{prompt}` (what a reply answers to) and `{stage}` stand for those."""
    score: str | None = None
    """The place of a number. With `items` the field of an item."""
    flag: str | None = None
    """The place of true or false: 1.0 or 0.0."""
    scores: str | None = None
    """The place of a mapping of labels to numbers; each of `labels` must be there, others are not read."""
    items: str | None = None
    """The place of a list of what was found. Each item has a `label`, and where those are given `score`, `start` and `end`."""
    label: str = "label"
    """With `items`: the field with the label, which `labels` must have (as `label: []` where it is to be ignored)."""
    start: str | None = None
    """With `items`: the field with the code point at which the find begins in the text."""
    end: str | None = None
    """With `items`: the field with the code point at which it ends."""
    category: str | None = Field(default=None, examples=["toxic"])
    """With `score` or `flag` alone: the category."""
    highest: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """The number that is worth 1.0: 100 where the service answers in percent."""


class RemoteConfig(Config):
    """A service that moderates."""

    use: Literal["remote"]
    """The kind of detector."""
    service: Literal["openai", "azure", "azure_shield", "bedrock", "guardrails", "http"]
    """Which protocol it speaks: `openai` (moderations), `azure` (AI Content Safety), `azure_shield` (its Prompt Shields),
    `bedrock` (ApplyGuardrail), `guardrails` (another proxy of this package), `http` (any other, by `http:`)."""
    endpoint: str = Field(min_length=1, examples=["moderation"])
    """The name under which the operator declares it (GUARDRAILS_ENDPOINTS)."""
    categories: list[str] | None = Field(default=None, min_length=1, examples=[["hate", "violence"]])
    """What to report, leaves included (`sexual` is `sexual.minors` too); by default all that the service tells."""
    labels: dict[str, str | list[str]] = Field(default={}, examples=[{"self-harm": "self_harm"}])
    """The service's names → categories, where the table of its own says otherwise or has none. `[]` ignores one."""
    min_score: float = Field(default=0.1, ge=0, le=1)
    """The score below which nothing is reported."""
    characters: int | None = Field(default=None, ge=80, le=1_000_000)
    """Characters that one request reads of a text; by default what suits the service."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Pieces of one text that are judged; the rest is `unchecked: limit`. Where it is left out, the policy's
    `limits: windows` holds."""
    languages: list[str] = Field(default=[], examples=[["en", "de"]])
    """The languages that the service was validated on, where it was not on all; texts in others are judged, and
    `unchecked: language`."""
    model: str | None = Field(default=None, min_length=1, examples=["omni-moderation-latest"])
    """`openai`: the model, by default `omni-moderation-latest`."""
    bedrock: BedrockBlock | None = None
    """`bedrock`: which guardrail is applied."""
    blocklists: list[str] | None = Field(default=None, min_length=1, examples=[["brands"]])
    """`azure`: blocklists of the resource; a hit is `custom.blocklist`, or what `labels` says of the list's name."""
    http: HttpBlock | None = None
    """`http`: how it is asked and where in its answer the scores are."""
