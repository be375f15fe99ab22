"""Makes up values in the place of others: of the same kind where Faker has it, else of the same shape.

What is made depends on the key, the category and the canonical value alone, so the same value has the same stand-in in
each turn, process and server that has the key. Providers whose answers depend on the date of today are left out.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from guardrails.engine.redaction.replacements import canonical
from guardrails.errors import MissingExtra
from guardrails.fork_safety import fork_safe_lock
from guardrails.keys import digest
from guardrails.policy.schema import DEFAULT_LOCALE as LOCALE

if TYPE_CHECKING:
    from faker import Faker

_LOCK = fork_safe_lock()
"""A Faker is seeded and then asked: two threads must not do so at once."""


def _credit_card(faker: Faker, value: str) -> str:
    return _fill_shape(faker.credit_card_number("visa16"), value)


def _ip_address(faker: Faker, value: str) -> str:
    return faker.ipv6() if ":" in value else faker.ipv4()


def _mac_address(faker: Faker, value: str) -> str:
    return _fill_shape(faker.mac_address().replace(":", ""), value)


_YEAR_FIRST = re.compile(r"\d{4}([-/. ])\d{1,2}\1\d{1,2}")
_YEAR_LAST = re.compile(r"\d{1,2}([-/. ])\d{1,2}\1\d{4}")


def _date(faker: Faker, value: str) -> str:
    """Return a date in the order of the value's parts; its day is one that a month could be, for both orders."""
    made = faker.date_between_dates(date(1940, 1, 1), date(2005, 12, 31))
    year, month, day = str(made.year), f"{made.month:02}", f"{1 + made.day % 12:02}"
    if match := _YEAR_LAST.fullmatch(value):
        return match[1].join((day, month, year))
    separator = match[1] if (match := _YEAR_FIRST.fullmatch(value)) else "-"
    return separator.join((year, month, day))


def _call_faker(method: str) -> Callable[[Faker, str], str]:
    return lambda faker, value: str(getattr(faker, method)())


Make = Callable[["Faker", str], str]

PROVIDERS: Mapping[str, tuple[Make, str | None]] = {
    "pii.email": (_call_faker("ascii_safe_email"), None),  # a domain that is reserved for examples (RFC 2606)
    "pii.phone": (_call_faker("phone_number"), None),
    "pii.credit_card": (_credit_card, LOCALE),
    "pii.iban": (_call_faker("iban"), None),
    "pii.person": (_call_faker("name"), None),
    "pii.username": (_call_faker("user_name"), None),
    "pii.organization": (_call_faker("company"), None),
    "pii.location": (_call_faker("city"), None),
    "pii.street_address": (_call_faker("street_address"), None),
    "pii.postal_code": (_call_faker("postcode"), None),
    "pii.date_of_birth": (_date, None),
    "pii.ip_address": (_ip_address, LOCALE),
    "pii.mac_address": (_mac_address, LOCALE),
    "pii.passport": (_call_faker("passport_number"), LOCALE),
    "pii.us_ssn": (_call_faker("ssn"), LOCALE),
    "pii.us_itin": (_call_faker("itin"), LOCALE),
    "pii.us_ein": (_call_faker("ein"), LOCALE),
    "pii.us_aba_routing": (_call_faker("aba"), LOCALE),
    "pii.ca_sin": (_call_faker("ssn"), "en_CA"),
    "pii.uk_nino": (_call_faker("ssn"), "en_GB"),
    "pii.br_cpf": (_call_faker("cpf"), "pt_BR"),
    "pii.es_dni": (_call_faker("nif"), "es_ES"),
    "pii.es_nie": (_call_faker("nie"), "es_ES"),
    "pii.fr_nir": (_call_faker("ssn"), "fr_FR"),
    "pii.in_aadhaar": (_call_faker("aadhaar_id"), "en_IN"),
    "pii.in_pan": (_call_faker("pan"), "en_IN"),
    "pii.nl_bsn": (_call_faker("ssn"), "nl_NL"),
    "pii.tr_tckn": (_call_faker("ssn"), "tr_TR"),
}
"""Category → what makes its values, and the locale that they need (None: the rule's)."""


def make_fake(category: str, value: str, locale: str, attempt: int = 0) -> str:
    """Return a made-up value. Another `attempt` gives another one, where the first is taken.

    Args:
        category: the kind of the value.
        value: what is replaced.
        locale: the language and country, such as `de_DE`, of names, addresses and numbers.
        attempt: 0 for the first choice.

    Raises:
        MissingExtra: Faker is not installed (a policy that needs it does not load then).
    """
    seed = int.from_bytes(digest("fake", category, canonical(category, value), str(attempt)), "big")
    make, needed = PROVIDERS.get(category, (None, None))
    if make is None:
        return keep_shape(value, seed)
    with _LOCK:
        faker = _faker(needed or locale)
        faker.seed_instance(seed)
        try:
            return make(faker, value)
        except AttributeError:  # Faker has not every provider for every country
            return keep_shape(value, seed)


@lru_cache(maxsize=128)
def _faker(locale: str) -> Faker:
    try:
        from faker import Faker
    except ImportError:
        raise MissingExtra("with: fake", "fake") from None
    return Faker(locale)


def keep_shape(value: str, seed: int) -> str:
    """Return a value of the same shape: digits for digits, letters for letters of the same case, the rest as it is."""
    draw = random.Random(seed)  # noqa: S311 - the seed is a keyed digest, and nothing else is drawn from it
    return "".join(_other(char, draw) for char in value)


def _other(char: str, draw: random.Random) -> str:
    if char.isdecimal():
        return draw.choice(string.digits)
    if char.isalpha():
        return draw.choice(string.ascii_uppercase if char.isupper() else string.ascii_lowercase)
    return char


def _fill_shape(made: str, value: str) -> str:
    """Return the characters that were made in the layout of the value, if as many fit into it."""
    places = [index for index, char in enumerate(value) if char.isalnum()]
    if len(places) != len(made):
        return made
    chars = list(value)
    for index, char in zip(places, made, strict=True):
        chars[index] = char
    return "".join(chars)
