"""What programs that work on files and on the machine can do: delete, overwrite, read credentials, escalate, persist."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from guardrails.detectors.commands.invocation import Invocation, name_set
from guardrails.detectors.commands.shell_words import DECODED, DOWNLOADED, MARKERS, SHELL
from guardrails.detectors.commands.targets import (
    contains_all,
    is_credential,
    is_critical,
    is_critical_file,
    is_disk,
    normalize_path,
)

Reader = Callable[[Invocation], Iterator[str]]
"""Yields the leaves of `command.` that a call of a program is."""

_SHELL_STARTUP: Final = re.compile(
    r"(?i)(?:^|/)(?:\.(?:bashrc|bash_profile|profile|zshrc|zprofile|zshenv|bash_login|bash_logout|xprofile|xinitrc)"
    r"|etc/(?:profile(?:\.d/.*)?|bash\.bashrc|environment))$"
)
"""Files that shells read at their start: people set variables and aliases there, too."""
_HARMFUL_LINE: Final = re.compile(
    r"(?im)^\s*(?!\.{1,2}\s)[\"']?[~.\w${}-]*/\S|/tmp/|/var/tmp\b|/dev/(?:shm|tcp|udp)\b|(?<![&>])&\s*(?:$|\)|disown)"
    r"|\b(?:nohup|setsid|curl|wget|nc|ncat|netcat|socat|telnet|base64|openssl|mkfifo|LD_PRELOAD|LD_AUDIT|PROMPT_COMMAND"
    r"|BASH_ENV)\b|\b(?:python|perl|ruby|node|php|(?:ba|z|da|k)?sh)[\d.]*\s+-\w*[ceri]\b"
    r"|\balias\s+(?:sudo|su|doas|ssh|passwd|gpg)=|^\s*(?:function\s+)?(?:sudo|su|doas|ssh|passwd|gpg)\s*\(\s*\)"
)
"""What runs a program at every login, or takes the place of one that asks for a password, in a start file of a shell."""
_STARTUP: Final = re.compile(
    r"(?i)(?:^|/)(?:authorized_keys"
    r"|etc/(?:rc\.local|crontab|cron\.[\w]+/.*|ld\.so\.preload|init\.d/.*)"
    r"|var/spool/cron/.*|\.config/autostart/.*|library/launch(?:agents|daemons)/.*|start menu/programs/startup/.*)$"
)
_SYSTEM_FILES: Final = re.compile(
    r"(?i)^/?etc/(?:passwd|shadow|sudoers(?:\.d/.*)?|pam\.d/.*|ssh/sshd_config)$"
)
_PRIVILEGED_GROUPS: Final = name_set("sudo wheel root admin disk shadow")
_SECURITY: Final = re.compile(
    r"ufw|firewalld|auditd|apparmor|fail2ban|iptables|nftables|falco\w*|falcon-sensor|clamav\S*|crowdsec|wazuh\S*|ossec\S*"
    r"|rsyslog|sshguard"
)
"""Services that protect a machine, or keep its records."""
_HISTORY: Final = re.compile(r"\.(?:bash|zsh|ash)_history$")
_SETUID: Final = re.compile(r"(?:^|,)[ugoa]*[+=][rwxXt]*s|^0?[4-7][0-7]{3}$")


_IMAGE: Final = re.compile(
    r"(?i)\.(?:img|image|raw|iso|ext[234]|v?fat|bin|disk|qcow2|vhdx?|vmdk|squashfs)\W*$"
)
"""Files that hold a file system."""
_RESTORED: Final = "# as it was"
"""Stands for what a copy of a shell's start file holds."""

NARROW: Final = name_set("-name -iname -path -regex -mtime -mmin -size -newer -empty -user -inum -wholename")
"""Options with which `find` looks for something."""


def written_files(paths: list[str], folder: str, content: str = "") -> Iterator[str]:
    """Yield what it is to write to some files: over a disk, into what runs at every login, into the list of users.

    Args:
        paths: of the files.
        folder: where the call runs, "" where nobody knows.
        content: what is written, "" where nobody knows.
    """
    for path in paths:
        plain = normalize_path(path, folder)
        if is_disk(path):
            yield "overwrite_disk"
        elif plain == "/proc/sysrq-trigger":
            yield "stop_system"
        elif _STARTUP.search(plain) or (_SHELL_STARTUP.search(plain) and _runs_something(content)):
            yield "persist"
        elif _SYSTEM_FILES.match(plain):
            yield "escalate"
        elif is_critical_file(path, folder):
            yield "delete"


def _runs_something(content: str) -> bool:
    """Tell whether lines of a shell's start file run more than settings, or nobody knows what they are."""
    if any(mark in content for mark in (DOWNLOADED, DECODED, SHELL)):
        return True
    return not content.strip(MARKERS + " \n") or _HARMFUL_LINE.search(content) is not None


def _rm(call: Invocation) -> Iterator[str]:
    recursive = call.has_option("rR", ("recursive",))
    for path in call.operands():
        if (
            (recursive and is_critical(path, call.folder))
            or is_critical_file(path, call.folder)
            or is_disk(path)
        ):
            yield "delete"
        elif _HISTORY.search(path):
            yield "disable_security"
        elif recursive and (
            normalize_path(path) in ("", ".git") or (contains_all(path) and "/" not in normalize_path(path))
        ):
            yield "discard_work"
    if call.has_option("", ("no-preserve-root",)) and recursive:
        yield "delete"


def _shred(call: Invocation) -> Iterator[str]:
    for path in call.operands(("-n", "-s", "--iterations", "--size")):
        if is_disk(path):
            yield "overwrite_disk"
        elif is_critical(path, call.folder) or is_critical_file(path, call.folder):
            yield "delete"


def _find(call: Invocation) -> Iterator[str]:
    deletes = "-delete" in call.words
    if deletes and not NARROW.intersection(call.words):
        yield from ("delete" for path in find_roots(call) if is_critical(path, call.folder))
    if any(word == "-perm" for word in call.words) and re.search(
        r"[-/](?:u=s|[46]000|g=s|2000)", " ".join(call.words)
    ):
        yield "escalate"


def find_roots(call: Invocation) -> list[str]:
    """Return where `find` begins to look."""
    roots: list[str] = []
    for word in call.arguments:
        if word in ("-H", "-L", "-P") or word.startswith(("-O", "-D")):
            continue
        if word.startswith(("-", "(", "!", "\\(")):
            break
        roots.append(word)
    return roots or ["."]


def _dd(call: Invocation) -> Iterator[str]:
    for word in call.arguments:
        key, _, value = word.partition("=")
        if key == "of":
            yield from written_files([value], call.folder)
        elif key == "if" and is_credential(value, call.folder):
            yield "read_credentials"


def _format(call: Invocation) -> Iterator[str]:
    if any(re.fullmatch(r"(?i)[a-z]:\\?", word) for word in call.windows_arguments()):
        yield "overwrite_disk"


def _on_disk(call: Invocation) -> Iterator[str]:
    if any(map(is_disk, call.arguments)):
        yield "overwrite_disk"


def _partition(call: Invocation) -> Iterator[str]:
    if (
        any(map(is_disk, call.arguments))
        and not call.has_option("l", ("list", "print", "show"))
        and "print" not in call.words
    ):
        yield "overwrite_disk"


def _mv(call: Invocation) -> Iterator[str]:
    *sources, _target = call.operands(("-t", "-S", "--suffix", "--target-directory")) or [""]
    for path in sources:
        if is_critical(path, call.folder):
            yield "delete"
        elif is_credential(path, call.folder):
            yield "read_credentials"


def _copied(call: Invocation) -> Iterator[str]:
    *sources, target = call.operands(("-t", "-S", "-m", "-o", "-g", "--mode", "--suffix")) or [""]
    if any(is_credential(path, call.folder) for path in sources):
        yield "read_credentials"
    restores = any(
        _SHELL_STARTUP.search(re.sub(r"(?i)[.~](?:bak|old|orig|save)?$", "", path)) for path in sources
    )
    yield from written_files([target], call.folder, _RESTORED if restores else "")


def _tee(call: Invocation) -> Iterator[str]:
    *_, said = " ".join(call.words).partition("<<<")  # as it stands in a line whose quotes do not close
    yield from written_files(call.operands(), call.folder, call.stdin or said)


def _truncate(call: Invocation) -> Iterator[str]:
    yield from written_files(call.operands(("-s", "-r", "--size", "--reference")), call.folder)


def _chmod(call: Invocation) -> Iterator[str]:
    mode, *paths = call.operands() or [""]
    mode = next((word for word in call.arguments if re.match(r"-[rwx]+$", word)), mode)
    if _SETUID.search(mode):
        yield "escalate"
    for path in paths:
        if call.has_option("R", ("recursive",)) and is_critical(path, call.folder):
            yield "change_permissions"
        elif _SYSTEM_FILES.match(normalize_path(path, call.folder)) and re.search(
            r"[67]$|o\+|a\+|^\+w", mode
        ):
            yield "escalate"


def _chown(call: Invocation) -> Iterator[str]:
    for path in call.operands(("--from",))[1:]:
        if call.has_option("R", ("recursive",)) and is_critical(path, call.folder):
            yield "change_permissions"


def _credentials(call: Invocation) -> Iterator[str]:
    """Yield whether a program that shows, packs or copies what it reads is given credentials."""
    named = [part.partition("=")[2] or part for part in call.arguments]
    if any(is_credential(path.lstrip("@<"), call.folder) for path in (*named, *call.inputs)):
        yield "read_credentials"


def _sudo_shell(call: Invocation) -> Iterator[str]:
    """Yield `escalate` where somebody becomes root in an open shell; services have users of their own."""
    users = [word for word in call.operands(("-s", "-g", "-G", "-w", "-T")) if word != "-"]
    if not call.has_option("c", ("command", "help", "version")) and users[:1] in ([], ["root"]):
        yield "escalate"


def _visudo(call: Invocation) -> Iterator[str]:
    if not call.has_option("c", ("check", "help", "version")):
        yield "escalate"


def _crontab(call: Invocation) -> Iterator[str]:
    if call.has_option("r"):
        yield "delete"
    elif not call.has_option("l") and (call.operands(("-u",)) or call.stdin or call.has_option("e")):
        yield "persist"


def _useradd(call: Invocation) -> Iterator[str]:
    joined = {part for word in call.arguments for part in re.split(r"[,=]", word)}
    if (joined & _PRIVILEGED_GROUPS and call.program != "groupadd") or re.search(
        r"(?:-u|--uid)[ =]?0(?: |$)", " ".join(call.words)
    ):
        yield "escalate"


def _userdel(call: Invocation) -> Iterator[str]:
    if "root" in call.operands(("-R", "-P", "--root", "--prefix")):
        yield "delete"


def _kill(call: Invocation) -> Iterator[str]:
    if call.arguments[-1:] == ["-1"] and len(call.arguments) > 1:
        yield "stop_system"


def _shutdown(call: Invocation) -> Iterator[str]:
    when = all(re.fullmatch(r"-\S+|/[srphftid]+|now|\+?\d[\d:]*", word) for word in call.arguments[:1])
    if when and not call.has_option("c", ("help", "version")) and "/a" not in call.words:
        yield "stop_system"


def _systemctl(call: Invocation) -> Iterator[str]:
    verb, *units = call.operands() or [""]
    if verb in ("poweroff", "halt", "reboot", "kexec", "rescue", "emergency"):
        yield "stop_system"
    if verb in ("stop", "disable", "mask") and any(_SECURITY.match(unit) for unit in units):
        yield "disable_security"


def _tar(call: Invocation) -> Iterator[str]:
    if not re.match(r"-?-?\w*(?:x|t)\w*$", (call.arguments or [""])[0]):
        yield from _credentials(call)


def _ln(call: Invocation) -> Iterator[str]:
    if any(is_credential(path, call.folder) for path in call.operands()[:-1]):
        yield "read_credentials"


def _history(call: Invocation) -> Iterator[str]:
    if call.has_option("c"):
        yield "disable_security"


def _setcap(call: Invocation) -> Iterator[str]:
    if re.search(
        r"cap_(?:setuid|setgid|sys_admin|dac_override|dac_read_search|sys_ptrace|sys_module|all)",
        " ".join(call.words).lower(),
    ):
        yield "escalate"


def _shadowed(call: Invocation) -> Iterator[str]:
    if any(word in ("shadow", "passwd") for word in call.operands()[:1]) and "shadow" in call.words:
        yield "read_credentials"


FILE_PROGRAMS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(("rm", "unlink", "rmdir", "srm", "grm", "trash"), _rm),
    **dict.fromkeys(("shred", "wipe", "scrub"), _shred),
    "find": _find,
    "gfind": _find,
    **dict.fromkeys(("dd", "dcfldd", "ddrescue"), _dd),
    "format": _format,
    **dict.fromkeys(
        ("wipefs", "blkdiscard", "badblocks", "hdparm", "mkswap", "cryptsetup", "nvme", "pvremove", "zpool"),
        _on_disk,
    ),
    **dict.fromkeys(("fdisk", "sfdisk", "gdisk", "sgdisk", "parted", "cfdisk"), _partition),
    "mv": _mv,
    **dict.fromkeys(("cp", "install", "gcp"), _copied),
    **dict.fromkeys(("truncate", "fallocate"), _truncate),
    "tee": _tee,
    "chmod": _chmod,
    **dict.fromkeys(("chown", "chgrp", "setfacl"), _chown),
    **dict.fromkeys(
        name_set(
            "cat bat less more most head tail tac nl od xxd hexdump strings base64 base32 basenc grep egrep "
            "fgrep rg ag ack awk gawk "
            "sed cut sort uniq paste rev fold zip gzip bzip2 xz zstd 7z 7za rar pax cpio vim vi nano emacs view "
            "ed jq yq openssl gpg "
            "xclip xsel pbcopy wl-copy look diff comm column pr fmt uuencode tr split csplit type get-content gc "
            "readarray mapfile "
            "source . ssh2john john hashcat sqlite3 python python3 perl ruby node php"
        ),
        _credentials,
    ),
    **dict.fromkeys(("tar", "bsdtar", "gtar"), _tar),
    "ln": _ln,
    "crontab": _crontab,
    **dict.fromkeys(("useradd", "usermod", "adduser", "gpasswd", "groupadd"), _useradd),
    **dict.fromkeys(("userdel", "deluser"), _userdel),
    **dict.fromkeys(("kill", "pkill", "killall5"), _kill),
    **dict.fromkeys(("shutdown", "reboot", "halt", "poweroff", "init0"), _shutdown),
    "systemctl": _systemctl,
    "history": _history,
    "setcap": _setcap,
    "getent": _shadowed,
    "su": _sudo_shell,
    "visudo": _visudo,
}
"""Program → what a call of it can do."""

ALWAYS: Final[Mapping[str, str]] = {
    "vipw": "escalate",
    "pkexec": "escalate",
    "insmod": "escalate",
    "unshadow": "read_credentials",
    "mimikatz": "read_credentials",
    "lazagne": "read_credentials",
    "secretsdump.py": "read_credentials",
    "secretsdump": "read_credentials",
    "linpeas.sh": "escalate",
    "dropdb": "destroy_database",
}
"""Program → what any call of it is."""


def reads_disk_maker(call: Invocation) -> Iterator[str]:
    """Yield `overwrite_disk` for `mkfs.ext4` and its kind, of a disk or a folder above."""
    if not re.fullmatch(r"mkfs|mke2fs|mkfs\.\w+|newfs\w*", call.program):
        return
    asks = call.has_option("V", ("help", "version"))
    targets = call.operands(("-t", "-L", "-U", "-b", "-m", "-n"))
    on_image = any(map(_IMAGE.search, targets)) and not any("/dev/" in target for target in targets)
    if not asks and targets and not on_image:
        yield "overwrite_disk"
