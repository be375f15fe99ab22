"""Every field of a policy, declared and documented once: messages, `guardrails schema` and the loader come from here.

The configuration of each kind of detector is declared beside the detector (`guardrails/detectors/`); `json_schema`
puts both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal, get_args

from pydantic import Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from guardrails.detectors import BUILTIN, Kind, kind
from guardrails.detectors.config import Config

ID = r"^[a-z0-9][a-z0-9_.-]*$"
DETECTOR_NAME = r"^[A-Za-z][A-Za-z0-9_-]*$"
DATE = r"^\d{4}-\d{2}-\d{2}$"
FORMS = {
    ID: "lower-case letters, digits, '.', '_' and '-', beginning with a letter or digit",
    DETECTOR_NAME: "letters, digits, '_' and '-', beginning with a letter",
    DATE: "a date such as 2027-03-31",
}
"""What each form is in words, for messages."""

StageName = Literal["input", "output", "tool_definition", "tool_call", "tool_result", "retrieval"]
RedactionName = Literal["placeholder", "mask", "hash", "fake", "vault"]
DEFAULT_LOCALE = "en_US"
ActionName = Literal["allow", "flag", "block"]
Tag = str


class RedactionDoc(Config):
    """How to redact, by kind of content."""

    text: RedactionName = "placeholder"
    """`placeholder` puts the kind in brackets (`[EMAIL]`); `mask` puts an asterisk for each character; `hash` puts a keyed
    digest in the brackets (`[EMAIL:3f2a9c1b7d04]`), the same for the same value; `fake` puts a made-up value of the same
    kind, the same for the same value; `vault` puts a number (`[EMAIL_1]`), and replies get the user's own values back.
    The key of `hash` and `fake` is the environment's GUARDRAILS_REDACTION_KEY, else a random one for each process."""
    locale: str | None = Field(default=None, examples=["de_DE"])
    """The language and country of what `fake` makes up; `en_US` by default."""


class RuleDoc(Config):
    """A rule: on these stages, when this holds, do that."""

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
    """What the person is told; one text, or one by language."""
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
    on_error: ActionName | None = None
    """What to do when a detector that the condition needs has failed; `block` by default, `flag` for flag rules."""


class ExceptionDoc(Config):
    """Findings that do not count: known false alarms, with a reason and an end."""

    id: str = Field(pattern=ID, max_length=128)
    """The exception's name, unique in the policy."""
    rules: list[str] | None = Field(default=None, min_length=1)
    """The rules that it applies to; all by default."""
    categories: list[str] | None = Field(default=None, min_length=1)
    """The categories of the findings that it removes; all by default."""
    matches: list[str] | None = Field(default=None, min_length=1, examples=[["support@acme.example"]])
    """The texts of the findings that it removes, compared without case; any text by default."""
    when: str | None = Field(default=None, examples=['request.user.tier == "staff"'])
    """A condition over the context; always by default."""
    reason: str = Field(min_length=1)
    """Why this is no harm."""
    owner: str | None = None
    """Who answers for it."""
    expires: str | None = Field(default=None, pattern=DATE, examples=["2027-03-31"])
    """The last day on which it holds."""

    @field_validator("expires")
    @classmethod
    def _exists(cls, value: str | None) -> str | None:
        try:
            date.fromisoformat(value or "2000-01-01")
        except ValueError:
            raise ValueError(f"{value!r} is no day of the calendar") from None
        return value


class UncheckedDoc(Config):
    """An action for each thing that could not be judged."""

    language: ActionName = "flag"
    """Text in a language that a model was not validated for."""
    limit: ActionName = "block"
    """What lies past a limit."""
    part: ActionName = "block"
    """A part that no detector of this build can read, such as a picture."""
    audio: ActionName = "flag"
    """Sound without a transcriber."""
    sealed: ActionName = "flag"
    """What only its provider can open, such as encrypted reasoning."""


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
    deadline_ms: int = Field(default=10_000, ge=1, le=600_000)
    """Milliseconds that all detectors together may take; what is not done by then has failed."""


class ExpectDoc(Config):
    """What a test expects; what is not named is not compared."""

    action: Literal["allow", "flag", "redact", "block"] | None = None
    """The verdict's action."""
    rules: list[str] | None = None
    """Exactly the enforced rules that fire, in any order."""
    shadow: list[str] | None = None
    """Exactly the shadow rules that fire, in any order."""
    content: JsonValue = None
    """The content to use from now on."""


class TestDoc(Config):
    """A test beside the rules: one content and what is expected of it."""

    name: str | None = None
    """What the test shows."""
    input: str | None = None
    """A text of a person."""
    output: str | None = None
    """A text of a model."""
    tool_call: str | None = None
    """A text in a tool call."""
    tool_result: str | None = None
    """A text that a tool returned."""
    tool_definition: str | None = None
    """A text of a tool's definition."""
    retrieval: str | None = None
    """A retrieved passage."""
    messages: list[dict[str, JsonValue]] | None = Field(default=None, min_length=1)
    """A conversation in the form of OpenAI's chat API."""
    user: dict[str, JsonValue] | None = None
    """Who asks (`request.user`)."""
    metadata: dict[str, JsonValue] | None = None
    """Free values of the caller (`request.metadata`)."""
    expect: ExpectDoc
    """What the verdict must be."""
    todo: bool = False
    """A known gap: reported, not counted as a failure."""


CONTENTS = (*get_args(StageName), "messages")
"""The fields of a test that hold what is checked; it has one of them."""


class OverrideDoc(Config):
    """Changes to what was inherited; a field given here replaces the inherited one."""

    rules: list[dict[str, JsonValue]] = Field(default=[])
    """Partial rules; `id` says which one each changes."""
    detectors: dict[str, dict[str, JsonValue]] = Field(default={})
    """Partial detectors, by name."""


class DisableDoc(Config):
    """What was inherited and is not wanted."""

    rules: list[str] = Field(default=[])
    """Ids of rules."""
    detectors: list[str] = Field(default=[])
    """Names of detectors."""
    tests: list[str] = Field(default=[])
    """Names of tests, where a change makes an inherited one untrue."""


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
    history: Literal["remove", "block"] = "remove"
    """What to do with an earlier turn of a conversation that is blocked: leave it out, or block the request."""
    tests: list[JsonValue] = Field(default=[])
    """Tests, run by `guardrails test`."""
    override: OverrideDoc = OverrideDoc()
    """Changes to inherited rules and detectors."""
    disable: DisableDoc | list[str] = DisableDoc()
    """Inherited rules (and detectors) to leave out; a list names rules."""


ITEMS: Mapping[str, type[Config]] = {"rules": RuleDoc, "exceptions": ExceptionDoc, "tests": TestDoc}
"""Lists of a policy whose items are read one by one, so that each can be wrong for itself."""


def _partial(schema: dict[str, Any], *, keep: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of the same mapping with only `keep` required and no defaults."""
    properties = {
        name: {key: value for key, value in field.items() if key != "default"}
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties, "required": list(keep)}


def json_schema(extra: Mapping[str, Kind] | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a policy file, with the built-in detectors and `extra` ones."""
    root = PolicyDoc.model_json_schema()
    definitions: dict[str, Any] = root.setdefault("$defs", {})

    def add(model: type[Config]) -> dict[str, str]:
        schema = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(schema.pop("$defs", {}))
        definitions[model.__name__] = schema
        return {"$ref": f"#/$defs/{model.__name__}"}

    properties = root["properties"]
    for field, model in ITEMS.items():
        properties[field]["items"] = add(model)
    kinds = [found for name in [*BUILTIN, *(extra or {})] if (found := kind(name, extra)) is not None]
    detectors = []
    for of in kinds:
        detectors.append(add(of.config))
        definitions[of.config.__name__]["description"] = of.doc
    properties["detectors"]["additionalProperties"] = {"oneOf": detectors}
    properties["detectors"]["propertyNames"] = {"pattern": DETECTOR_NAME}
    override = definitions["OverrideDoc"]["properties"]
    override["rules"]["items"] = _partial(definitions["RuleDoc"], keep=("id",))
    definitions.pop("JsonValue", None)
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    root["title"] = "guardrails policy"
    _tidy(root)
    return root


def _tidy(node: Any) -> None:
    """Drop the references to `JsonValue` (any value at all), which editors show as noise."""
    if isinstance(node, dict):
        if node.get("$ref") == "#/$defs/JsonValue":
            del node["$ref"]
        for value in node.values():
            _tidy(value)
    elif isinstance(node, list):
        for value in node:
            _tidy(value)
