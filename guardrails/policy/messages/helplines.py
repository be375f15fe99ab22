"""Puts a helpline in the place of `{helpline}` in a message: one of the policy's own, else the site that lists those of all.

No number stands in this package: numbers change, and one of another country helps nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from guardrails.detectors.language.scripts import base_language
from guardrails.policy.messages.fields import HelplineDoc

PLACEHOLDER: Final = "{helpline}"
ANYWHERE: Final = "findahelpline.com"
"""Where people of any country find a helpline."""

COUNTRY: Final = re.compile(r"[A-Za-z]{2}")


def find_country(tag: str) -> str | None:
    """Return the country that the tag of a language names: `AT` for `de-AT`, None where it names none."""
    rest = tag.replace("_", "-").split("-")[1:]
    return next((part.upper() for part in rest if COUNTRY.fullmatch(part)), None)


def fill_helpline(text: str, tag: str, country: str | None, helplines: Mapping[str, HelplineDoc]) -> str:
    """Return a message with the helpline in it.

    Args:
        text: the message.
        tag: that of its language.
        country: in which the person is, as far as that is known.
        helplines: those of the policy, by language and country, country or language; the first of these that there is counts.
    """
    if PLACEHOLDER not in text:
        return text
    language = base_language(tag)
    names = (*((f"{language}-{country}", country) if country else ()), tag, language)
    found = next((helplines[name].text for name in names if name in helplines), ANYWHERE)
    return text.replace(PLACEHOLDER, found)
