"""Generates and hashes keys, and tells when one is too weak to let anybody in."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections import Counter

PREFIX = "gk_"
"""What a key of ours begins with, so that scanners for leaked secrets can tell it."""

BYTES = 32
MIN_BITS = 80.0
"""What guessing must at least cost, by the frequencies of a key's own characters: 20 random letters have 82."""

WELL_KNOWN = re.compile(
    "sk-1234|sk-|gk_|change[-_ ]?me|pass(?:word|wd|phrase)?|secret|admin(?:istrator)?|guardrails?|letmein|"
    "default|example|sample|master|qwerty|asdf|token|test|demo|root|user|dummy|foobar|foo|bar|"
    "(?:api|my|the|your)?[-_ ]?key|0?123456789?0?|abcdefg?|(?:19|20)\\d\\d|please|replace|insert|here|todo|xxx+",
    re.IGNORECASE,
)
"""What keys from examples and the first guesses of attackers are made of; it counts for nothing."""

REPEATED = re.compile(r"(.+?)\1+", re.DOTALL)


def generate_key() -> str:
    """Return a new key, of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(BYTES)


def hash_key(key: str) -> str:
    """Return what is kept of a key: its SHA-256 as 64 hexadecimal digits. A slow hash is for passwords, which can be guessed;
    keys of 256 random bits cannot.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def find_weakness(key: str) -> str | None:
    """Return why a key lets strangers in, or None where it is hard to guess. Never quotes it."""
    left = REPEATED.sub(r"\1", WELL_KNOWN.sub("", key))
    counts = Counter(left)
    bits = -sum(count * math.log2(count / len(left)) for count in counts.values())
    if bits >= MIN_BITS:
        return None
    return "is made of well-known words" if len(left) < len(key) else "is too short or too regular"
