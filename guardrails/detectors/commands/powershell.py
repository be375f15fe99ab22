"""What PowerShell runs that the grammar of bash does not read: encoded commands, expressions that load code down and run it."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

_RUNS: Final = r"(?:\biex\b|\binvoke-expression\b|\[scriptblock\]::create|\binvoke-command\b|&\s*\()"
_LOADS: Final = (
    r"(?:\biwr\b|\birm\b|invoke-webrequest|invoke-restmethod|downloadstring|downloaddata|downloadfile|start-bitstransfer"
    r"|net\.webclient|system\.net\.http|\bcurl\b|\bwget\b)"
)
_DOWNLOADS_AND_RUNS: Final = re.compile(
    rf"(?is){_RUNS}.{{0,600}}?{_LOADS}|{_LOADS}.{{0,600}}?(?:\|\s*|;\s*){_RUNS}"
)
_DECODES_AND_RUNS: Final = re.compile(
    rf"(?is){_RUNS}.{{0,300}}?frombase64string|frombase64string.{{0,600}}?{_RUNS}"
)
_REVERSE_SHELL: Final = re.compile(
    r"(?is)net\.sockets\.(?:tcpclient|udpclient).{0,1500}?(?:iex|invoke-expression|cmd\.exe|getstream)"
)


def is_encoded_option(word: str) -> bool:
    """Tell whether a word is `-EncodedCommand` or a beginning of it."""
    name = word.lower().lstrip("-/\u2013\u2014\u2015")
    return len(name) < len(word) and name[:1] == "e" and ("encodedcommand".startswith(name) or name == "ec")


def decode_powershell(encoded: str) -> str:
    """Return the text of an encoded command, "" where it is none."""
    try:
        data = base64.b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4))
    except (ValueError, binascii.Error):
        return ""
    return data.decode("utf-16-le", "replace")


def powershell_leaves(text: str) -> list[tuple[str, int, int]]:
    """Return what expressions of PowerShell in a text would do, with from where to where they stand."""
    rows = (
        ("download_and_run", _DOWNLOADS_AND_RUNS),
        ("run_encoded", _DECODES_AND_RUNS),
        ("reverse_shell", _REVERSE_SHELL),
    )
    return [(leaf, found.start(), found.end()) for leaf, pattern in rows for found in pattern.finditer(text)]
