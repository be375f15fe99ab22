"""The fields of a policy that hold texts for people by their language: messages, `guardrails schema` and the loader read them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from guardrails.detectors.language.scripts import describe_language, is_language


def _check_language(tag: str) -> str:
    if not is_language(tag):
        message = "{tag} is no code of a language; {cure}"
        raise PydanticCustomError("language", message, {"tag": repr(tag), "cure": describe_language(tag)})
    return tag


LanguageTag = Annotated[str, AfterValidator(_check_language)]
"""The code of a language, or a tag that begins with one: `de`, `zh-Hant`."""

TextsByLanguage = Annotated[
    dict[LanguageTag, Annotated[str, Field(min_length=1)]],
    Field(min_length=1, examples=[{"en": "[removed]", "de": "[entfernt]"}]),
]
"""A text by its language."""
