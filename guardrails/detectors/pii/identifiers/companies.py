"""Check digits of numbers of companies, banks and their branches. All are pure."""

from __future__ import annotations

from guardrails.detectors.pii.identifiers.national_europe import (
    Check,
    compact_form,
    read_digits,
    weighted_sum,
)
from guardrails.detectors.pii.identifiers.validators import luhn
from guardrails.detectors.pii.identifiers.vat import eu_vat_id

_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def in_gstin(text: str) -> bool:
    """Indian GSTIN: a state (01 to 38, 97), a PAN, and a check in base 36 with weights 1 and 2 (GSTN, Rule 10 CGST 2017)."""
    compact = compact_form(text)
    if len(compact) != 15 or not {*compact} <= {*_BASE36} or not in_state(compact):
        return False
    parts = [_BASE36.index(char) * (1 + place % 2) for place, char in enumerate(compact[:14])]
    return _BASE36[-sum(sum(divmod(part, 36)) for part in parts) % 36] == compact[14]


def in_state(text: str) -> bool:
    """Tell whether the first two digits are a state of India: what a GSTIN that is announced as one must have."""
    first = text[:2]
    return first.isdecimal() and (1 <= int(first) <= 38 or int(first) == 97)


def it_partita_iva(text: str) -> bool:
    """Italian VAT number: eleven digits with Luhn, the office 001 to 100 or 120, 121, 888, 999 (DPR 633/1972, article 35)."""
    digits = read_digits(text)
    if len(digits) != 11 or not any(digits[:7]):
        return False
    office = digits[7] * 100 + digits[8] * 10 + digits[9]
    return (1 <= office <= 100 or office in {120, 121, 888, 999}) and luhn("".join(map(str, digits)))


def kr_brn(text: str) -> bool:
    """Korean business number: weights 1, 3, 7 in turn and 5, whose product's tens count too, modulo 10 (NTS)."""
    digits = read_digits(text)
    if len(digits) != 10 or not any(digits):
        return False
    total = weighted_sum(digits, (1, 3, 7, 1, 3, 7, 1, 3, 5)) + digits[8] * 5 // 10
    return -total % 10 == digits[9]


def se_organisationsnummer(text: str) -> bool:
    """Swedish organisation number: ten digits, a first one of 1 to 3 or 5 to 9, a third of 2 or more, Luhn (SKV 709)."""
    digits = read_digits(text)[-10:]
    return len(digits) == 10 and digits[0] not in {0, 4} and digits[2] > 1 and luhn("".join(map(str, digits)))


def au_acn(text: str) -> bool:
    """Australian company number: weights 8 to 1 modulo 10 (Corporations Regulations 2001; ASIC)."""
    digits = read_digits(text)
    return len(digits) == 9 and any(digits) and -weighted_sum(digits, range(8, 0, -1)) % 10 == digits[8]


def ph_tin(text: str) -> bool:
    """Philippine TIN: weights 9 to 2 modulo 11 give the ninth digit; a branch of three or five may follow (BIR)."""
    digits = read_digits(text)
    return (
        len(digits) in {9, 12, 14} and any(digits) and weighted_sum(digits, range(9, 1, -1)) % 11 == digits[8]
    )


_UEN = "ABCDEFGHJKLMNPQRSTUVWX0123456789"


def sg_uen(text: str) -> bool:
    """Singaporean entity number in its three forms (ACRA): businesses, companies, and others, each with its letter."""
    compact = compact_form(text)
    if compact[:-1].isdecimal() and len(compact) == 9:
        return "XMKECAWLJDB"[weighted_sum(read_digits(compact), (10, 4, 9, 3, 8, 2, 7, 1)) % 11] == compact[8]
    if compact[:-1].isdecimal() and len(compact) == 10:
        return (
            "ZKCMDNERGWH"[weighted_sum(read_digits(compact), (10, 8, 6, 4, 9, 7, 5, 3, 1)) % 11] == compact[9]
        )
    if len(compact) != 10 or not {*compact} <= {*_UEN}:
        return False
    values = [_UEN.index(char) for char in compact]
    return _UEN[(weighted_sum(values, (4, 3, 5, 3, 10, 2, 2, 5, 7)) - 5) % 11] == compact[9]


def us_aba_routing(text: str) -> bool:
    """US routing number: a Federal Reserve district in front, weights 3, 7, 1 modulo 10 (ABA Key to Routing Numbers)."""
    digits = read_digits(text)
    if len(digits) != 9 or not any(digits):
        return False
    first = digits[0] * 10 + digits[1]
    district = first <= 12 or 21 <= first <= 32 or 61 <= first <= 72 or first == 80
    return district and weighted_sum(digits, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


_COUNTRIES = (
    "AD AE AF AG AI AL AM AO AR AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL CM "
    "CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GT "
    "GU GW GY HK HN HR HT HU ID IE IL IM IN IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU "
    "LV LY MA MC MD ME MG MH MK ML MM MN MO MQ MR MS MT MU MV MW MX MY MZ NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL "
    "PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SK SL SM SN SO SR SS ST SV SY SZ TC TD TG TH TJ TL TM TN TO TR TT "
    "TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WS XK YE ZA ZM ZW"
)


def swift_bic(text: str) -> bool:
    """Business identifier code: a country in the fifth and sixth place (ISO 9362, ISO 3166-1); it has no check digit."""
    return len(text) in {8, 11} and text[4:6] in _COUNTRIES.split()


COMPANIES: dict[str, Check] = {
    check.__name__: check
    for check in (
        eu_vat_id,
        in_gstin,
        it_partita_iva,
        kr_brn,
        se_organisationsnummer,
        au_acn,
        ph_tin,
        sg_uen,
        us_aba_routing,
        swift_bic,
    )
}
"""Entity → its check."""
