"""Every field of a test, declared and documented once, whether it stands in a policy (`tests:`) or in a file beside it
(`X.test.yaml`): messages, `guardrails schema` and the loader come from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from guardrails.detectors.config import Config, make_body_snippets

StageName = Literal["input", "output", "tool_definition", "tool_call", "tool_result", "retrieval"]
ActionWord = Literal["allow", "flag", "redact", "block"]
AsksFor = Literal["picture", "film", "absence"]
DisguiseName = Literal[
    "leetspeak",
    "spaced",
    "dotted",
    "homoglyphs",
    "zero_width",
    "full_width",
    "accents",
    "entities",
    "escapes",
    "percent",
    "base64",
    "hex",
    "rot13",
    "tags",
]

COMPARISON: Final = re.compile(r"(>=|<=|>|<)\s*(\d+(?:\.\d+)?|\.\d+)")
RANGE: Final = re.compile(rf"{COMPARISON.pattern}(?:\s*,\s*{COMPARISON.pattern})?")
NO_REASONS: Final = ("", "yes", "on", "y", "no", "off", "n", "true", "false")
"""Texts that say no more than true or false, which was meant: that a test is no gap, for one."""

PLACEHOLDER: Final = "each"
"""What a text of `each:` stands for in braces: `{each}`."""


class CallDoc(Config):
    """A call of a tool, as a model asks for it."""

    MEANT: ClassVar[Mapping[str, str]] = {"tool": "name", "args": "arguments", "parameters": "arguments"}

    name: str = Field(min_length=1, examples=["send_mail"])
    """The tool's name."""
    server: str = ""
    """The server that has it, as of MCP; none by default."""
    arguments: dict[str, JsonValue] | str = Field(default={})
    """Its arguments: a mapping, or the JSON text itself, which may be broken."""


class ResultDoc(Config):
    """What a tool returned."""

    MEANT: ClassVar[Mapping[str, str]] = {"tool": "name", "content": "text", "result": "text"}

    name: str = Field(min_length=1, examples=["web_search"])
    """The tool's name."""
    server: str = ""
    """The server that has it, as of MCP; none by default."""
    text: str
    """What it returned."""


class DefinitionDoc(Config):
    """The definition of a tool."""

    MEANT: ClassVar[Mapping[str, str]] = {"tool": "name", "inputSchema": "parameters", "text": "description"}

    name: str = Field(min_length=1, examples=["web_search"])
    """The tool's name."""
    server: str = ""
    """The server that has it, as of MCP; none by default."""
    description: str | None = None
    """What it says that it does."""
    parameters: dict[str, JsonValue] | None = None
    """The JSON Schema of its arguments."""


class FoundDoc(Config):
    """A finding that a test expects; what is not named is not compared."""

    MEANT: ClassVar[Mapping[str, str]] = {"min": "score", "max": "score", "threshold": "score"}

    category: str = Field(min_length=1, examples=["pii.email"])
    """Its category, or one above it."""
    score: float | str | None = Field(default=None, examples=[1.0, ">= 0.8", ">= 0.5, < 0.9"])
    """Its score: a number, or one or two comparisons with numbers."""
    detector: str | None = None
    """The detector that found it."""
    text: str | None = None
    """The stretch of the text that it covers."""
    span: list[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, min_length=2, max_length=2, examples=[[11, 25]]
    )
    """That stretch as `[start, end)`, in characters."""
    path: str | None = Field(default=None, examples=["/0/content"])
    """Where that text stands in the content, as a JSON Pointer."""
    origin: str | None = Field(default=None, examples=["base64"])
    """By way of what it was found, such as an encoding."""

    @field_validator("score")
    @classmethod
    def _readable(cls, value: float | str | None) -> float | str | None:
        numbers = (
            [value] if isinstance(value, float) else [number for _, number in parse_comparisons(value or "")]
        )
        if isinstance(value, str) and RANGE.fullmatch(value.strip()) is None:
            raise ValueError(
                f"score {value!r} must be a number, or comparisons such as '>= 0.8' or '>= 0.5, < 0.9'"
            )
        if not all(0 <= number <= 1 for number in numbers):
            raise ValueError(f"score {value!r} must be in 0..1, where scores are")
        return value


def parse_comparisons(text: str) -> Iterator[tuple[str, float]]:
    """Yield the comparisons of a score: `>= 0.5, < 0.9` → (">=", 0.5), ("<", 0.9)."""
    for sign, number in COMPARISON.findall(text):
        yield sign, float(number)


class ExpectDoc(Config):
    """What a test expects; what is not named is not compared."""

    MEANT: ClassVar[Mapping[str, str]] = {
        "text": "content",
        "reason": "rules",
        "verdict": "action",
        "category": "categories",
    }

    action: ActionWord | None = None
    """The verdict's action."""
    rules: list[str] | None = Field(default=None, examples=[["pii.mask"]])
    """Exactly the enforced rules that fire, in any order."""
    shadow: list[str] | None = None
    """Exactly the shadow rules that fire, in any order."""
    categories: list[str] | None = Field(default=None, examples=[["pii.email"]])
    """Exactly the categories that are found, in any order."""
    findings: list[FoundDoc] | None = Field(
        default=None, examples=[[{"category": "pii.email", "score": ">= 0.8"}]]
    )
    """What is found, each by a finding of its own; there may be more. `[]`: nothing is found."""
    content: JsonValue = None
    """The content to use from now on, in the form that was given; `null` where it is blocked."""
    message: str | None = None
    """What the person is told."""
    exceptions: list[str] | None = Field(default=None, min_length=1, examples=[["acme.blasters"]])
    """Exceptions that take a finding away here; there may be more."""
    unchecked: list[str] | None = Field(default=None, examples=[["language"]])
    """Exactly the kinds of what was not judged, as the policy's `unchecked:` has them, in any order."""


class TestDoc(Config):
    """A test beside the rules: one content and what is expected of it."""

    model_config = make_body_snippets(
        ("test that a rule fires", {"input": "$1", "expect": {"action": "block", "rules": ["$2"]}}),
        ("test that nothing fires", {"input": "$1", "expect": {"action": "allow"}}),
    )
    __test__: ClassVar[bool] = False  # pytest would take it for one of its own
    MEANT: ClassVar[Mapping[str, str]] = {
        "text": "input",
        "content": "input",
        "file": "image",
        "picture": "image",
        "film": "video",
        "expected": "expect",
        "disguise": "obfuscate",
        "cases": "each",
    }

    name: str | None = None
    """What the test shows."""
    input: str | None = None
    """A text of a person."""
    output: str | None = None
    """A text of a model."""
    tool_call: str | CallDoc | None = Field(
        default=None, examples=["rm -rf /", {"name": "shell", "arguments": {"command": "ls"}}]
    )
    """A text in a tool call, or a whole call."""
    tool_result: str | ResultDoc | None = None
    """A text that a tool returned, with the tool's name or without."""
    tool_definition: str | DefinitionDoc | None = None
    """A text of a tool's definition, or a whole definition."""
    retrieval: str | None = None
    """A retrieved passage."""
    messages: list[dict[str, JsonValue]] | None = Field(default=None, min_length=1)
    """A conversation in the form of OpenAI's chat API."""
    image: str | None = Field(default=None, min_length=1, examples=["pictures/cat.png"])
    """A picture: a file below the folder of the file in which the test stands."""
    video: str | None = Field(default=None, min_length=1, examples=["films/cat.mp4"])
    """A film, likewise."""
    asks_for: AsksFor | None = None
    """What a generator is asked for by an `input` (`content.asks_for`): a picture, a film, or what is not to be seen."""
    stage: StageName | None = None
    """Where a picture or film stands; `input` by default."""
    each: list[str | dict[str, str]] | None = Field(
        default=None, min_length=1, examples=[["hello", "good morning"], [{"from": "Porto", "to": "Lisbon"}]]
    )
    """Makes a test of each entry: a text stands for `{each}` in the other fields, a mapping for `{its key}`."""
    system: str = ""
    """The system prompt beside which a text of a model is judged; of `messages`, the one that is the application's own."""
    prompt: str = ""
    """The prompt that a reply answers to."""
    sources: str | list[str] = ""
    """The passages that were retrieved for it."""
    heard: list[ResultDoc] = Field(default=[])
    """What tools returned before, oldest first (`tool.tainted`)."""
    user: dict[str, JsonValue] | None = None
    """Who asks (`request.user`)."""
    tenant: str | None = None
    """For whom (`request.tenant`)."""
    client: dict[str, JsonValue] | None = None
    """What the client says of itself (`request.client`); its `language` is that of messages
    where no text tells one."""
    model: str | None = None
    """The model that is asked (`request.model`)."""
    metadata: dict[str, JsonValue] | None = None
    """Free values of the caller (`request.metadata`)."""
    expect: ExpectDoc
    """What the verdict must be."""
    every_cut: bool = False
    """Whether the text is also streamed, cut at every place (at 200 places of a longer one), with the same result."""
    obfuscate: list[DisguiseName] | bool = Field(default=False, examples=[True, ["leetspeak", "base64"]])
    """Disguises (`true`: all) in which the text must be stopped as well: by the same action or a stricter one, and by these
    rules at least."""
    todo: bool | str = Field(default=False, examples=["digits that are spelled out"])
    """A known gap, and what it is: reported, not counted as a failure."""

    @field_validator("todo", mode="before")
    @classmethod
    def _meant(cls, value: object) -> object:
        if isinstance(value, str) and value.strip().lower() in NO_REASONS:
            raise PydanticCustomError("bool_type", "must be true or false")
        return value


class ExceptionTestDoc(TestDoc):
    """The test of an exception: what it is for, and what is expected of that."""

    model_config = make_body_snippets()

    expect: ExpectDoc = ExpectDoc(action="allow")
    """What the verdict must be; `action: allow` by default."""


class TestsDoc(Config):
    """Tests in a file of their own, `X.test.yaml`, beside the policy `X.yaml`."""

    __test__: ClassVar[bool] = False
    MEANT: ClassVar[Mapping[str, str]] = {"cases": "tests", "test": "tests"}

    policy: str | None = Field(default=None, min_length=1, examples=["default.yaml"])
    """The policy that they test: a shipped one by name, another by its path from here; by default the file `X.yaml`."""
    tests: list[JsonValue]
    """The tests, run by `guardrails test`."""


CONTENTS: Final = (*get_args(StageName), "messages")
"""The fields of a test that hold what is checked, but for files; it has one of all."""

FILES: Final = ("image", "video")
"""Those that name a file."""

DISGUISES: Final[tuple[DisguiseName, ...]] = get_args(DisguiseName)


def names_of_test(data: Mapping[str, Any]) -> list[str]:
    """Return what `disable: tests` may call a test: its name; where it has none, the text, tool or file that it is about."""
    values = [data.get(field) for field in (("name",) if "name" in data else (*CONTENTS, *FILES))]
    called = [value.get("name") if isinstance(value, dict) else value for value in values]
    return [name for name in called if isinstance(name, str)]
