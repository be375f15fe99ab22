"""Every field of a policy, declared and documented once: messages, `guardrails schema` and the loader come from here.

The configuration of each kind of detector is declared beside the detector (`guardrails/detectors/`); `editing/json_schema.py`
puts both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from guardrails.detectors.config import Config, make_body_snippets
from guardrails.policy.messages.fields import DATE as DATE
from guardrails.policy.messages.fields import Helplines, TextsByLanguage, check_day
from guardrails.policy.redactions import REDACTIONS
from guardrails.policy.testing.test_fields import CONTENTS as CONTENTS
from guardrails.policy.testing.test_fields import ExceptionTestDoc, StageName, TestDoc
from guardrails.policy.testing.test_fields import ExpectDoc as ExpectDoc
from guardrails.registry.sources import PluginError

ID = r"^[a-z0-9][a-z0-9_.-]*$"
DETECTOR_NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
FORMS = {
    ID: "lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
    DETECTOR_NAME: "letters, digits, '_' and '-', beginning with a letter",
    DATE: "a date such as 2027-03-31",
}
"""What each form is in words, for messages."""


def _take_redaction(value: object, info: ValidationInfo) -> object:
    """Take the name of a redaction, a built-in one or a plugin's."""
    if isinstance(value, str):
        try:
            if value in REDACTIONS.builtin or REDACTIONS.find(value, (info.context or {}).get("plugins")):
                return value
        except PluginError as error:
            raise PydanticCustomError("plugin", "{why}", {"why": str(error)}) from None
    sources = (info.context or {}).get("plugins")
    others = (name for name in REDACTIONS.names(sources) if name not in REDACTIONS.builtin)
    *most, last = map(repr, (*REDACTIONS.builtin, *others))
    raise PydanticCustomError("literal_error", "", {"expected": f"{', '.join(most)} or {last}"})


RedactionName = Annotated[
    str, BeforeValidator(_take_redaction), WithJsonSchema({"enum": [*REDACTIONS.builtin], "type": "string"})
]
CoverName = Literal["solid", "pixelate", "blur", "placeholder"]
FilmCoverName = Literal["solid", "pixelate", "blur", "placeholder", "cut"]
DEFAULT_LOCALE = "en_US"
MOST_REASKS = 5
ActionName = Literal["allow", "flag", "block"]
Tag = str


class RedactionDoc(Config):
    """How to redact, by kind of content."""

    text: TextsByLanguage | RedactionName = Field(
        default="placeholder", examples=["mask", {"en": "[removed]", "de": "[entfernt]"}]
    )
    """`placeholder` puts the kind in brackets (`[EMAIL]`); `mask` puts an asterisk for each character; `hash` puts a keyed
    digest in the brackets (`[EMAIL:3f2a9c1b7d04]`), the same for the same value; `fake` puts a made-up value of the same
    kind, the same for the same value; `vault` puts a number (`[EMAIL_1]`), and replies get the user's own values back.
    The key of `hash` and `fake` is the environment's GUARDRAILS_REDACTION_KEY, else a random one for each process. A mapping
    is a text of your own by language: that of what stands before the finding, of the conversation, what the client asks
    for, else `en`."""
    locale: str | None = Field(default=None, examples=["de_DE"])
    """The language and country of what `fake` makes up; `en_US` by default."""
    image: CoverName = "solid"
    """How the boxes of what is found in a picture are covered, or all of it where a finding has none: `solid` with black,
    `pixelate` and `blur` so that hardly anything of it is left (never for text), `placeholder` with a grey field. The result
    is judged again, and blocked where something is still found in it."""
    video: FilmCoverName = "solid"
    """How the stretches of a film in which something is found are covered, likewise, half a second before and after included; or
    `cut` out, with their sound. What is said is made silent in any case, and a film that was redacted has no subtitles and no
    texts about itself. The result is judged again."""


class RuleDoc(Config):
    """A rule: on these stages, when this holds, do that."""

    model_config = make_body_snippets(
        (
            "rule that blocks",
            {"id": "$1", "on": ["input", "output"], "when": "$2 >= 0.8", "then": "block", "mode": "shadow"},
        ),
        (
            "rule that redacts",
            {"id": "$1", "on": ["input", "output"], "when": "$2 > 0", "then": "redact", "mode": "shadow"},
        ),
    )

    id: str = Field(pattern=ID, max_length=128, examples=["pii.mask"])
    """The rule's name, unique in the policy; verdicts, logs and headers carry it."""
    description: str | None = None
    """What the rule is for, in one sentence."""
    on: StageName | list[StageName] = Field(examples=["input", ["input", "output"]])
    """The stages whose contents the rule judges."""
    when: str = Field(
        min_length=1, examples=["hate >= 0.85", 'pii.email > 0 || count("pii.credit_card") >= 1']
    )
    """The condition, in CEL: categories are scores in 0..1, `count("category")` counts findings."""
    then: Literal["flag", "redact", "block"]
    """What to do: record it, replace the findings, or stop the content."""
    message: str | dict[str, str] | None = Field(
        default=None, examples=["I can't help with that.", {"en": "No.", "de": "Nein."}]
    )
    """What the person is told; one text, or one by language: that of the text for which the rule fires, of the conversation, or
    what the client asks for, else `en`. `{helpline}` in it is one of `helplines`."""
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    """How grave it is; orders rules of equal action."""
    tags: list[str] = Field(default=[], examples=[["owasp.llm01"]])
    """Free labels, such as the hazard of a standard."""
    with_: RedactionName | RedactionDoc | None = Field(default=None, alias="with")
    """What a redact rule puts in place of a finding: `placeholder` (default), `mask`, `hash`, `fake` or `vault`."""
    redact: list[str] | None = Field(default=None, min_length=1, examples=[["pii.email"]])
    """The categories whose findings a redact rule replaces; by default those of `when`, where a finding alone makes it hold."""
    mode: Literal["enforce", "shadow"] = "enforce"
    """`shadow` records that the rule would have fired, and does nothing."""
    scope: Literal["part", "message", "conversation"] = "part"
    """What the condition looks at together: one part, all parts of a message, or everything."""
    stream: Literal["segment", "whole", "annotate"] | None = None
    """How a text that is streamed is judged. `segment`: what the rule needs is judged as the text grows, span by span where
    detectors can tell for certain, else passage by passage, and nothing goes out before that; the default for those detectors
    and for classifiers. `whole`: the text is held to its end; the default for the others, and where the condition needs all
    of it. `annotate`: the text goes out at once and is judged at its end, for the record."""
    on_fail: Literal["repair", "reask"] | None = None
    """What is tried before `then`, of a rule over a detector of `use: format`. `repair` mends JSON that is broken, without a call
    of the model: where what is left fits, that is the content from then on, and the rule's action is `redact`. `reask` does
    that too, and else asks the model again, where there is one to ask, with what is wrong and where. Such a rule looks at the
    reply of an answer: not at thoughts, at texts beside a call of a tool, or at turns of before."""
    reask: int | None = Field(default=None, ge=1, le=MOST_REASKS)
    """How often the model is asked again, with `on_fail: reask`; once by default. Each prompt and each answer is judged."""
    on_error: ActionName | None = None
    """What to do when a detector that the condition needs has failed; `block` by default, `flag` for flag rules."""


class ExceptionDoc(Config):
    """Findings that do not count: known false alarms, with a reason and an end."""

    id: str = Field(pattern=ID, max_length=128)
    """The exception's name, unique in the policy."""
    rules: list[str] | None = Field(default=None, min_length=1)
    """The rules that it applies to; all by default."""
    on: StageName | list[StageName] | None = Field(default=None, examples=["output", ["input", "output"]])
    """The stages at which it applies; all by default."""
    tenants: list[str] | None = Field(default=None, min_length=1, examples=[["acme"]])
    """The tenants for which it applies (`request.tenant`); for everybody by default."""
    categories: list[str] | None = Field(default=None, min_length=1)
    """The categories of the findings that it removes; all by default."""
    matches: list[str] | None = Field(
        default=None, min_length=1, examples=[["support@acme.example"], ["shoot a payment over"]]
    )
    """The texts and phrases that are no harm, compared without case, as whole words; any text by default. A finding of a list or
    a pattern is removed where it is one of them or stands within one. What a model finds is a whole passage, which is judged
    again without the phrase: what is found in the rest still counts."""
    near: list[str] | None = Field(default=None, min_length=1, examples=[["test card", "sandbox"]])
    """Phrases of which one must stand near the finding: in the passage that a model finds, or up to 80 characters before or
    behind a finding; compared likewise. No matter where by default."""
    when: str | None = Field(
        default=None, examples=['request.user.tier == "staff"', "custom.payments > 0 && violence < 0.95"]
    )
    """A condition over the context and over what is found in the same text, by any detector; always by default. While a detector
    that it asks for has failed, the exception does not hold."""
    reason: str = Field(min_length=1)
    """Why this is no harm."""
    owner: str | None = None
    """Who answers for it."""
    expires: str | None = Field(default=None, pattern=DATE, examples=["2027-03-31"])
    """The last day on which it holds."""
    test: ExceptionTestDoc | None = Field(
        default=None, examples=[{"input": "Where are my Acme Blasters?", "expect": {"action": "allow"}}]
    )
    """A test of it, which runs with those of the policy: what it is for, and what is expected of that (`action: allow` by
    default). It fails where the exception removes nothing, as when it has expired or is not needed any more."""

    @field_validator("expires")
    @classmethod
    def _exists(cls, value: str | None) -> str | None:
        return None if value is None else check_day(value)


class UncheckedDoc(Config):
    """An action for each thing that could not be judged."""

    language: ActionName = "flag"
    """Text in a language that a model was not validated for."""
    limit: ActionName = "block"
    """What lies past a limit."""
    part: ActionName = "block"
    """A part that no detector of the policy reads, such as a film, or a picture where none looks at pictures."""
    image: ActionName = "block"
    """A picture that a detector would look at, and that cannot be: broken, cut off, of a type that is not read or not the one
    that it is said to be, or over a limit; coverage says which. So is one that stands in a text as a data URI, an SVG among
    them, where a rule looks at pictures there."""
    video: ActionName = "block"
    """A film that cannot be looked at, or of which a part cannot be: broken, of a type that is not read or not the one that it is
    said to be, or with a gap longer than `films: max_gap_ms`; coverage says which. What is over a limit is `limit`."""
    audio: ActionName = "flag"
    """Speech without a transcriber, and what that does not understand."""
    latent: ActionName = "block"
    """What a wrapped pipeline of diffusers takes or makes in the place of texts and pictures: embeddings of prompts, latents."""
    sealed: ActionName = "flag"
    """What only its provider can open, such as encrypted reasoning."""
    object: ActionName = "allow"
    """An argument of a wrapped function that is an object of the program, such as a client, a logger or a connection: its type is
    none that is read. Nothing that came over a wire is one before the program made it. Where content is expected it is `part`."""


class LimitsDoc(Config):
    """The bounds of one check."""

    characters: int = Field(default=200_000, ge=1, le=10_000_000)
    """Characters of one text that are judged; the rest is `unchecked: limit`."""
    windows: int = Field(default=400, ge=1, le=100_000)
    """Windows of one text that a classifier judges; the rest is `unchecked: limit`."""
    encoding_depth: int = Field(default=3, ge=0, le=16)
    """Encodings within encodings (Base64, hexadecimal, percent, ROT13, ...) that are decoded and judged; what lies
    deeper is `unchecked: limit`. 0 decodes nothing."""
    encoded_payloads: int = Field(default=1_000, ge=1, le=100_000)
    """Encoded payloads of one text that are decoded; the rest is `unchecked: limit`."""
    picture_bytes: int = Field(default=20_000_000, ge=1, le=1_000_000_000)
    """Bytes of a picture's file; a larger one is `unchecked: image`, as are those beyond the next two."""
    picture_pixels: int = Field(default=64_000_000, ge=1, le=1_000_000_000)
    """Pixels of a frame of a picture; of all its frames together five times as many. What is looked at is made smaller."""
    picture_frames: int = Field(default=300, ge=1, le=10_000)
    """Frames of what moves."""
    film_bytes: int = Field(default=200_000_000, ge=1, le=10_000_000_000)
    """Bytes of a film's file, or of a sound's; a larger one is `unchecked: limit`, as is one with larger frames."""
    film_pixels: int = Field(default=4096 * 2304, ge=1, le=100_000_000)
    """Pixels of a film's frame: by default those of 4K. What is looked at is made smaller."""
    film_seconds: int = Field(default=600, ge=1, le=86_400)
    """Seconds of a film or a sound; the rest is `unchecked: limit`. Where that blocks, a film that says that it is longer is
    not watched at all."""
    max_hold: int = Field(default=4_096, ge=512, le=10_000_000)
    """Characters of a streamed text that may be held back because something in it is still open, such as a key without its
    end, or the data URI of a picture where a rule looks at pictures; what holds more is `on_limit`."""
    on_limit: Literal["block", "hold"] = "block"
    """What to do then: stop the stream, or hold it to its end, up to `characters`."""
    deadline_ms: int = Field(default=10_000, ge=1, le=600_000)
    """Milliseconds that all detectors together may take; what is not done by then has failed."""


class FilmsDoc(Config):
    """How films are looked at: every frame for cuts, some by the detectors for pictures; and when what those say counts."""

    fps: float = Field(default=1.0, gt=0, le=60)
    """Frames a second that detectors look at, beside the first and last of the film, the first of each shot, and those in which
    something appears; stretches in which nothing changes need none."""
    max_frames: int = Field(default=2_000, ge=1, le=1_000_000)
    """Frames that detectors look at; a film that needs more, as where every frame is a cut, is `unchecked: limit`."""
    max_gap_ms: int | None = Field(default=None, ge=1, examples=[1_000])
    """The longest time in which no frame could be looked at, as where the file is damaged; more is `unchecked: video`. By
    default, what is damaged is that however short it is."""
    hard: float = Field(default=0.95, ge=0, le=1)
    """The score from which one frame decides alone."""
    corroborate: int = Field(default=2, ge=1, le=100)
    """Frames of `of` neighbours in one shot that must reach a lower score for it to count; 1: one is enough. A shot that has
    fewer needs all it has."""
    of: int = Field(default=3, ge=1, le=100)
    """Those neighbours, `corroborate` at least."""
    enter: float = Field(default=0.7, ge=0, le=1)
    """The score from which what is found is one stretch of the film,"""
    leave: float = Field(default=0.5, ge=0, le=1)
    """until it falls below this (below `enter` where that is less). Rules may have lower thresholds: what stays below is told
    apart by tenths."""


class MediaDoc(Config):
    """How files are taken that people upload."""

    mistyped: Literal["block", "read"] = "block"
    """A picture, film or sound that is said to be of another type than its bytes are, such as a HEIC named `.jpg`: it is not read
    (`unchecked`), or judged as what its bytes are."""
    metadata: Literal["keep", "strip"] = "keep"
    """What becomes of places, names and texts in a picture that goes on: `strip` writes it without them, and without what a
    phone wrote behind it."""


class ToolDoc(Config):
    """A tool that may be called, and how."""

    name: str = Field(min_length=1, max_length=256, examples=["search_*"])
    """The tool's name; `*` stands for any characters, `?` for one. The first entry that fits a tool is the one that counts."""
    server: str = Field(default="*", min_length=1, max_length=256, examples=["web"])
    """The server that has it, as of MCP, in the same way; any by default."""
    arguments: dict[str, JsonValue] | None = Field(
        default=None, examples=[{"file": "schemas/send_mail.json"}]
    )
    """The JSON Schema of its arguments (draft 2020-12), or `{file: …}`: one in a JSON file below the policy's folder. Nothing
    is fetched: what it refers to stands in it. Any arguments by default."""


class ToolsDoc(Config):
    """What conditions are told of tools (`tool.listed`, `tool.valid`, `tool.tainted`, `tool.carries`). It forbids nothing by
    itself: rules do.
    """

    allow: list[ToolDoc] | None = None
    """The tools that are listed; without it, every tool is."""
    untrusted: list[Annotated[str, Field(min_length=1, max_length=512)]] | None = Field(
        default=None, examples=[["web_search", "mail/*"]]
    )
    """The tools that return what strangers wrote: `tool`, or `server/tool`, with `*` and `?` as above. With such a list, what
    a tool returned that is not known counts too."""


class PolicyRecordsDoc(Config):
    """What of a decision its record holds, where an operator keeps records."""

    content: bool | Literal["flagged"] = False
    """Whether what was judged is kept with the record, encrypted: of every decision, or with `flagged` of those that are not
    `allow`. It takes an operator's key as well (GUARDRAILS_CONTENT_KEY, or `records: {content: {key_file: …}}` of the settings);
    without one nothing is kept. A floor's word does not count, nor that of a policy which judges besides."""


class OverrideDoc(Config):
    """Changes to what was inherited; a field given here replaces the inherited one."""

    rules: list[dict[str, JsonValue]] = Field(default=[])
    """Partial rules; `id` says which one each changes."""
    detectors: dict[str, dict[str, JsonValue]] = Field(default={})
    """Partial detectors, by name."""
    tools: ToolsDoc = ToolsDoc()
    """Lists of tools, each in place of the inherited one."""


class DisableDoc(Config):
    """What was inherited and is not wanted."""

    rules: list[str] = Field(default=[])
    """Ids of rules."""
    detectors: list[str] = Field(default=[])
    """Names of detectors."""
    tests: list[str] = Field(default=[])
    """Names of tests, where a change makes an inherited one untrue; of one without a name, its text, tool or file."""


class PolicyDoc(Config):
    """A policy file."""

    format: Literal[1]
    """The version of this file format."""

    @field_validator("format", mode="before")
    @classmethod
    def _whole(cls, value: object) -> object:
        if type(value) is not int:  # true and 1.0 are equal to 1, but written by mistake
            raise PydanticCustomError("literal_error", "must be 1", {"expected": "1"})
        return value

    name: str = Field(pattern=ID, max_length=128, examples=["support-chat"])
    """The policy's name."""
    version: str = Field(default="0", max_length=64, examples=["1.4.0"])
    """The policy's own version."""
    description: str | None = None
    """What the policy is for."""
    extends: list[str] | str = Field(default=[], examples=[["default"]])
    """Policies to build on, merged from left to right: shipped ones by name, others by relative path."""
    override: OverrideDoc = OverrideDoc()
    """Changes to inherited rules and detectors."""
    disable: DisableDoc | list[str] = DisableDoc()
    """Inherited rules (and detectors) to leave out; a list names rules."""
    detectors: dict[str, JsonValue] = Field(default={})
    """The detectors, by name: how things are found."""
    rules: list[JsonValue] = Field(default=[])
    """The rules: what is done about them."""
    exceptions: list[JsonValue] = Field(default=[])
    """Findings that do not count."""
    unchecked: UncheckedDoc = UncheckedDoc()
    """What to do where something could not be judged."""
    limits: LimitsDoc = LimitsDoc()
    """How much is judged, and for how long."""
    films: FilmsDoc = FilmsDoc()
    """How films are looked at."""
    media: MediaDoc = MediaDoc()
    """How files are taken that people upload."""
    tools: ToolsDoc = ToolsDoc()
    """Which tools may be called with which arguments, and which return what strangers wrote, for conditions."""
    history: Literal["remove", "block"] = "remove"
    """What to do with an earlier turn of a conversation that is blocked: leave it out, or block the request."""
    parallel: bool = False
    """Whether `guardrails serve` sends a request on while it is judged, to save that time. Nothing of the answer is released
    before the verdict, and a block breaks the request off; the provider has seen it by then. No rule may change a request:
    none that is enforced may redact, no canary may be planted, and `history` must be `block`. A request that may do something
    by itself before the verdict is judged first all the same: with tools that the provider runs, with `store`, or with
    anything that is not known or cannot be judged. Where there is a floor, it must say so as well. `guard.wrap` always
    judges first."""
    records: PolicyRecordsDoc = PolicyRecordsDoc()
    """What of a decision its record holds."""
    helplines: Helplines = Field(default={})
    """What messages say in the place of `{helpline}`, by country (`AT`), language (`de`) or both (`de-AT`), each with its source
    and date; findahelpline.com by default."""
    tests: list[JsonValue] = Field(default=[])
    """Tests, run by `guardrails test`."""


ITEMS: Mapping[str, type[Config]] = {"rules": RuleDoc, "exceptions": ExceptionDoc, "tests": TestDoc}
"""Lists of a policy whose items are read one by one, so that each can be wrong for itself."""
