"""Check digits of European national and tax numbers. All are pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date

from guardrails.detectors.pii.identifiers.validators import luhn

Check = Callable[[str], bool]


def read_digits(text: str) -> list[int]:
    """Return the digits, of any script."""
    return [int(char) for char in text if char.isdecimal()]


def compact_form(text: str) -> str:
    """Return letters and digits alone, in capitals."""
    return "".join(char for char in text if char.isalnum()).upper()


def weighted_sum(digits: Sequence[int], weights: Sequence[int]) -> int:
    """Return the weighted sum of as many digits as there are weights, or the other way round."""
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def is_date(year: int, month: int, day: int) -> bool:
    """Tell whether the day exists in the calendar."""
    try:
        date(year, month, day)
    except (ValueError, OverflowError):
        return False
    return True


def short_date(year: int, month: int, day: int) -> bool:
    """Tell the same for a year of two digits, in this century or the last."""
    return is_date(1900 + year, month, day) or is_date(2000 + year, month, day)


def date_parts(digits: Sequence[int]) -> tuple[int, int, int]:
    """Return the three two-digit numbers in front."""
    return digits[0] * 10 + digits[1], digits[2] * 10 + digits[3], digits[4] * 10 + digits[5]


def uk_nino(text: str) -> bool:
    """UK National Insurance number: prefixes never issued are refused (HMRC manual NIM39110); it has no check digit."""
    return compact_form(text)[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def uk_nhs(text: str) -> bool:
    """NHS number: modulo 11 with weights 10 to 2 (NHS data dictionary, NHS NUMBER)."""
    digits = read_digits(text)
    return (
        len(digits) == 10
        and len({*digits}) > 1
        and (11 - weighted_sum(digits, range(10, 1, -1)) % 11) % 11 == digits[9]
    )


def mod11_10(text: str) -> bool:
    """ISO 7064 MOD 11,10 over all digits."""
    digits = read_digits(text)
    product = 10
    for digit in digits[:-1]:
        product = ((digit + product) % 10 or 10) * 2 % 11
    return bool(digits) and (11 - product) % 10 == digits[-1]


def de_tax_id(text: str) -> bool:
    """German tax id: 11 digits, no leading zero, of the first ten exactly one digit twice or three times, ISO 7064 MOD 11,10
    (section 139b AO; ELSTER test procedure).
    """
    digits = read_digits(text)
    repeated = [count for count in Counter(digits[:10]).values() if count > 1]
    return len(digits) == 11 and digits[0] != 0 and repeated in ([2], [3]) and mod11_10(text)


def de_id_card(text: str) -> bool:
    """German identity card: nine characters, three digits among them, and if it follows the check digit with weights 7, 3, 1
    modulo 10 (ICAO Doc 9303 part 3; PAuswV, annex 1).
    """
    compact = compact_form(text)
    if not compact.isascii() or len(compact) not in {9, 10} or len(read_digits(compact)) < 3:
        return False
    return (
        len(compact) == 9
        or str(weighted_sum([int(char, 36) for char in compact[:9]], (7, 3, 1) * 3) % 10) == compact[9]
    )


def fr_nir(text: str) -> bool:
    """French NIR: 97 minus the first 13 digits modulo 97; Corsica's 2A and 2B count as 19 and 18 (INSEE)."""
    compact = compact_form(text).replace("2A", "19").replace("2B", "18")
    return len(compact) == 15 and compact.isdecimal() and 97 - int(compact[:13]) % 97 == int(compact[13:])


def es_dni(text: str) -> bool:
    """Spanish DNI and NIE: the letter is the number modulo 23; X, Y, Z stand for 0, 1, 2 (Real Decreto 1553/2005).

    Zeros in front may be left out.
    """
    compact = compact_form(text)
    number = compact[:-1].translate(str.maketrans("XYZ", "012"))
    return (
        len(compact) in {8, 9}
        and number.isdecimal()
        and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == compact[-1]
    )


_CF_ODD = dict(
    zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25,
         24, 23), strict=True)
)  # fmt: skip


def it_codice_fiscale(text: str) -> bool:
    """Italian codice fiscale: odd and even tables, modulo 26 (Decreto Ministeriale 23 December 1976)."""
    compact = compact_form(text)
    if len(compact) != 16 or not compact.isascii():
        return False
    odd = sum(_CF_ODD[char] for char in compact[:15:2])
    even = sum(int(char) if char.isdecimal() else ord(char) - 65 for char in compact[1:15:2])
    return chr((odd + even) % 26 + 65) == compact[15]


def nl_bsn(text: str) -> bool:
    """Dutch BSN: the 11-proof with weights 9 to 2 and -1 (Wet algemene bepalingen burgerservicenummer)."""
    digits = read_digits(text)
    return len(digits) == 9 and any(digits) and weighted_sum(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def be_national_number(text: str) -> bool:
    """Belgian national number: 97 minus the first 9 digits modulo 97, a 2 before them from 2000 on (KB 3 April 1984)."""
    digits = "".join(map(str, read_digits(text)))
    if len(digits) != 11:
        return False
    check = int(digits[9:])
    return any(97 - int(lead + digits[:9]) % 97 == check for lead in ("", "2"))


def pt_nif(text: str) -> bool:
    """Portuguese NIF: modulo 11 with weights 9 to 2, remainders under 2 give 0 (Decreto-Lei 14/2013)."""
    digits = read_digits(text)
    if len(digits) != 9 or digits[0] in {0, 4}:
        return False
    rest = weighted_sum(digits, range(9, 1, -1)) % 11
    return digits[8] == (0 if rest < 2 else 11 - rest)


def pl_pesel(text: str) -> bool:
    """Polish PESEL: weights 1, 3, 7, 9 modulo 10, and a birth date whose month tells the century (Act of 24 September 2010)."""
    digits = read_digits(text)
    if len(digits) != 11 or weighted_sum(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10:
        return False
    year, month, day = date_parts(digits)
    return is_date((1900, 2000, 2100, 2200, 1800)[month // 20] + year, month % 20, day)


def pl_nip(text: str) -> bool:
    """Polish NIP: weights 6, 5, 7, 2 to 7 modulo 11 (Act of 13 October 1995)."""
    digits = read_digits(text)
    return (
        len(digits) == 10
        and any(digits)
        and weighted_sum(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == digits[9]
    )


def se_personnummer(text: str) -> bool:
    """Swedish personnummer: a date (day + 60 for co-ordination numbers) and Luhn over ten digits (SKV 704)."""
    digits = read_digits(text)[-10:]
    if len(digits) != 10:
        return False
    year, month, day = date_parts(digits)
    return short_date(year, month, day - 60 if day > 60 else day) and luhn("".join(map(str, digits)))


def no_fodselsnummer(text: str) -> bool:
    """Norwegian birth number: two check digits modulo 11; day + 40 for D-numbers (Skatteetaten)."""
    digits = read_digits(text)
    if len(digits) != 11:
        return False
    day, month, year = date_parts(digits)
    first = weighted_sum(digits, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11
    second = weighted_sum(digits, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11
    return first == second == 0 and short_date(year, month, day - 40 if day > 40 else day)


def dk_cpr(text: str) -> bool:
    """Danish CPR: a date; its check digit has not been kept since 2007 (CPR-kontoret)."""
    digits = read_digits(text)
    if len(digits) != 10:
        return False
    day, month, year = date_parts(digits)
    return short_date(year, month, day)


def fi_hetu(text: str) -> bool:
    """Finnish HETU: date and number modulo 31 give the last character (DVV)."""
    digits = read_digits(text[:10])
    if len(digits) != 9:
        return False
    day, month, year = date_parts(digits)
    number = int("".join(map(str, digits)))
    return short_date(year, month, day) and "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == text[-1].upper()


def ch_ahv(text: str) -> bool:
    """Swiss AHV number: 13 digits from 756 with the check digit of EAN-13 (BSV)."""
    digits = read_digits(text)
    return len(digits) == 13 and digits[:3] == [7, 5, 6] and weighted_sum(digits, (1, 3) * 6 + (1,)) % 10 == 0


def at_svnr(text: str) -> bool:
    """Austrian insurance number: the fourth digit is the weighted sum of the others modulo 11 (section 31 ASVG)."""
    digits = read_digits(text)
    return (
        len(digits) == 10
        and digits[0] != 0
        and weighted_sum(digits, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6)) % 11 == digits[3]
    )


def ie_pps(text: str) -> bool:
    """Irish PPS number: weights 8 to 2, the second letter times 9, modulo 23 (Social Welfare Consolidation Act 2005)."""
    compact = compact_form(text)
    second = ord(compact[8]) - 64 if len(compact) == 9 and compact[8] != "W" else 0
    return len(compact) in {8, 9} and "WABCDEFGHIJKLMNOPQRSTUV"[
        (weighted_sum(read_digits(compact[:7]), range(8, 1, -1)) + 9 * second) % 23
    ] == compact[7]  # fmt: skip


EUROPE: dict[str, Check] = {
    check.__name__: check
    for check in (
        uk_nino,
        uk_nhs,
        de_tax_id,
        de_id_card,
        fr_nir,
        es_dni,
        it_codice_fiscale,
        nl_bsn,
        be_national_number,
        pt_nif,
        pl_pesel,
        pl_nip,
        se_personnummer,
        no_fodselsnummer,
        dk_cpr,
        fi_hetu,
        ch_ahv,
        at_svnr,
        ie_pps,
    )
}
"""Entity → its check."""
