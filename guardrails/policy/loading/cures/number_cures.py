"""Says what to write instead of numbers, dates and names that are written in another way than a policy takes them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d+)?")
GROUPED: Final = re.compile(r"\d{1,3}(?:[ '_.,\u00a0\u202f]\d{3})+")
"""A number whose thousands are set apart."""
UNIT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)
MILLISECONDS: Final = {"ms": 1, "s": 1_000, "sec": 1_000, "seconds": 1_000, "m": 60_000, "min": 60_000}
BYTES: Final = {"b": 1, "kb": 1_000, "k": 1_000, "mb": 1_000_000, "m": 1_000_000, "gb": 1_000_000_000}
DAY_FIRST: Final = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
TWELVE: Final = 12
"""Months: a larger number is a day."""


def read_number(field: str, text: str, *, whole: bool) -> str:
    """Return what to write for a number that is a text, "" where it is none; `whole` where it may have no fraction."""
    if NUMBER.fullmatch(text):
        return "write it without quotes"
    if re.fullmatch(r"\d*,\d+", text) and not whole:
        return f"a decimal has a point, not a comma: write {text.replace(',', '.')}"
    if GROUPED.fullmatch(text):
        return f"write it without what sets thousands apart: {re.sub(r'[^0-9]', '', text)}"
    if re.fullmatch(r"\d+(?:\.\d+)?\s*%", text) and not whole:
        return f"write {float(text.rstrip('% ')) / 100:g} for {text}"
    if found := UNIT.fullmatch(text):
        units = MILLISECONDS if field.endswith("_ms") else BYTES if field.endswith("_bytes") else {}
        factor = units.get(found[2].lower(), 1)
        return f"write the number alone: {float(found[1]) * factor:.15g}"
    return ""


def suggest_bound(name: str, value: object, most: object) -> str:
    """Return what to write for a number past a bound: 80 where 1 is the most is meant as a percentage."""
    if most == 1 and isinstance(value, int | float) and 1 < value <= 100:
        return f"write {name}: {value / 100:g} for {value} %"
    return ""


ENDLESS: Final = ("never", "none", "no", "nie", "nunca")
"""What people write for a day that never comes."""


def suggest_form(form: str, text: str) -> str:
    """Return a text in the form that is wanted, "" where that is not plain to see; `form` is its name in words."""
    if "date" in form:
        found = DAY_FIRST.fullmatch(text.strip())
        if found is None:
            return "leave the line out: without it there is no end" if text in ENDLESS else ""
        day, month = sorted(map(int, found.groups()[:2]), reverse=True)
        if day <= TWELVE and day != month:
            return f"write the year first, then month and day: {found[3]}-MM-DD"
        return f"write {found[3]}-{month:02}-{day:02}"
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9_.-]+", "-", letters.lower()).strip("-_.")
    if not name and any(map(str.isalpha, text)):
        return "such as hate.block, in Latin letters"
    return f"such as {name}" if name else ""
