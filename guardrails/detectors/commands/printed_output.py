"""What commands print, as far as it follows from their arguments and input: `echo`, `printf`, `base64 -d`, `rev` and such.

What cannot be known is one of the `MARKERS` of `shell_words`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from guardrails.detectors.commands.invocation import Invocation, name_set
from guardrails.detectors.commands.programs.file_programs import NARROW, find_roots
from guardrails.detectors.commands.programs.network_programs import downloaded_files
from guardrails.detectors.commands.programs.wrappers import SHELLS
from guardrails.detectors.commands.shell_words import (
    DECODED,
    DOWNLOADED,
    MARKERS,
    SECRET,
    SHELL,
    UNKNOWN,
    unescape_ansi,
)
from guardrails.detectors.commands.targets import is_sensitive

_DECODERS: Final = re.compile(
    r"(?:^|\s)(?:base(?:64|32|58)|basenc)\s.*(?:-\w*[dD]\b|--d)|(?:^|\s)(?:xxd\s.*-\w*r|uudecode"
    r"|openssl\s.*\s-d\b|g?unzip|zcat|bzcat|xzcat|unxz|gzip\s+-\w*d"
    r"|certutil\s+-decode|gpg\s.*(?:-d|--decrypt))"
)
_FILTERS: Final = name_set(
    "cat tee head tail sed awk sort uniq grep tr cut tac nl fold dos2unix iconv envsubst pv buffer sponge xargs stdbuf"
)
_ENVIRONMENT: Final = name_set("env printenv set export declare compgen")
_SHOWN: Final = name_set(
    "cat less more head tail base64 base32 xxd od strings tar gzip zip gpg openssl sort grep awk sed hexdump tac nl"
)
LONGEST: Final = 100_000


def printed_output(call: Invocation) -> str:
    """Return what a call prints."""
    files = downloaded_files(call)
    if files is not None:
        return "" if files else DOWNLOADED
    program = call.program
    if program in ("echo", "printf"):
        return _echo(call.arguments) if program == "echo" else _printf(call.arguments)
    if _DECODERS.search(" ".join(call.words)):
        return _decode(call)
    if program in _ENVIRONMENT and len(call.words) < 3:
        return SECRET
    if program in _SHOWN and any(is_sensitive(word, call.folder) for word in (*call.arguments, *call.inputs)):
        return SECRET
    read = _PRINTERS.get(program)
    return UNKNOWN if read is None else read(call)


def _echo(arguments: list[str]) -> str:
    escapes = False
    while arguments and re.fullmatch(r"-[neE]+", arguments[0]):
        escapes = escapes or "e" in arguments[0]
        arguments = arguments[1:]
    said = " ".join(arguments)
    return unescape_ansi(said) if escapes or "\\x" in said or "\\0" in said else said


def _printf(arguments: list[str]) -> str:
    if arguments[:1] == ["-v"]:
        return ""
    if not arguments:
        return ""
    form, *values = [each for each in arguments if each != "--"]
    form = unescape_ansi(form)
    rest = iter(values)

    def fill(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = next(rest, "")
        if found[0][-1] == "b":
            return unescape_ansi(value)
        return value[:1] if found[0][-1] == "c" else value

    pattern = r"%[-+ #0-9.]*[a-zA-Z%]"
    out = re.sub(pattern, fill, form)
    for _ in range(200):
        left = list(rest)
        if not left or "%" not in form:
            break
        rest = iter(left)
        out += re.sub(pattern, fill, form)
    return out[:LONGEST]


def _decode(call: Invocation) -> str:
    """Return what a decoder prints: the text where it is known, `DECODED` where it is not."""
    given = call.stdin
    if DOWNLOADED in given or UNKNOWN in given or not given.strip():
        return DECODED + (DOWNLOADED if DOWNLOADED in given else "")
    compact = re.sub(r"\s", "", given)[:LONGEST]
    try:
        if "64" in " ".join(call.words):
            data = base64.b64decode(compact.rstrip("=") + "=" * (-len(compact.rstrip("=")) % 4))
        elif "32" in call.program:
            data = base64.b32decode(compact + "=" * (-len(compact) % 8), casefold=True)
        elif call.program == "xxd":
            data = bytes.fromhex(re.sub(r"[^0-9a-fA-F]", "", compact))
        else:
            return DECODED
    except (ValueError, binascii.Error):
        return DECODED
    return data.decode("utf-8", "replace") + DECODED


def _translate(call: Invocation) -> str:
    """Return what `tr` prints: ranges such as `a-z` are known, classes such as `[:upper:]` too."""
    operands = call.operands()
    deletes = call.has_option("d", ("delete",))
    if not operands:
        return call.stdin
    source = _characters(operands[0])
    if deletes:
        return "".join(char for char in call.stdin if char not in source)
    if len(operands) < 2:
        return call.stdin
    target = _characters(operands[1])
    if not source or not target:
        return call.stdin
    table = {char: target[min(at, len(target) - 1)] for at, char in reversed([*enumerate(source)])}
    return "".join(table.get(char, char) for char in call.stdin)


def _characters(said: str) -> str:
    said = said.replace("[:upper:]", "A-Z").replace("[:lower:]", "a-z").replace("[:digit:]", "0-9")
    said = said.replace("[:space:]", " \t\n").replace("[:blank:]", " \t").replace("[:alpha:]", "A-Za-z")
    said = unescape_ansi(said)

    def spread(found: re.Match[str]) -> str:
        return (
            "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1)))
            if ord(found[2]) - ord(found[1]) < 300
            else ""
        )

    return re.sub(r"(.)-(.)", spread, said)[:2_000]


def _reverse(call: Invocation) -> str:
    return "\n".join(line[::-1] for line in call.stdin.split("\n"))


def _operands(call: Invocation) -> str:
    return "\n".join(call.operands())


def _found(call: Invocation) -> str:
    """Return what `find` lists: all that its roots hold, or what nobody knows where it looks for something."""
    if NARROW.intersection(call.words):
        return UNKNOWN
    return "\n".join(f"{root.rstrip('/')}/*" for root in find_roots(call))


def _listed_by_windows(call: Invocation) -> str:
    return "\n".join(call.windows_operands())


def _shell(call: Invocation) -> str:
    return SHELL if call.has_option("i") or not call.arguments else UNKNOWN


def _marks(call: Invocation) -> str:
    return "".join(mark for mark in MARKERS if mark in call.stdin)


_PRINTERS: Final[dict[str, Callable[[Invocation], str]]] = {
    "rev": _reverse,
    "tr": _translate,
    **dict.fromkeys(_FILTERS - {"tr"}, lambda call: call.stdin),
    **dict.fromkeys(("base64", "gzip", "xxd", "od", "gpg", "zip", "jq"), _marks),
    "openssl": lambda call: DOWNLOADED if "s_client" in call.words else _marks(call),
    **dict.fromkeys(("ls", "fd", "realpath", "readlink", "dirname"), _operands),
    **dict.fromkeys(("find", "gfind"), _found),
    **dict.fromkeys(("get-childitem", "gci", "dir"), _listed_by_windows),
    **dict.fromkeys(("nc", "ncat", "netcat", "telnet", "socat"), lambda _call: DOWNLOADED),
    **dict.fromkeys(SHELLS, _shell),
    **dict.fromkeys(("which", "command"), lambda call: call.words[-1]),
    "whoami": lambda _call: "user",
    "pwd": lambda _call: ".",
}
"""Program → what a call of it prints."""
