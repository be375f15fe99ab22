"""What one call of a program is, whichever table knows the program; and which arguments may be commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from guardrails.detectors.commands.invocation import Invocation, name_set, program_name
from guardrails.detectors.commands.programs.file_programs import ALWAYS, FILE_PROGRAMS, reads_disk_maker
from guardrails.detectors.commands.programs.network_programs import NETWORK_PROGRAMS
from guardrails.detectors.commands.programs.service_programs import (
    ALIASES,
    ROWS,
    WINDOWS_DELETERS,
    WINDOWS_READERS,
    read_service,
    read_windows_delete,
    read_windows_files,
)
from guardrails.detectors.commands.programs.wrappers import CODE, POWERSHELLS, PREFIXES, SHELLS
from guardrails.detectors.commands.shell_words import MARKERS
from guardrails.detectors.commands.targets import is_critical

DATA_PROGRAMS: Final = name_set(
    "echo printf grep egrep fgrep rg ag ack zgrep git gh glab hg svn man info which type whereis whatis apropos "
    "tldr apt apt-get aptitude yum dnf "
    "apk pacman zypper brew port snap pip pip3 pipx npm pnpm yarn cargo go gem test [ [[ read local export "
    "declare typeset readonly unset "
    "cd ls touch mkdir cp mv code cat less head tail tee sed tr cut sort rm find chmod chown ln logger "
    "notify-send write-host write-output "
    "write-error say wall return exit true false : let expr seq date sleep wait jobs basename dirname realpath "
    "readlink stat file du df wc "
    "diff cmp alias unalias trap eval source . if for while case until function select title comment remark rem jq yq"
)
"""Programs whose arguments are no commands, or whose commands are read by their own rules."""

_COMMON_WORDS: Final = name_set(
    "do then else ! { - & time command exec call start run cmd script watch RUN CMD ENTRYPOINT entrypoint init source "
    "security history install net sc k fetch http https get links mail view look type more most split node fold "
    "shutdown reboot halt poweroff su"
)
"""Names of programs that are words of prose, or of code, first of all."""
_SEVERE: Final = (
    frozenset({
        *FILE_PROGRAMS, *ALWAYS, *NETWORK_PROGRAMS, *ROWS, *ALIASES, *WINDOWS_DELETERS, *SHELLS, *POWERSHELLS, *PREFIXES
    })
    - DATA_PROGRAMS
    - _COMMON_WORDS
    | name_set("rm find git mv chmod chown cat cp tee dd format gh")
)  # fmt: skip
"""Programs that are looked for behind programs that are not known."""
_GLOBBED: Final = (
    "rm",
    "cat",
    "sh",
    "bash",
    "nc",
    "dd",
    "curl",
    "chmod",
    "find",
    "mkfs",
    "shred",
    "wget",
    "python3",
)


def call_leaves(call: Invocation) -> Iterator[str]:
    """Yield the leaves of `command.` that a call is."""
    program = call.program
    seen: set[str] = set()
    for table in (FILE_PROGRAMS, NETWORK_PROGRAMS):
        if program in table:
            seen.update(table[program](call))
    if program in ALWAYS and not call.has_option("h", ("help", "version")):
        seen.add(ALWAYS[program])
    seen.update(reads_disk_maker(call))
    seen.update(read_service(call))
    if program in WINDOWS_DELETERS:
        seen.update(read_windows_delete(call))
    if program in WINDOWS_READERS:
        seen.update(read_windows_files(call))
    if program in ("sudo", "doas") and call.has_option("is", ("login", "shell")) and "-n" not in call.words:
        seen.add("escalate")
    if program in ("sudo", "doas", "env", "pkexec") and len(call.words) > 1 and _opens_shell(call):
        seen.add("escalate")
    yield from sorted(seen)


def _opens_shell(call: Invocation) -> bool:
    """Tell whether all that is run as another user is a shell for somebody to type into."""
    rest = [word for word in call.arguments if not word.startswith("-")]
    return (
        call.program in ("sudo", "doas", "pkexec") and len(rest) == 1 and rest[0] in SHELLS and not call.stdin
    )


def resolve_program(call: Invocation) -> Invocation:
    """Return a call with the program that a pattern in its name fits, or that stands for one that nobody knows."""
    first = call.words[0]
    bare = "".join(char for char in first if char not in MARKERS)
    if any(char in first for char in "*?[") and ("/" in first or len(first) < 12):
        name = first.rpartition("/")[2]
        fits = next((known for known in _GLOBBED if fnmatchcase(known, name)), None)
        if fits is not None and name not in ("*", "?"):
            return replace(call, words=[fits, *call.arguments])
    if bare == first:
        return call
    if bare:
        return replace(call, words=[bare, *call.arguments])
    if call.has_option("rR", ("recursive",)) and any(
        is_critical(path, call.folder) for path in call.operands()
    ):
        return replace(call, words=["rm", *call.arguments])
    return call


def find_mentions(call: Invocation) -> Iterator[int]:
    """Yield where in a call of an unknown program names of programs stand that may do harm."""
    for at, word in enumerate(call.words):
        if at and is_severe(word):
            yield at


def is_severe(word: str) -> bool:
    """Tell whether a word is the name of a program that may do harm."""
    name = program_name(word)
    return name in _SEVERE or name.startswith("mkfs.") or (CODE.fullmatch(name) is not None and name != "ed")


def program_names() -> frozenset[str]:
    """Return the names of all programs that are known to do harm with some arguments."""
    return frozenset(
        {*FILE_PROGRAMS, *ALWAYS, *NETWORK_PROGRAMS, *ROWS, *ALIASES, *WINDOWS_DELETERS, *WINDOWS_READERS}
    )


def severe_names() -> frozenset[str]:
    """Return the names of programs that may do harm."""
    return _SEVERE
