"""The operator's key: texts in, keyed digests out. Redactions and canaries are made of these.

The key stands in the environment (GUARDRAILS_REDACTION_KEY), never in a policy. Without one, each process draws its own,
so that what is made of it is stable for as long as the process runs.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from guardrails.errors import GuardrailsError

KEY_VARIABLE = "GUARDRAILS_REDACTION_KEY"

LEAST_KEY = 16
"""Bytes of the shortest key: with a shorter one, who sees digests could try all keys."""

_OWN_KEY = os.urandom(32)


def key() -> bytes:
    """Return the operator's key, else this process's own.

    Raises:
        GuardrailsError: the operator's key is too short.
    """
    given = os.environ.get(KEY_VARIABLE, "").encode()
    if not given:
        return _OWN_KEY
    if len(given) < LEAST_KEY:
        raise GuardrailsError(
            f"{KEY_VARIABLE} is shorter than {LEAST_KEY} bytes: set it to a random one, "
            "such as what `openssl rand -hex 32` prints"
        )
    return given


def has_key() -> bool:
    """Tell whether the operator gave a key, which all processes share."""
    return bool(os.environ.get(KEY_VARIABLE))


def digest(*parts: str) -> bytes:
    """Return the keyed digest (HMAC-SHA256) of some texts; no two lists of texts are digested as the same bytes."""
    message = b"".join(len(raw).to_bytes(8, "big") + raw for raw in (_bytes(part) for part in parts))
    return hmac.digest(key(), message, hashlib.sha256)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
