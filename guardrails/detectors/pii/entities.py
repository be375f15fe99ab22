r"""The table of personal data: one row a written form. What has no checksum or shape of its own needs context words.

ASCII words (`(?a)`): in Chinese, Japanese or Thai text an address touches the letters around it. A row whose span is a
group has other alternatives in front, which take up what only looks alike (`version 1.2.3.4`, a longer fingerprint).
"""

from __future__ import annotations

import re

from guardrails.detectors.patterns.table import PatternRow
from guardrails.detectors.pii.identifiers import validators as v
from guardrails.detectors.pii.identifiers.national_europe import is_date
from guardrails.detectors.pii.numbers import NUMBERS
from guardrails.detectors.pii.street_addresses import STREETS
from guardrails.detectors.pii.telephones.telephone_rows import TELEPHONES


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


BORN = _words(
    "born|date of birth|birth date|birthdate|birthday|dob|d.o.b.|d.o.b|geboren|geburtsdatum|geb.|n\u00e9 le|n\u00e9e le|"
    "date de naissance|nacido|nacida|fecha de nacimiento|nato il|nata il|data di nascita|data de nascimento|nascido|nascida|"
    "geboortedatum|f\u00f6dd|f\u00f6delsedatum|f\u00f8dt|f\u00f8dselsdato|syntynyt|data urodzenia|urodzony|urodzona|"
    "do\u011fum tarihi|\u51fa\u751f\u65e5\u671f|\u51fa\u751f|\u751f\u5e74\u6708\u65e5|\uc0dd\ub144\uc6d4\uc77c"
)
PASSPORT = _words(
    "passport|passports|passport number|reisepass|reisepassnummer|passeport|pasaporte|passaporto|passaporte|paspoort|"
    "paspoortnummer|paszport|pasaport|pass nr|\u62a4\u7167|\u8b77\u7167|\u65c5\u5238|\u30d1\u30b9\u30dd\u30fc\u30c8|\uc5ec\uad8c"
)
LICENCE = _words(
    "driver's license|driver\u2019s license|drivers license|driver license|driving license|driving licence|driver's licence|"
    "driver\u2019s licence|drivers licence|driver licence|dl number|dl no|dln|f\u00fchrerschein|f\u00fchrerscheinnummer|"
    "permis de conduire|carnet de conducir|licencia de conducir|patente di guida|carta de condu\u00e7\u00e3o|rijbewijs|"
    "k\u00f6rkort|prawo jazdy|\u9a7e\u9a76\u8bc1|\u904b\u8ee2\u514d\u8a31"
)
CARD = _words(
    "card|credit card|debit card|payment card|card number|card no|cc|cc number|visa|mastercard|maestro|unionpay|amex|kreditkarte|"
    "kartennummer|carte|tarjeta|carta di credito|cart\u00e3o|\u4fe1\u7528\u5361|\u30ab\u30fc\u30c9|\uce74\ub4dc"
)
POSTAL = _words(
    "zip code|zipcode|zip|postcode|post code|postal code|plz|postleitzahl|code postal|c\u00f3digo postal|cep|postnummer|"
    "kod pocztowy|\u90ae\u7f16|\u90ae\u653f\u7f16\u7801|\u90f5\u4fbf\u756a\u53f7|eircode|pincode|pin code"
)
MONTH = (
    r"(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?|"
    r"[Ss]ept?(?:ember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)"
)
_NUMBER = re.compile(r"\d+")


def is_digit_date(text: str) -> bool:
    """Tell whether a date in digits exists, day or month first, or is written with a month's name."""
    parts = [int(part) for part in _NUMBER.findall(text)]
    if len(parts) != 3:
        return len(parts) == 2
    first, second, third = parts
    return is_date(first, second, third) if first > 31 else _either(first, second, third)


def _either(first: int, second: int, year: int) -> bool:
    full = year if year > 99 else 2000 + year
    return 1900 <= full < 2100 and (is_date(full, second, first) or is_date(full, first, second))


def is_card_number(text: str) -> bool:
    """Tell whether the text is a card number written as cards show it: four digits first, in at most five groups.

    A table of numbers passes Luhn too often.
    """
    if not text[:4].isdecimal():  # most of what is tried, and the rest takes longer to tell
        return False
    groups = _NUMBER.findall(text)
    if len(groups) == 1:
        return v.plain_card(text) if text.isascii() else v.credit_card(text)
    return (
        len(groups) <= 5 and len(groups[0]) == 4 and min(map(len, groups[:-1])) >= 4 and v.credit_card(text)
    )


def has_document_digits(text: str) -> bool:
    """Tell whether at least five characters are digits, as in the numbers of documents."""
    return sum(map(str.isdecimal, text)) >= 5


_DATES = (
    r"\b\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{4}|\d{2})\b",
    r"\b(?:19|20)\d\d[\-/.]\d{1,2}[\-/.]\d{1,2}\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[ \-](?:of )?{MONTH}\.?,?[ \-]\d{{4}}\b",
    rf"\b{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}\b",
    r"(?:19|20)\d\d ?[\u5e74\ub144] ?\d{1,2} ?[\u6708\uc6d4] ?\d{1,2} ?[\u65e5\uc77c]",
)
_HEX = "[0-9A-Fa-f]"

_GENERAL: tuple[PatternRow, ...] = (
    PatternRow(r"(?a)[A-Za-z0-9._%+\-]+@[A-Za-z0-9](?:[A-Za-z0-9\-]{0,62}\.)+[A-Za-z]{2,24}\b", "pii.email"),
    # Card numbers may also be written in the digits of other scripts.
    *(
        PatternRow(flags + pattern, category, validate=validate)
        for pattern, category, validate in (
            (r"\b\d{4}(?:[ \-.]?\d){9,15}\b", "pii.credit_card", is_card_number),
        )
        for flags in ("(?a)", "")
    ),
    # Of rarer lengths one in ten identifiers passes Luhn.
    PatternRow(r"(?a)\b(?:\d{13}|\d{17,19}|5[06-9]\d{14}|6\d{15})\b", "pii.credit_card", validate=v.credit_card, context=CARD),
    # Air travel cards (UATP) begin with 1 as numbers of all kinds do.
    PatternRow(
        r"(?a)\b1\d{3}[ \-]?\d{5}[ \-]?\d{6}\b", "pii.credit_card", validate=v.luhn,
        context=_words("credit card|card number|card no|uatp|air travel card|debit card|payment card"),
    ),
    *TELEPHONES,
    PatternRow(r"(?a)\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b", "pii.iban", validate=v.iban),
    # With hyphens parts of UUIDs look the same.
    PatternRow(
        r"(?a)\b[A-Za-z]{2}\d{2}(?:-[A-Za-z0-9]{4}){2,7}(?:-[A-Za-z0-9]{1,3})?\b", "pii.iban", validate=v.iban,
        context=_words("iban|account|bank|konto|cuenta|compte|conto|rekening"),
    ),
    PatternRow(
        r"(?a)\b(?:[Vv]ersions?|VERSION|[Rr]eleases?|[Bb]uild|[Vv]er|[Vv])[ .:=]{1,2}\d+(?:\.\d+){3,}|\d+(?:\.\d+){4,}|"
        r"(\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b)",
        "pii.ip_address", group=1, validate=v.ip_address,
    ),
    PatternRow(
        rf"(?a)\b(?:{_HEX}{{2}}:){{8,}}{_HEX}{{2}}\b|(\b{_HEX}{{1,4}}(?::{{1,2}}{_HEX}{{1,4}}){{2,7}}\b)",
        "pii.ip_address", group=1, validate=v.ipv6_address,
    ),
    PatternRow(
        rf"(?a)\b((?:fe80|f[cd][0-9a-f]{{2}}|ff[0-3][1-8e]|2[0-9a-f]{{3}})::{_HEX}{{1,4}}(?:::?{_HEX}{{1,4}})*)\b",
        "pii.ip_address", group=1, validate=v.ipv6_address,
    ),
    # A prefix or a zone tells that colons at the end are an address; in brackets `::1` is a slice, but behind `//` a host.
    PatternRow(
        rf"(?a)(\b{_HEX}{{1,4}}(?::{_HEX}{{1,4}}){{0,6}}::(?:%[A-Za-z][A-Za-z0-9]{{0,14}}(?:/\d{{1,3}})?|/\d{{1,3}})\b)",
        "pii.ip_address", group=1, validate=v.ipv6_address,
    ),
    PatternRow(r"(?a)(?:^|[\s=(\"',;]|//\[)(::1(?:/128)?)(?:[^\w.:]|\.?$|\.\s)", "pii.ip_address", group=1),
    *(
        PatternRow(
            rf"(?a)\b(?:{_HEX}{{2}}{mark}){{6,}}{_HEX}{{2}}\b|(\b(?:{_HEX}{{2}}{mark}){{5}}{_HEX}{{2}}\b)",
            "pii.mac_address", group=1, validate=v.mac_address,
        )
        for mark in (":", r"\-")
    ),
    # Cisco's form, which is found where a word says so.
    PatternRow(
        rf"(?a)\b(?:MAC|[Mm]ac|[Hh]ardware|[Pp]hysical|[Ee]thernet|Cisco)\b[^\n.]{{0,30}}\b({_HEX}{{4}}\.{_HEX}{{4}}\.{_HEX}{{4}})\b",
        "pii.mac_address", group=1, validate=v.mac_address,
    ),
    PatternRow(r"(?a)\b[13LMDT][1-9A-HJ-NP-Za-km-z]{25,34}\b", "pii.crypto_address", validate=v.crypto_address),
    *(
        PatternRow(rf"(?a)\b{form}{{11,71}}\b", "pii.crypto_address", validate=v.crypto_address)
        for form in ("bc1[02-9ac-hj-np-z]", "BC1[02-9AC-HJ-NP-Z]")
    ),
    PatternRow(r"(?a)\b0x[0-9a-fA-F]{40}\b", "pii.crypto_address", validate=v.crypto_address),
    *(PatternRow("(?a)" + form, "pii.date_of_birth", validate=is_digit_date, context=BORN) for form in _DATES),
    *(PatternRow("(?a)" + form, "pii.street_address", group=1) for form in STREETS),
    PatternRow(
        r"(?a)\b(?:\d{5}(?:-\d{3,4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|GIR ?0AA|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} ?[A-Z]{2}|"
        r"\d{3}-\d{4}|\d{2}-\d{3}|\d{3} \d{2})\b",
        "pii.postal_code", context=POSTAL,
    ),
    PatternRow(
        r"(?a)\b(?:\d{4}|\d{6})\b", "pii.postal_code",
        context=_words("postcode|postal code|plz|postleitzahl|postnummer|pincode|pin code|\u90ae\u7f16|\u90ae\u653f\u7f16\u7801"),
    ),
    PatternRow(
        r"(?a)\b(?:[A-Za-z]{1,3}\d{6,8}|\d{9}|\d{2}[A-Z]{2}\d{5}|[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{8}|[MSRODGmsrodg]\d{3}[A-Za-z]\d{4})\b",
        "pii.passport", validate=has_document_digits, context=PASSPORT,
    ),
    PatternRow(
        r"(?a)\b(?:[A-Za-z]{1,3}\d{5,14}[A-Za-z]?|\d{7,14}|[A-Z]\d{3}-\d{4}-\d{4}|[A-Za-z9]{5}\d{6}[A-Za-z9]{2}\d[A-Za-z]{2}|"
        r"[A-Z0-9]{2}\d{5}[A-Z0-9]{4}|U1[A-Z0-9]{7}[A-Z]|(?:1[1-9]|2[0-8]) \d{2} \d{6} \d{2})\b",
        "pii.driving_licence", validate=has_document_digits, context=LICENCE,
    ),
    # Korea's, whose first two digits are a region.
    PatternRow(r"(?a)\b(?:1[1-9]|2[0-8])-\d{2}-\d{6}-\d{2}\b", "pii.driving_licence"),
)  # fmt: skip

TABLE: tuple[PatternRow, ...] = (*_GENERAL, *NUMBERS)
"""Every row."""

SPECIMENS: tuple[PatternRow, ...] = (
    # HMRC's own example; no prefix of numbers that are given out has a Q.
    PatternRow(r"(?a)\b[Qq]{2}(?: ?\d{2}){3} ?[A-Da-d]\b", "pii.uk_nino"),
)
"""Rows of what is only ever shown."""
