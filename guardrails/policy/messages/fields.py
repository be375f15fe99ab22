"""The fields of a policy that hold texts for people by their language: messages, `guardrails schema` and the loader read them."""

from __future__ import annotations

import re
from datetime import date as Date
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from guardrails.detectors.config import Config
from guardrails.detectors.language.scripts import describe_language, is_language

DATE: Final = r"^\d{4}-\d{2}-\d{2}$"


def check_day(value: str) -> str:
    """Return a date of the form `DATE`; raises `ValueError` where the calendar has no such day."""
    try:
        Date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no day of the calendar") from None
    return value


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

COUNTRY: Final = re.compile("[A-Z]{2}")
MISTAKEN: Final = {"UK": "GB", "EN": "GB", "EU": "the code of each country"}
"""What is taken for the code of a country → what to write."""


def _check_reach(key: str) -> str:
    if key in MISTAKEN:
        cure = f"write {MISTAKEN[key]}"
    elif COUNTRY.fullmatch(key) or is_language(key):
        return key
    else:
        cure = "write one such as AT, a language such as de, or both: de-AT"
    message = "{key} is no code of a country or a language; {cure}"
    raise PydanticCustomError("reach", message, {"key": repr(key), "cure": cure})


class HelplineDoc(Config):
    """A helpline of a country or a language, and how its number is known."""

    text: str = Field(min_length=1, max_length=300, examples=["Acme Helpline, 555-0100"])
    """What a message says in the place of `{helpline}`: a number, with a name if there is one."""
    source: str = Field(min_length=1, examples=["https://helpline.example/contact"])
    """Where the number was looked up: the helpline's own page, or a document."""
    date: str = Field(pattern=DATE, examples=["2027-03-31"])
    """The day on which it was."""

    @field_validator("date")
    @classmethod
    def _exists(cls, value: str) -> str:
        return check_day(value)


Reach = Annotated[str, AfterValidator(_check_reach)]
"""Whom a helpline is for: a country (`AT`), a language (`de`) or both (`de-AT`)."""

Helplines = dict[Reach, HelplineDoc]
