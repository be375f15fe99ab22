"""Checks of a matched text that a pattern cannot express: text in, valid or not out. All are pure."""

from __future__ import annotations

from collections.abc import Callable


def _digits(text: str) -> list[int]:
    return [int(char) for char in text if char.isdecimal()]


def luhn(text: str) -> bool:
    """Tell whether the digits pass the Luhn check (ISO/IEC 7812-1, annex B); other characters are skipped."""
    digits = _digits(text)
    if len(digits) < 2:
        return False
    doubled = sum(sum(divmod(digit * 2, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + doubled) % 10 == 0


def credit_card(text: str) -> bool:
    """Tell whether the text is a card number: 13 to 19 digits that pass Luhn and are not one digit repeated."""
    digits = _digits(text)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(text)


def iban(text: str) -> bool:
    """Tell whether the text is an IBAN by its remainder modulo 97 (ISO 13616-1, ISO 7064 MOD 97-10)."""
    compact = "".join(text.split()).upper()
    if not (15 <= len(compact) <= 34 and compact.isascii() and compact.isalnum()):
        return False
    if not (compact[:2].isalpha() and compact[2:4].isdigit()):
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def phone(text: str) -> bool:
    """Tell whether the text has the 8 to 15 digits of a telephone number (ITU-T E.164), not all the same."""
    digits = _digits(text)
    return 8 <= len(digits) <= 15 and len(set(digits)) > 1


def us_ssn(text: str) -> bool:
    """Tell whether the nine digits may be a US social security number (area not 000, 666 or 9xx; no zero group)."""
    digits = "".join(map(str, _digits(text)))
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return (
        len(digits) == 9
        and area not in {"000", "666"}
        and area[0] != "9"
        and group != "00"
        and serial != "0000"
    )


def ip_address(text: str) -> bool:
    """Tell whether the text is an IPv4 address in dotted decimals, other than 0.0.0.0 and broadcast."""
    parts = text.split(".")
    plain = len(parts) == 4 and all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in parts)
    return plain and all(int(part) <= 255 for part in parts) and text not in {"0.0.0.0", "255.255.255.255"}  # noqa: S104 - compared, not bound


VALIDATORS: dict[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "credit_card": credit_card,
    "iban": iban,
    "phone": phone,
    "us_ssn": us_ssn,
    "ip_address": ip_address,
}
"""Names that a pattern's `validate:` may take."""
