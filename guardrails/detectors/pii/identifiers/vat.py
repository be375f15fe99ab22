"""Checks VAT identification numbers of the European Union's members and the United Kingdom.

The forms are those of the Commission's VIES ("VAT identification number structure"), the check digits those of each
member's tax administration. What has no published check, or several of which any may hold, passes by its form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from guardrails.detectors.pii.identifiers.national_europe import (
    Check,
    compact_form,
    es_dni,
    mod11_10,
    nl_bsn,
    read_digits,
    weighted_sum,
)
from guardrails.detectors.pii.identifiers.validators import luhn


def _weighted_check(weights: Sequence[int], modulus: int, rest: int = 0) -> Check:
    """Return a check: the weighted sum of the digits leaves this rest."""
    return lambda text: weighted_sum(read_digits(text), weights) % modulus == rest


def _at(text: str) -> bool:
    """Austria: Luhn's sum of the first seven digits and 4, to the next ten (BMF, UID-Nummer)."""
    digits = read_digits(text)
    total = sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(digits[:7]))
    return (6 - total) % 10 == digits[7]


def _be(text: str) -> bool:
    """Belgium: 97 less the first eight digits modulo 97 (KBO/BCE)."""
    return 97 - int(text[:8]) % 97 == int(text[8:])


def _bg(text: str) -> bool:
    """Bulgaria: nine digits with weights 1 to 8 modulo 11, at a rest of 10 with 3 to 10; ten digits are a person's."""
    digits = read_digits(text)
    if len(digits) == 10:
        return True
    rest = weighted_sum(digits, range(1, 9)) % 11
    return digits[8] == (rest if rest < 10 else weighted_sum(digits, range(3, 11)) % 11 % 10)


def _cy(text: str) -> bool:
    """Cyprus: the codice fiscale's values of odd places, modulo 26."""
    digits = read_digits(text)
    odd = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
    return chr((sum(odd[digit] for digit in digits[::2]) + sum(digits[1::2])) % 26 + 65) == text[8]


def _cz(text: str) -> bool:
    """Czechia: eight digits with weights 8 to 2 modulo 11; nine or ten are a person's."""
    digits = read_digits(text)
    return len(digits) > 8 or (11 - weighted_sum(digits, range(8, 1, -1)) % 11) % 10 == digits[7]


def _el(text: str) -> bool:
    """Greece: weights 256 to 2 modulo 11, ten counts as 0 (AADE)."""
    digits = read_digits(text)
    return weighted_sum(digits, (256, 128, 64, 32, 16, 8, 4, 2)) % 11 % 10 == digits[8]


def _es(text: str) -> bool:
    """Spain: a person's DNI or NIE, else Luhn's digit or the letter for it (Orden EHA/451/2008)."""
    if text[0].isdigit() or text[0] in "XYZ":
        return es_dni(text)
    check = next(digit for digit in range(10) if luhn(f"{text[1:8]}{digit}"))
    return text[0] in "KLM" or text[8] in {str(check), "JABCDEFGHI"[check]}


def _fr(text: str) -> bool:
    """France: SIREN by Luhn, and 12 and three times it modulo 97 in front, if that is of digits (CGI, annexe)."""
    siren = text[2:]
    return luhn(siren) and (not text[:2].isdigit() or (12 + 3 * (int(siren) % 97)) % 97 == int(text[:2]))


def _ie(text: str) -> bool:
    """Ireland: weights 8 to 2, the letter behind times 9, modulo 23; an old form with a letter second passes."""
    if not text[1].isdigit():
        return True
    second = ord(text[8]) - 64 if len(text) == 9 else 0
    total = weighted_sum(read_digits(text[:7]), range(8, 1, -1)) + 9 * second
    return "WABCDEFGHIJKLMNOPQRSTUV"[total % 23] == text[7]


def _lt(text: str) -> bool:
    """Lithuania: weights 1 to 9 in turn modulo 11, at a rest of 10 begun with 3."""
    *digits, check = read_digits(text)
    rests = [sum(digit * ((at + begin) % 9 + 1) for at, digit in enumerate(digits)) % 11 for begin in (0, 2)]
    return check == (rests[0] if rests[0] < 10 else rests[1] % 10)


def _lv(text: str) -> bool:
    """Latvia: a company's weights 9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1 modulo 11 leave 3; those under 4 are persons."""
    digits = read_digits(text)
    return digits[0] < 4 or weighted_sum(digits, (9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1)) % 11 == 3


def _nl(text: str) -> bool:
    """Netherlands: a BSN or RSIN, or since 2020 ISO 7064 MOD 97-10 over all with NL in front (Belastingdienst)."""
    return nl_bsn(text[:9]) or int("".join(str(int(char, 36)) for char in "NL" + text)) % 97 == 1


def _ro(text: str) -> bool:
    """Romania: weights 7, 5, 3, 2, 1, 7, 5, 3, 2, ten times the sum modulo 11, ten counts as 0 (CUI)."""
    *digits, check = read_digits(text)
    return weighted_sum(digits[::-1], (2, 3, 5, 7, 1, 2, 3, 5, 7)) * 10 % 11 % 10 == check


def _si(text: str) -> bool:
    """Slovenia: weights 8 to 2 modulo 11; a check of 10 is written 0 (FURS)."""
    digits = read_digits(text)
    check = 11 - weighted_sum(digits, range(8, 1, -1)) % 11
    return check < 11 and check % 10 == digits[7]


def _gb(text: str) -> bool:
    """United Kingdom: weights 8 to 2 and the last two digits leave 0 or 42 modulo 97 (HMRC, Notice 700)."""
    total = weighted_sum(read_digits(text), (8, 7, 6, 5, 4, 3, 2, 10, 1))
    return total % 97 == 0 or (total + 55) % 97 == 0


# State → what follows its two letters, without separators, and the check of that.
STATES: dict[str, tuple[str, Check]] = {
    "AT": (r"U\d{8}", _at),
    "BE": (r"[01]\d{9}", _be),
    "BG": (r"\d{9,10}", _bg),
    "CY": (r"\d{8}[A-Z]", _cy),
    "CZ": (r"\d{8,10}", _cz),
    "DE": (r"[1-9]\d{8}", mod11_10),
    "DK": (r"[1-9]\d{7}", _weighted_check((2, 7, 6, 5, 4, 3, 2, 1), 11)),
    "EE": (r"10\d{7}", _weighted_check((3, 7, 1, 3, 7, 1, 3, 7, 1), 10)),
    "EL": (r"\d{9}", _el),
    "ES": (r"[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z]", _es),
    "FI": (r"\d{8}", _weighted_check((7, 9, 10, 5, 8, 4, 2, 1), 11)),
    "FR": (r"[A-HJ-NP-Z0-9]{2}\d{9}", _fr),
    "GB": (r"\d{9}", _gb),
    "HR": (r"\d{11}", mod11_10),
    "HU": (r"\d{8}", _weighted_check((9, 7, 3, 1, 9, 7, 3, 1), 10)),
    "IE": (r"\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W]", _ie),
    "IT": (r"\d{11}", luhn),
    "LT": (r"\d{9}|\d{12}", _lt),
    "LU": (r"\d{8}", lambda text: int(text[:6]) % 89 == int(text[6:])),
    "LV": (r"\d{11}", _lv),
    "MT": (r"[1-9]\d{7}", _weighted_check((3, 4, 6, 7, 8, 9, 10, 1), 37)),
    "NL": (r"\d{9}B\d{2}", _nl),
    "PL": (r"\d{10}", _weighted_check((6, 5, 7, 2, 3, 4, 5, 6, 7, -1), 11)),
    "PT": (
        r"[1-9]\d{8}",
        lambda text: (-weighted_sum(read_digits(text), range(9, 1, -1)) % 11) % 10 == int(text[8]),
    ),
    "RO": (r"[1-9]\d{5,9}", _ro),
    "SE": (r"\d{10}01", lambda text: luhn(text[:10])),
    "SI": (r"[1-9]\d{7}", _si),
    "SK": (r"[1-9]\d[2-47-9]\d{7}", lambda text: int(text) % 11 == 0),
    "XI": (r"\d{9}", _gb),
}
_FORMS = {state: re.compile(form) for state, (form, _) in STATES.items()}


def eu_vat_id(text: str) -> bool:
    """VAT identification number with its state in front, separators skipped; all zeros are none."""
    compact = compact_form(text)
    state, rest = compact[:2], compact[2:]
    form = _FORMS.get(state)
    if form is None or not rest.isascii() or form.fullmatch(rest) is None:
        return False
    return any(char in rest for char in "123456789") and STATES[state][1](rest)
