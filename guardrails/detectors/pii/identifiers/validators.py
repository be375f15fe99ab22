"""Checks of a matched text that a pattern cannot express. All are pure."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable

IBAN_LENGTHS: dict[str, int] = {
    country: int(length)
    for length, countries in (
        item.split(":")
        for item in [
            "15:NO",
            "16:BE BI",
            "18:DK FI FO GL NL SD",
            "19:MK SI",
            "20:AT BA EE KZ LT LU MN XK",
            "21:CH HR LI LV",
            "22:BG BH CR DE GB GE IE ME RS VA",
            "23:AE GI IL IQ OM SO TL",
            "24:AD CZ ES MD PK RO SA SE SK TN VG",
            "25:LY PT ST",
            "26:IS TR",
            "27:BJ DJ DZ FR GR IT MC MR SM",
            "28:AL AZ BF BY CI CY DO GT HU LB MG ML NI PL SN SV",
            "29:BR EG PS QA UA",
            "30:JO KW MU",
            "31:MT SC",
            "32:LC",
            "33:RU",
        ]
    )
    for country in countries.split()
}
"""Country → characters of its IBAN (SWIFT IBAN registry)."""

_ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|3(?:0[0-5]|[689]\d)\d{11,16}|3[47]\d{13}|35\d{14,17}|(?:2131|1800)\d{11}"
    r"|5[0-9]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720|220[0-4])\d{12}|6\d{15,18}|(?:50|5[6-9])\d{17}"
    r"|8[12]\d{14}|9792\d{12}"
)
_USUAL = re.compile(
    r"4\d{15}|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720|220[0-4])\d{12}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d|2\d\d|0\d\d|7\d\d)\d{12}|8[12]\d{14}|9792\d{12}"
)
_BASE58 = {char: at for at, char in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_BECH32 = {char: at for at, char in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}


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
    """Tell whether the text is a card number: 13 to 19 digits that pass Luhn, of a length and with a beginning that card
    networks issue (ISO/IEC 7812), so that times in milliseconds and ISBNs are none.
    """
    digits = _digits(text)
    return _ISSUED.fullmatch("".join(map(str, digits))) is not None and len(set(digits)) > 1 and luhn(text)


def plain_card(text: str) -> bool:
    """Tell whether digits without separators are a card number of the lengths and beginnings that nearly all cards have, so that
    one of ten identifiers of 13 or 19 digits is none because it passes Luhn.
    """
    return _USUAL.fullmatch(text) is not None and credit_card(text)


def iban(text: str) -> bool:
    """Tell whether the text is an IBAN by its country's length and its remainder modulo 97 (ISO 13616-1, ISO 7064).

    Spaces and hyphens are skipped.
    """
    compact = "".join(text.replace("-", " ").split()).upper()
    if not (compact.isascii() and compact.isalnum() and len(compact) == IBAN_LENGTHS.get(compact[:2])):
        return False
    if not compact[2:4].isdigit():
        return False
    return int("".join(str(int(char, 36)) for char in compact[4:] + compact[:4])) % 97 == 1


def phone(text: str) -> bool:
    """Tell whether the text has the 8 to 15 digits of a telephone number (ITU-T E.164), not all the same.

    An extension after `x` or `ext` is not counted.
    """
    digits = _digits(re.split("[xeX]", text, maxsplit=1)[0])
    return 8 <= len(digits) <= 15 and len(set(digits)) > 1


def us_ssn(text: str) -> bool:
    """Tell whether the nine digits may be a US social security number: area not 000, 666 or 9xx, no zero group, none of the
    two that the Social Security Administration declared void because they were printed as specimens.
    """
    digits = "".join(map(str, _digits(text)))
    return (
        us_ssn_form(text)
        and digits[:3] != "666"
        and digits[0] != "9"
        and digits not in {"078051120", "219099999"}
    )


def us_ssn_form(text: str) -> bool:
    """Tell whether the nine digits have the form of a US social security number, given out or not: no group is zeros."""
    digits = "".join(map(str, _digits(text)))
    return len(digits) == 9 and digits[:3] != "000" and digits[3:5] != "00" and digits[5:] != "0000"


def ip_address(text: str) -> bool:
    """Tell whether the text is an IPv4 address in dotted decimals (RFC 791), whatever it is for."""
    parts = text.split(".")
    plain = len(parts) == 4 and all(part.isascii() and part.isdecimal() and len(part) <= 3 for part in parts)
    return plain and all(int(part) <= 255 for part in parts)


def ipv6_address(text: str) -> bool:
    """Tell whether the text is an IPv6 address other than the unspecified one, with its zone or prefix or without
    (RFC 4291, RFC 4007).
    """
    try:
        return not ipaddress.IPv6Interface(text).ip.is_unspecified
    except ValueError:
        return False


def mac_address(text: str) -> bool:
    """Tell whether the text is a MAC address (IEEE 802) other than all zeros and broadcast."""
    return len({char for char in text.lower() if char.isalnum()}) > 1


def base58check(text: str) -> bool:
    """Tell whether the text is 25 bytes of Base58Check: a Bitcoin address of the old kinds, and those like it."""
    if not 25 <= len(text) <= 35 or not {*text} <= {*_BASE58}:
        return False
    number = 0
    for char in text:
        number = number * 58 + _BASE58[char]
    if number.bit_length() > 200:
        return False
    data = number.to_bytes(25, "big")
    leading = len(data) - len(data.lstrip(b"\0"))
    ones = len(text) - len(text.lstrip("1"))
    return leading == ones and hashlib.sha256(hashlib.sha256(data[:21]).digest()).digest()[:4] == data[21:]


def bech32(text: str) -> bool:
    """Tell whether the text is a Bitcoin address in Bech32 or Bech32m (BIP 173, BIP 350)."""
    lower = text.lower()
    prefix, _, data = lower.rpartition("1")
    if text not in {lower, text.upper()} or len(text) > 90 or not {*data} <= {*_BECH32}:
        return False
    check = 1
    high, low = [ord(char) >> 5 for char in prefix], [ord(char) & 31 for char in prefix]
    for value in (*high, 0, *low, *(_BECH32[char] for char in data)):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for at, part in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= part if top >> at & 1 else 0
    return check in {1, 0x2BC830A3}


def crypto_address(text: str) -> bool:
    """Tell whether the text is an address of a crypto currency: Ethereum by its form, Bitcoin and the like by checksum."""
    if text.startswith("0x"):
        return len({*text[2:].lower()}) > 4
    return bech32(text) if text[:3].lower() == "bc1" else base58check(text)


VALIDATORS: dict[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "credit_card": credit_card,
    "iban": iban,
    "phone": phone,
    "us_ssn": us_ssn,
    "ip_address": ip_address,
}
"""Names that a pattern's `validate:` may take."""
