"""Check digits of numbers of patients, doctors and insured persons. All pure."""

from __future__ import annotations

from guardrails.detectors.pii.identifiers.national_europe import (
    Check,
    compact_form,
    date_parts,
    read_digits,
    short_date,
    weighted_sum,
)
from guardrails.detectors.pii.identifiers.validators import luhn


def us_npi(text: str) -> bool:
    """US provider identifier: begins with 1 or 2, Luhn with 80840 in front (45 CFR 162.406; CMS check digit procedure)."""
    digits = read_digits(text)
    return len(digits) == 10 and digits[0] in {1, 2} and luhn("80840" + "".join(map(str, digits)))


def medical_licence(text: str) -> bool:
    """US DEA registration: first, third and fifth digit and twice the others end in the seventh (21 CFR 1301; DEA)."""
    digits = read_digits(text)[-7:]
    return len(digits) == 7 and (sum(digits[:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def _digit_sum(digits: list[int], weights: tuple[int, ...]) -> int:
    """Return the sum of the digits of each product."""
    return sum(sum(divmod(digit * weight, 10)) for digit, weight in zip(digits, weights, strict=True))


def _spelt(letter: str) -> list[int]:
    """Return a letter as its two digits in the alphabet, 01 to 26."""
    return [*divmod(ord(letter) - 64, 10)]


def de_health_insurance(text: str) -> bool:
    """German insured person's number: the letter as two digits, weights 1 and 2, digit sums modulo 10 (section 290 SGB V)."""
    compact = compact_form(text)
    digits = read_digits(compact[1:])
    if len(compact) != 10 or len(digits) != 9 or not "A" <= compact[0] <= "Z":
        return False
    return _digit_sum(_spelt(compact[0]) + digits[:8], (1, 2) * 5) % 10 == digits[8]


def de_social_security(text: str) -> bool:
    """German pension insurance number: a birth date, a letter, weights 2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1 with digit sums
    modulo 10 (section 147 SGB VI, sections 2 to 4 VKVV). The day is 50 more where two numbers would be the same.
    """
    compact = compact_form(text)
    digits = read_digits(compact)
    if len(compact) != 12 or len(digits) != 11 or not "A" <= compact[8] <= "Z":
        return False
    day, month, year = date_parts(digits[2:])
    spelt = digits[:8] + _spelt(compact[8]) + digits[8:10]
    check = _digit_sum(spelt, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)) % 10
    return check == digits[10] and short_date(year, month, day - 50 if day > 50 else day)


def de_lanr(text: str) -> bool:
    """German physician's number: six digits with weights 4 and 9 modulo 10, two for the field (KBV, section 75(7) SGB V)."""
    digits = read_digits(text)
    return len(digits) == 9 and any(digits[:6]) and -weighted_sum(digits[:6], (4, 9) * 3) % 10 == digits[6]


def de_bsnr(text: str) -> bool:
    """German practice number: nine digits, the first two a region's (KBV); it has no check digit."""
    digits = read_digits(text)
    return len(digits) == 9 and any(digits)


HEALTH: dict[str, Check] = {
    check.__name__: check
    for check in (
        us_npi,
        medical_licence,
        de_health_insurance,
        de_social_security,
        de_lanr,
        de_bsnr,
    )
}
"""Entity → its check."""
