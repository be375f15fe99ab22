"""Tells a secret from a look-alike. Checksums first, then randomness.

Every function is pure and linear in the candidate's length.
"""

from __future__ import annotations

import hashlib
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

Check = Callable[[str], bool]
"""Tells something of a text."""

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)

_PLACEHOLDER = re.compile(r"(?i)x{4}|\*{3}|\.{3}|your|placeholder|change.?me|redacted|insert")
_SPECIMEN = re.compile(r"(?i)(?<![a-z])example|example(?![a-z])|dummy|foobar|123e4567-e89b")
_WELL_KNOWN = frozenset({
    "admin", "default", "empty", "example", "false", "guest", "hunter2", "localhost", "mongo", "mysql", "none", "null",
    "pass", "passwd", "password", "postgres", "postgresql", "pw", "pwd", "rabbitmq", "redis", "root", "secret", "test",
    "testing", "token", "true", "user", "username", "value",
})  # fmt: skip
_REFERENCE = re.compile(r"[$<{\[%(]|.*(?:\$\{|\{\{|\}\}|>$)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TURN = re.compile(r"(?=[A-Za-z][0-9]|[0-9][A-Za-z])")
# Characters of SHA digests in hexadecimal, commits among them. Those of MD5, 32, are left out: many keys have them.
_DIGESTS = frozenset({40, 56, 64, 96, 128})
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+){2,}(?::\d+)?/?")
_DIGEST = re.compile(r"(?:md5|sha\d{1,3})[-:]")


def crc32_base62(token: str) -> bool:
    """Tell whether the last six characters are the CRC-32 of the rest after `_` in base 62 (GitHub, npm)."""
    body = token.rpartition("_")[2]
    return len(body) > 6 and body[-6:] == crc32_digits(body[:-6])


def crc32_digits(body: str) -> str:
    """Return the six base-62 digits of the CRC-32 of an ASCII text."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def bech32(text: str) -> bool:
    """Tell whether the text, in one case, ends in its Bech32 checksum (BIP 173); age keys do."""
    lowered = text.lower()
    prefix, mark, data = lowered.rpartition("1")
    if not mark or not prefix or text not in {lowered, text.upper()} or not {*data} <= {*BECH32}:
        return False
    return data[-6:] == bech32_checksum(prefix, data[:-6])


def bech32_checksum(prefix: str, data: str) -> str:
    """Return the six characters that make `prefix`, `1` and `data`, all in lower case, a Bech32 text."""
    values = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
    whole = _polymod([*values, *map(BECH32.index, data), *[0] * 6]) ^ 1
    return "".join(BECH32[whole >> 5 * (5 - at) & 31] for at in range(6))


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            check ^= generator if top >> bit & 1 else 0
    return check


def base58check(text: str) -> bool:
    """Tell whether the last four bytes of a base-58 text are the double SHA-256 of the rest (Bitcoin keys)."""
    number = 0
    for char in text:
        digit = BASE58.find(char)
        if digit < 0:
            return False
        number = number * 58 + digit
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters in bits for each; 0 for the empty text."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values()) if size else 0.0


def is_placeholder(text: str) -> bool:
    """Tell whether the text only holds a secret's place, or is a word that everybody takes for one: `xxxx`, `your-key-here`,
    `${VAR}`, `<token>`, `changeme`, `password`.
    """
    known = text.lower().strip("_-") in _WELL_KNOWN
    return known or _PLACEHOLDER.search(text) is not None or _REFERENCE.match(text) is not None


def is_stand_in(text: str) -> bool:
    """Tell whether the text is a placeholder, or a specimen of documentation, such as `ghp_EXAMPLE…`."""
    return _SPECIMEN.search(text) is not None or is_placeholder(text)


def has_variety(text: str) -> bool:
    """Tell whether a text is more than a few characters repeated; unlike `is_plausible_secret` it takes words for chance."""
    return entropy(text) >= 2.8


def is_plausible_secret(text: str, is_none: Check = is_stand_in) -> bool:
    """Tell whether a text of a published form may be a real one: neither a stand-in nor a few characters repeated."""
    return has_variety(text) and not is_none(text)


def other_crc32(token: str, is_none: Check = is_stand_in) -> bool:
    """Tell whether a token looks random though its CRC-32 is not right: cut, edited, or of a newer form."""
    return not crc32_base62(token) and is_plausible_secret(token, is_none)


def is_mixed_case_secret(text: str, is_none: Check = is_stand_in) -> bool:
    """Tell whether a text is a plausible secret and has letters of both cases, unlike a file's name that ends in a digest."""
    return is_plausible_secret(text, is_none) and text not in {text.lower(), text.upper()}


def is_compact_key(text: str, is_none: Check = is_stand_in) -> bool:
    """Tell whether `sk-` and a few letters may be a key: no stand-in, no word in small letters, no few signs repeated."""
    body = text.partition("-")[2]
    return len({*body}) >= 4 and not body.replace("_", "").islower() and not is_none(text)


def is_real_password(text: str, is_none: Check = is_stand_in) -> bool:
    """Tell whether the password of a URL is one: not a stand-in, not a well-known default."""
    return len(text) >= 4 and len({*text}) > 2 and not is_none(text)


def is_random_value(text: str, is_none: Check = is_stand_in) -> bool:
    """Tell whether an assigned value of unknown form looks drawn at random: no words, UUID, digest or host.

    Letters and digits must take turns, as in no identifier; the bound on entropy is what 16 drawn characters keep.
    Percent-encoded signs are signs: the letters and digits that write them tell nothing.
    """
    text = _ESCAPE.sub("/", text)
    if (
        len(text) < 16
        or is_none(text)
        or _UUID.fullmatch(text)
        or _HOST.fullmatch(text)
        or _DIGEST.match(text)
    ):
        return False
    hexadecimal = all(char in "0123456789abcdefABCDEF" for char in text)
    if hexadecimal and len(text) in _DIGESTS:
        return False
    turns = len(_TURN.findall(text))
    return entropy(text) >= (3.0 if hexadecimal else 3.5) and turns >= max(3, len(text) // 12)


REPORTED: Final[dict[Check, Check]] = {
    check: partial(check, is_none=is_placeholder)
    for check in (
        is_plausible_secret,
        other_crc32,
        is_mixed_case_secret,
        is_compact_key,
        is_real_password,
        is_random_value,
    )
}
"""Check → the check of a table that reports specimens, too."""
