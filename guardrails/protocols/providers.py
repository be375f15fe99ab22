"""Whose APIs there are: the headers and the root that all APIs of one provider share, and how its SDK calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Provider:
    """What the APIs of one provider share.

    Attributes:
        name: of the provider; that of its SDK's package, where it has one that can be wrapped.
        title: its name as people write it.
        headers: of a client that the upstream gets besides those that every upstream gets.
        keys: the headers in which the operator's key goes instead of the client's, each with what stands before it.
        root: below which the proxy serves its paths.
        base: the root of its paths at the upstream, where that is another than the one that OpenAI's API and Anthropic's share.
        sdk_root: below which its SDK calls them.
    """

    name: str
    title: str
    headers: tuple[str, ...]
    keys: Mapping[str, str]
    root: str = "/v1"
    base: str = ""
    sdk_root: str = ""


OPENAI: Final = Provider(
    "openai",
    "OpenAI",
    ("authorization", "openai-organization", "openai-project", "openai-beta"),
    {"authorization": "Bearer "},
)
AZURE: Final = Provider(
    "azure",
    "Azure",
    ("authorization", "api-key", "openai-organization", "openai-project", "openai-beta"),
    {"authorization": "Bearer ", "api-key": ""},
    root="/openai",
)
"""Servers know a key in one of these headers: Azure's own, or that of all others."""

# Its clients send their key in either header, and its servers refuse a request that has both. Others who speak its API may want
# the operator's key as a token: their settings say so (`key_header`).
ANTHROPIC: Final = Provider(
    "anthropic",
    "Anthropic",
    ("authorization", "x-api-key", "anthropic-version", "anthropic-beta"),
    {"x-api-key": ""},
    sdk_root="/v1",
)
GEMINI: Final = Provider(
    "gemini",
    "Gemini",
    ("authorization", "x-goog-api-key", "x-goog-user-project"),
    {"x-goog-api-key": ""},
    root="/v1beta",
    sdk_root="/**/*",
)
BEDROCK: Final = Provider("bedrock", "Bedrock", ("authorization",), {"authorization": "Bearer "}, root="")
COHERE: Final = Provider(
    "cohere", "Cohere", ("authorization",), {"authorization": "Bearer "}, root="/v2", sdk_root="/**/v2"
)
MISTRAL: Final = Provider(
    "mistral", "Mistral", ("authorization",), {"authorization": "Bearer "}, sdk_root="/**/v1"
)
OLLAMA: Final = Provider(
    "ollama",
    "Ollama",
    ("authorization",),
    {"authorization": "Bearer "},
    root="/api",
    base="/api",
    sdk_root="/**/api",
)
