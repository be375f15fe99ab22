"""What a path leads to: whether deleting it destroys a system or a home, whether it holds credentials, whether it is a disk.

Paths of Unix, PowerShell and cmd.exe are brought into one form first: forward slashes, no `.` and `..` inside, no wildcard that
stands for all that a folder holds.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Final

from guardrails.detectors.commands.invocation import name_set

HOME: Final = "/home/user"
"""What `$HOME` and `~` stand for."""

WORKING_FOLDER: Final = "/workspace"
"""What `$PWD` stands for."""

_HOMES: Final = re.compile(
    r"(?i)(?:~[\w.-]*|\$\{?home\}?|\$\{?env:(?:userprofile|homepath|home)\}?|%(?:userprofile|homepath|homedrive%%homepath)%"
    r"|/root|/var/root|/(?:home|users)/[^/]+|[a-z]:/users/[^/]+|/[a-z]/users/[^/]+)(?=/|$)"
)
_WINDOWS: Final = re.compile(
    r"(?i)(?:%(?:systemroot|windir|systemdrive|programfiles|programdata)%|\$\{?env:(?:systemroot|windir|systemdrive|programfiles"
    r"|programdata)\}?|(?://[?.]/)?[a-z]:(?:/(?:windows|users|program ?files(?: \(x86\))?|programdata)?(?:/system32)?)?)"
)
_ALL: Final = re.compile(r"[*?.]*\*[*.]*|\.\[!\.\]\*|\.\.\?\*|\{\*,\.\*\}|\{,\.\}\*|\?+\*?|\.\[\^\.\]\*")
"""The last part of a path that stands for all that a folder holds."""

ROOTS: Final = name_set(
    "bin boot dev etc home lib lib32 lib64 opt proc root run sbin srv sys usr var mnt media data backup backups "
    "Users System Library "
    "Applications Volumes private"
)
"""Folders below `/` whose loss takes the system or everybody's files."""

FOLDERS: Final = name_set(
    "usr/bin usr/sbin usr/lib usr/lib64 usr/local usr/share var/lib var/www var/mail var/spool var/backups "
    "etc/ssh etc/ssl etc/pam.d "
    "etc/systemd etc/sudoers.d etc/cron.d etc/network lib/systemd lib/modules var/lib/mysql var/lib/postgresql var/lib/mongodb "
    "var/lib/docker var/lib/redis var/lib/etcd var/lib/kubelet System/Library"
)
"""Folders further down of which the same holds."""

FILES: Final = name_set("etc/passwd etc/shadow etc/sudoers etc/fstab etc/group etc/hosts")
"""Files of which the same holds."""

OWN: Final = name_set(
    "Documents Desktop Pictures Music Videos Movies Library .ssh .gnupg .aws .kube .config .mozilla .thunderbird"
)
"""Folders of a person whose loss takes what the person made or holds."""

_CREDENTIALS: Final = re.compile(
    r"(?i)(?:^|/)(?:"
    r"\.ssh(?:/(?:(?:id_\w+|identity|[\w.-]+\.(?:pem|key|ppk))|\*.*)?)?$|id_(?:rsa|dsa|ecdsa|ed25519)(?:_\w+)?$"
    r"|\.aws(?:/(?:credentials|config|sso\b.*|cli/cache.*|\*)?)?$|\.azure(?:/.*)?$|\.config/gcloud(?:/.*)?$"
    r"|\.kube(?:/(?:config|\*)?)?$"
    r"|\.docker/config\.json$|[._]netrc$|\.pgpass$|\.my\.cnf$|\.git-credentials$|\.gnupg(?:/.*)?$|\.vault-token$"
    r"|\.terraform\.d/credentials\S*$|\.config/gh/hosts\.yml$|\.claude/\.credentials\.json$|\.codex/auth\.json$"
    r"|\.config/git/credentials$"
    r"|\.password-store(?:/.*)?$|etc/g?shadow-?$|etc/sudoers(?:\.d(?:/.*)?)?$|etc/krb5\.keytab$|ssh_host_\w+_key$"
    r"|proc/(?:self|thread-self|\d+|\*|\$\$|\$\w+)/(?:environ|mem)$|run/secrets(?:/.*)?$|wallet\.dat$"
    r"|\.ethereum/keystore(?:/.*)?$"
    r"|\.(?:bash|zsh|mysql|psql|python)_history$|(?:default|profile \d+|network)/(?:login data|cookies)$"
    r"|cookies\.sqlite$|logins\.json$|key[34]\.db$|ntds\.dit$"
    r"|system32/config/(?:sam|security|system)$|login\.keychain(?:-db)?$|microsoft/(?:credentials|protect)(?:/.*)?$"
    r")"
)
_OF_HOME: Final = re.compile(
    r"(?i)^(?:\.npmrc|\.pypirc|\.env|\.gem/credentials|\.cargo/credentials(?:\.toml)?|\.databricks?cfg|\.boto)$"
)
_SENSITIVE: Final = re.compile(
    r"(?i)(?:^|/)(?:\.env(?:\.(?!example|sample|template|dist)[\w-]+)?|etc/passwd|secrets?\.(?:ya?ml|json|toml|env))$"
)
_DISKS: Final = re.compile(
    r"(?i)(?:/dev/(?:sd[a-z]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk\d|disk\d|rdisk\d|md\d|dm-\d|loop\d|mapper/"
    r"|disk/|mem$|kmem$|port$)"
    r"|(?://|\\\\)[.?](?:/|\\)(?:physicaldrive\d|[a-z]:$))"
)


def normalize_path(path: str, folder: str = "") -> str:
    """Return a path in one form: with forward slashes, absolute where `folder` is known, without steps back and forth."""
    path = path.strip().strip("\"'").replace("\\", "/")
    if re.match(r"(?i)(?:file|filesystem)::?/*", path):
        path = "/" + re.sub(r"(?i)^(?:file|filesystem)::?/*", "", path)
    if folder and path and not re.match(r"[/~$%]|[A-Za-z]:", path):
        path = f"{folder}/{path}"
    head = "//" if path.startswith(("//?", "//.")) else "/" if path.startswith("/") else ""
    parts: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part == ".." and head:
            continue
        else:
            parts.append(part)
    return head + "/".join(parts)


def contains_all(path: str) -> bool:
    """Tell whether a path ends in a wildcard that stands for all that a folder holds."""
    return _ALL.fullmatch(path.rstrip("/").replace("\\", "/").rpartition("/")[2]) is not None


def _matches(part: str, names: frozenset[str]) -> bool:
    """Tell whether a path, or a pattern of one, is among some names."""
    if part in names:
        return True
    return any(char in part for char in "*?[") and any(
        fnmatchcase(name, part) and name.count("/") == part.count("/") for name in names
    )


def is_critical(path: str, folder: str = "") -> bool:
    """Tell whether deleting or overwriting a path as a whole takes a system, a home or what lies above the working folder."""
    plain = normalize_path(path, folder)
    while _ALL.fullmatch(plain.rpartition("/")[2]) and "/" in plain:
        plain = plain.rpartition("/")[0] or "/"
    if plain in ("/", "//") or (plain and set(plain.split("/")) == {".."}):
        return True
    if _WINDOWS.fullmatch(plain) or plain.lower() in (
        "hklm:",
        "hkcu:",
        "/c",
        "/mnt/c",
        "/mnt/c/windows",
        "/mnt/c/users",
    ):
        return True
    home = _HOMES.match(plain)
    if home is not None:
        rest = plain[home.end() :].strip("/")
        return not rest or rest in OWN
    if not plain.startswith("/"):
        return False
    inside = plain.strip("/")
    if inside.startswith("boot/"):
        return True
    return _matches(inside, ROOTS) or _matches(inside, FOLDERS) or _matches(inside, FILES)


def is_critical_file(path: str, folder: str = "") -> bool:
    """Tell whether a path is a file, or stands for all files of a folder, whose loss takes a system."""
    if contains_all(path):
        return is_critical(path, folder)
    inside = normalize_path(path, folder).strip("/")
    return inside in FILES or inside.startswith("boot/")


def _below_home(plain: str) -> str | None:
    home = _HOMES.match(plain)
    return None if home is None else plain[home.end() :].strip("/")


def is_credential(path: str, folder: str = "") -> bool:
    """Tell whether a path is known to hold credentials."""
    plain = normalize_path(path, folder)
    if _CREDENTIALS.search(plain):
        return True
    rest = _below_home(plain)
    return rest is not None and _OF_HOME.match(rest) is not None


def is_sensitive(path: str, folder: str = "") -> bool:
    """Tell whether a path holds what must not leave the machine: credentials, an environment file, a home, the list of users."""
    plain = normalize_path(path, folder)
    return is_credential(path, folder) or _SENSITIVE.search(plain) is not None or _below_home(plain) == ""


def is_disk(path: str) -> bool:
    """Tell whether a path is a disk, or memory."""
    return _DISKS.match(path.strip().strip("\"'")) is not None
