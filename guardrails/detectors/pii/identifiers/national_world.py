"""Check digits of national and tax numbers beyond Europe."""

from __future__ import annotations

from collections.abc import Sequence

from guardrails.detectors.pii.identifiers.national_europe import (
    Check,
    compact_form,
    date_parts,
    is_date,
    read_digits,
    short_date,
    weighted_sum,
)
from guardrails.detectors.pii.identifiers.validators import luhn


def us_itin(text: str) -> bool:
    """US ITIN: begins with 9, groups 50-65, 70-88, 90-92 and 94-99 (IRS Publication 1915)."""
    digits = read_digits(text)
    group = digits[3] * 10 + digits[4] if len(digits) == 9 else 0
    return len(digits) == 9 and digits[0] == 9 and group >= 50 and group not in {*range(66, 70), 89, 93}


def _mod11_pair(digits: Sequence[int], weights: Sequence[int]) -> bool:
    """Tell whether the last two digits are the Brazilian check digits for the weights (the second's, one longer)."""
    for length in (len(digits) - 2, len(digits) - 1):
        rest = weighted_sum(digits, weights[len(weights) - length :]) % 11
        if digits[length] != (0 if rest < 2 else 11 - rest):
            return False
    return len({*digits}) > 1


def br_cpf(text: str) -> bool:
    """Brazilian CPF: two check digits modulo 11 (Receita Federal)."""
    digits = read_digits(text)
    return len(digits) == 11 and _mod11_pair(digits, range(11, 1, -1))


def br_cnpj(text: str) -> bool:
    """Brazilian CNPJ: two check digits modulo 11, weights 2 to 9 in turn (Receita Federal)."""
    digits = read_digits(text)
    return len(digits) == 14 and _mod11_pair(digits, (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2))


def mx_curp(text: str) -> bool:
    """Mexican CURP: weights 18 to 2 over the places in 0-9A-NÑO-Z, modulo 10 (RENAPO, DOF 18 October 2021)."""
    compact = compact_form(text)
    if len(compact) != 18:
        return False
    values = ["0123456789ABCDEFGHIJKLMN\u00d1OPQRSTUVWXYZ".find(char) for char in compact]
    return -1 not in values and -weighted_sum(values[:17], range(18, 1, -1)) % 10 == values[17]


def ar_cuit(text: str) -> bool:
    """Argentine CUIT and CUIL: modulo 11 with weights 5 to 2 and 7 to 2 (AFIP RG 10/97)."""
    digits = read_digits(text)
    return (
        len(digits) == 11
        and any(digits)
        and weighted_sum(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    )


def cl_rut(text: str) -> bool:
    """Chilean RUT: modulo 11 with weights 2 to 7 from the right, K for ten (Registro Civil)."""
    compact = compact_form(text)
    total = sum(
        int(char) * (2 + place % 6) for place, char in enumerate(reversed(compact[:-1])) if char.isdecimal()
    )
    return len(compact) in {8, 9} and "0K987654321"[total % 11] == compact[-1]


_PERMUTED = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def verhoeff(text: str) -> bool:
    """Verhoeff's check in the dihedral group of ten (J. Verhoeff, Error Detecting Decimal Codes, 1969)."""
    total = 0
    for place, digit in enumerate(reversed(read_digits(text))):
        value = digit
        for _ in range(place % 8):
            value = _PERMUTED[value]
        turned = (total - value if total > 4 else total + value) % 5
        total = turned + 5 * ((total > 4) != (value > 4))
    return total == 0


def in_aadhaar(text: str) -> bool:
    """Indian Aadhaar: 12 digits that begin with 2 to 9, Verhoeff (UIDAI numbering scheme)."""
    digits = read_digits(text)
    return len(digits) == 12 and digits[0] > 1 and verhoeff(text)


def au_tfn(text: str) -> bool:
    """Australian TFN: weights 1, 4, 3, 7, 5, 8, 6, 9, 10 modulo 11 (ATO)."""
    digits = read_digits(text)
    return len(digits) == 9 and any(digits) and weighted_sum(digits, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def au_abn(text: str) -> bool:
    """Australian ABN: one less in the first digit, weights 10, 1, 3 to 19, modulo 89 (ABR)."""
    digits = read_digits(text)
    weights = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
    return len(digits) == 11 and digits[0] > 0 and (weighted_sum(digits, weights) - 10) % 89 == 0


def au_medicare(text: str) -> bool:
    """Australian Medicare: begins with 2 to 6; the ninth digit is the weighted sum modulo 10 (Services Australia)."""
    digits = read_digits(text)
    return (
        len(digits) in {10, 11}
        and 2 <= digits[0] <= 6
        and weighted_sum(digits[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == digits[8]
    )


def ca_sin(text: str) -> bool:
    """Canadian SIN: nine digits with Luhn, none begins with 8 (Service Canada)."""
    digits = read_digits(text)
    return len(digits) == 9 and digits[0] not in {0, 8} and luhn(text)


def sg_nric(text: str) -> bool:
    """Singapore NRIC and FIN: weights 2, 7 to 2 modulo 11, offset 4 for T and G, 3 for M (ICA)."""
    compact = compact_form(text)
    if len(compact) != 9 or compact[0] not in "STFGM":
        return False
    total = weighted_sum(read_digits(compact), (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(
        compact[0], 0
    )
    letters = {
        "S": "JZIHGFEDCBA",
        "T": "JZIHGFEDCBA",
        "F": "XWUTRQPNMLK",
        "G": "XWUTRQPNMLK",
        "M": "KLJNPQRTUWX",
    }
    rest = total % 11
    return letters[compact[0]][10 - rest if compact[0] == "M" else rest] == compact[8]


def kr_dated(text: str) -> bool:
    """Tell whether 13 digits begin with a birth date of the century that the seventh tells, as all Korean numbers do."""
    digits = read_digits(text)
    if len(digits) != 13:
        return False
    year, month, day = date_parts(digits)
    return is_date((1900 if digits[6] in {1, 2, 5, 6} else 2000) + year, month, day)


def kr_rrn(text: str) -> bool:
    """Korean RRN: a date, a century digit and modulo 11, as numbers before October 2020 have it (MOIS)."""
    digits = read_digits(text)
    return (
        kr_dated(text)
        and (11 - weighted_sum(digits, _KOREAN) % 11) % 10 == digits[12]
        and digits[6] not in {5, 6, 7, 8}
    )


def kr_frn(text: str) -> bool:
    """Korean FRN: a foreigner's RRN, century digit 5 to 8; the check digit is 2 more, or none since October 2020 (MOJ)."""
    digits = read_digits(text)
    return (
        kr_dated(text)
        and (13 - weighted_sum(digits, _KOREAN) % 11) % 10 == digits[12]
        and digits[6] in {5, 6, 7, 8}
    )


_KOREAN = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)


def th_tnin(text: str) -> bool:
    """Thai national number: a kind of 1 to 8, a province, weights 13 to 2 modulo 11 (DOPA, Ministry of Interior)."""
    digits = read_digits(text)
    if len(digits) != 13 or not 1 <= digits[0] <= 8:
        return False
    province = digits[1] * 10 + digits[2]
    known = province >= 10 and province not in {28, 29, 59, 68, 69, 78, 79, 87, 88, 89, 97, 98, 99}
    return known and (11 - weighted_sum(digits, range(13, 1, -1)) % 11) % 10 == digits[12]


def jp_my_number(text: str) -> bool:
    """Japanese My Number: modulo 11 with weights 2 to 7 and 2 to 6 from the right (MIC ordinance 85 of 2014, article 5)."""
    digits = read_digits(text)
    if len(digits) != 12 or len({*digits}) == 1:
        return False
    rest = weighted_sum(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return digits[11] == (0 if rest < 2 else 11 - rest)


def cn_resident_id(text: str) -> bool:
    """Chinese resident id: a date and ISO 7064 MOD 11-2 (GB 11643-1999)."""
    compact = compact_form(text)
    if len(compact) != 18 or not compact[:17].isdecimal():
        return False
    total = sum(int(char) * pow(2, 17 - place, 11) for place, char in enumerate(compact[:17]))
    born = is_date(int(compact[6:10]), int(compact[10:12]), int(compact[12:14]))
    return born and "10X98765432"[total % 11] == compact[17]


def tr_tckn(text: str) -> bool:
    """Turkish identity number: the tenth digit from odd and even places, the eleventh the sum modulo 10 (NVI)."""
    digits = read_digits(text)
    return (
        len(digits) == 11
        and digits[0] != 0
        and (7 * sum(digits[0:9:2]) - sum(digits[1:8:2])) % 10 == digits[9]
        and sum(digits[:10]) % 10 == digits[10]
    )


def il_id(text: str) -> bool:
    """Israeli identity number: nine digits with Luhn (Population and Immigration Authority)."""
    digits = read_digits(text)
    return len(digits) == 9 and any(digits) and luhn(text)


def za_id(text: str) -> bool:
    """South African identity number: a date, citizenship 0 or 1, Luhn (Department of Home Affairs)."""
    digits = read_digits(text)
    return len(digits) == 13 and digits[10] < 3 and short_date(*date_parts(digits)) and luhn(text)


WORLD: dict[str, Check] = {
    check.__name__: check
    for check in (
        us_itin,
        br_cpf,
        br_cnpj,
        mx_curp,
        ar_cuit,
        cl_rut,
        in_aadhaar,
        au_tfn,
        au_abn,
        au_medicare,
        ca_sin,
        sg_nric,
        kr_rrn,
        kr_frn,
        th_tnin,
        jp_my_number,
        cn_resident_id,
        tr_tckn,
        il_id,
        za_id,
    )
}
"""Entity → its check."""
