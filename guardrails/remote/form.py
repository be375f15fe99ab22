"""Encodes fields and files as the body of a `multipart/form-data` request (RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form; with `file` it is one of that name and `kind`. Names are this package's own: plain ASCII."""

    name: str
    value: bytes
    file: str | None = None
    kind: str = "application/octet-stream"


def encode_form(fields: Sequence[FormField]) -> tuple[str, bytes]:
    """Return the content type and the body of a form, whose boundary stands in none of the values."""
    boundary = secrets.token_hex(16)
    while any(boundary.encode() in field.value for field in fields):
        boundary = secrets.token_hex(16)
    parts = []
    for field in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field.name}"'
        if field.file is not None:
            head += f'; filename="{field.file}"\r\nContent-Type: {field.kind}'
        parts.append(head.encode("ascii") + b"\r\n\r\n" + field.value + b"\r\n")
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"--{boundary}--\r\n".encode()])
