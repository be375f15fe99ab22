"""What a condition may name: context leaves, and the categories that a policy's detectors give."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from guardrails import taxonomy
from guardrails.spelling import suggest_name

CONTEXT: dict[str, tuple[str, str]] = {
    "request.user.id": ("string", "who asks, from authentication or the library's caller"),
    "request.user.tier": ("string", "the asker's tier, from the same sources"),
    "request.tenant": ("string", "the tenant, from the same sources"),
    "request.model": ("string", "the model that was asked for"),
    "request.metadata": ("map", "free values of the caller: request.metadata.key or request.metadata['key']"),
    "message.role": ("string", "system, developer, user, assistant or tool"),
    "message.declared": (
        "bool",
        "whether the operator, or the library's caller, declares the text as the application's own; false to the floor",
    ),
    "content.kind": ("string", "text, image, video, audio or tool_call"),
    "content.asks_for": (
        "string",
        "what a prompt of a generator asks for: picture or film; absence of a negative prompt; '' elsewhere",
    ),
    "content.length": ("int", "characters of the text"),
    "content.language": ("string", "ISO 639-1 code, such as 'en'; 'und' where uncertain"),
    "prompt.language": (
        "string",
        "the language of the prompt that a reply answers, likewise; 'und' also where there is none",
    ),
    "conversation.turns": ("int", "user messages so far, this one included"),
    "tool.name": (
        "string",
        "the tool that is defined, called or answers, compared without regard to case, width and spaces; '' elsewhere",
    ),
    "tool.server": ("string", "the server that has the tool, as of MCP, compared likewise; '' elsewhere"),
    "tool.listed": ("bool", "whether the policy's list of allowed tools has it; true without such a list"),
    "tool.changed": (
        "bool",
        "whether its definition differs from the approved one; false where none is approved",
    ),
    "tool.valid": ("bool", "whether a call's arguments fit the schema of its entry in that list"),
    "tool.arguments": ("map", "a call's arguments: tool.arguments.path; a key that is missing is an error"),
    "tool.tainted": ("bool", "whether an untrusted tool returned anything before the call"),
    "tool.sources": (
        "list",
        "the untrusted tools that did, as 'server/name' or 'name'; '?' for one that is not known",
    ),
    "tool.carries": ("bool", "whether a call's arguments hold text that an untrusted tool returned"),
    "tool.carried": ("list", "the untrusted tools that returned it"),
}
"""Context leaves: name → type and meaning.

`request.user.*` and `request.client.*` may have further leaves of any type.
"""

CONTEXT_ROOTS = frozenset(name.split(".", 1)[0] for name in CONTEXT)
OPEN_CONTEXT = ("request.user.", "request.client.")
OPTIONAL_CONTEXT = "request."
"""What leaves begin with that may be absent: whoever asks may not say it."""
TOOL_NAMES = ("tool.name", "tool.server")
"""Leaves that are names of tools and servers: in one form, however a call spells them."""
MAPS = tuple(name for name, (kind, _) in CONTEXT.items() if kind == "map")
UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
"""Categories of characters that make no difference between names."""
OF_CALLS = ("tool.valid", "tool.arguments", "tool.tainted", "tool.sources", "tool.carries", "tool.carried")
"""Leaves that say something of a call of a tool alone."""
FOLLOWED = ("tool.tainted", "tool.sources", "tool.carries", "tool.carried")
"""Leaves that depend on what untrusted tools returned."""
OF_LISTS = {"allow": ("tool.listed", "tool.valid"), "untrusted": FOLLOWED}
"""List of tools → the leaves that depend on it."""
NOT_IN_CONVERSATION = ("message.", "content.", "tool.")
"""Leaves that differ within a conversation, so that a rule with that scope cannot name them."""


ELSEWHERE = {
    "tier": "request.user.tier",
    "user": "request.user.id",
    "language": "content.language",
    "lang": "content.language",
    "length": "content.length",
    "tool": "tool.name",
}
"""What people call leaves by words that end none, or several."""
IN_DETECTORS = (
    "words of the text are for a detector to find: words: {use: terms, terms: [foo], category: custom.words}, "
    "and here: custom.words > 0"
)
SAID_ELSEWHERE = {
    **dict.fromkeys(
        ("stage", "direction"), "at which stage a rule acts is said by its 'on:', such as on: input"
    ),
    **dict.fromkeys(
        (
            "input",
            "output",
            "prompt",
            "text",
            "response",
            "content",
            "content.text",
            "message.text",
            "message.content",
        ),
        IN_DETECTORS,
    ),
    **dict.fromkeys(("flag", "redact", "block"), "what is done is said by 'then:'"),
    **dict.fromkeys(
        ("None", "null", "nil", "undefined"), "write has(request.user.tier) to ask whether there is a value"
    ),
    **dict.fromkeys(("True", "TRUE", "yes"), "write true"),
    **dict.fromkeys(("False", "FALSE", "no"), "write false"),
    **dict.fromkeys(
        ("time", "hour", "now", "date", "today", "weekday", "time.hour", "date.hour"),
        "conditions know no time; an application can say it: request.metadata.hour",
    ),
    **dict.fromkeys(
        ("always", "any", "all", "anything", "everything"), "write what must hold, such as hate >= 0.8"
    ),
    **dict.fromkeys(("high", "low", "medium", "critical"), "write a number from 0 to 1, such as hate >= 0.8"),
}
"""What is no name of a condition, and where it belongs."""
OF_A_SCORE = ("score", "value", "confidence", "probability", "severity", "level")
"""What people write behind a category, whose name alone is its score."""
SUGGESTED = {
    "pii": "personal_data: {use: pii}",
    "secret": "credentials: {use: secrets}",
    "url": "links: {use: urls}",
    "command": "commands: {use: commands}",
    "profanity": "swear_words: {use: profanity}",
}
"""A category, or the root of one → a detector that gives it."""
OUTER = re.compile(r"(?:input|context|ctx|principal|req|auth)\.")
"""What other products' policies put before them."""


def find_meant_leaf(dotted: str) -> str:
    """Return the context leaf that a name without its beginning most likely means, "" where it means none."""
    name = OUTER.sub("", dotted)
    if name in ELSEWHERE:
        return ELSEWHERE[name]
    if name.startswith(("user.", "client.", "metadata.")):
        return f"request.{name}"
    return next((leaf for leaf in CONTEXT if leaf == name or leaf.endswith(f".{name}")), "")


def suggest_detector(category: str) -> str:
    """Return a detector that gives a category, as it is written under `detectors:`."""
    root = category.split(".", 1)[0]
    if root == "custom":
        return f"{category.rsplit('.', 1)[-1]}: {{use: terms, terms: [foo], category: {category}}}"
    return SUGGESTED.get(root, "safety: {use: classifier}")


@lru_cache(maxsize=1_024)
def fold_tool_name(name: str) -> str:
    """Return the one form of a tool's name: case, width, spaces and what nobody sees make no other tool of it."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(char for char in folded if unicodedata.category(char) not in UNSEEN)


def find_context_leaf(dotted: str) -> str | None:
    """Return the context leaf that a chain of names begins with, or None."""
    for name in MAPS:
        if dotted == name or dotted.startswith(f"{name}."):
            return name
    if dotted in CONTEXT:
        return dotted
    if dotted.startswith(OPEN_CONTEXT):
        return ".".join(dotted.split(".")[:3])
    return None


@dataclass(frozen=True)
class ConditionNames:
    """The categories that detectors give, by detector."""

    by_detector: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def categories(self) -> frozenset[str]:
        """Every category that can be found, with all that stand above it."""
        found = frozenset().union(*self.by_detector.values())
        return frozenset(name for category in found for name in taxonomy.with_ancestors(category))

    @cached_property
    def known(self) -> list[str]:
        """All names of categories, for did-you-mean."""
        return sorted({*taxonomy.CATEGORIES, *self.categories})

    def problem(self, category: str) -> tuple[str, str, str] | None:
        """Return code, message and hint of what is wrong with the name of a category, or None."""
        if category in self.categories:
            return None
        if not taxonomy.is_valid(category):
            hint = self.suggest(category)
            return "unknown_category", f"{category!r} is not a category", hint
        hint = suggest_name(category, sorted(self.categories - {"unsafe"}), few=0)
        hint = hint or f"add one under 'detectors:', such as {suggest_detector(category)}"
        return "category_without_detector", f"no detector of this policy gives {category!r}", hint

    def text_leaf(self, dotted: str) -> str:
        """Return the context leaf that a chain of names begins with, where it holds a text; "" for any other."""
        leaf = find_context_leaf(dotted)
        return leaf if leaf in CONTEXT and CONTEXT[leaf][0] == "string" else ""

    def suggest(self, name: str) -> str:
        """Return what most likely was meant by a name that is no category."""
        if leaf := find_meant_leaf(name):
            return f"write {leaf}"
        if given := self.by_detector.get(name):
            return f"it is the name of a detector, which finds {', '.join(sorted(given)[:3])}: write {min(given)} > 0"
        first, _, rest = name.partition(".")
        if first == "detectors" and rest.partition(".")[0] in self.by_detector:
            return f"write detector.{rest}"
        if rest in self.by_detector.get(first, ()):
            return f"write detector.{name}"
        if (whole := name.rpartition("."))[0] in self.categories and whole[2] in OF_A_SCORE:
            return f"write {whole[0]}"
        if name in SAID_ELSEWHERE:
            return SAID_ELSEWHERE[name]
        if meant := taxonomy.find_meant(name):
            return f"did you mean {meant!r}?"
        return suggest_name(name, self.known)
