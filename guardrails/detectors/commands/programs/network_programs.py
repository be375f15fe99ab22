"""What programs that use the network can do: open a shell to somebody, listen, carry files out; and what they bring."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from guardrails.detectors.commands.invocation import Invocation, name_set
from guardrails.detectors.commands.programs.file_programs import Reader
from guardrails.detectors.commands.shell_words import SECRET, SHELL
from guardrails.detectors.commands.targets import is_credential, is_critical, is_sensitive

DOWNLOADERS: Final = name_set(
    "curl wget wget2 fetch aria2c http https xh httpie lwp-download lwp-request get lynx links w3m axel curlie "
    "invoke-webrequest iwr "
    "invoke-restmethod irm certutil bitsadmin start-bitstransfer"
)
_SHELLS: Final = (
    r"(?:^|[\s:=,'\"/\\])(?:(?:ba|z|da|k|c|tc|a|fi)?sh|cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh)(?:$|[\s,'\"])"
)
_COPIES: Final = re.compile(r"/+(?:mnt|media|data|backups?|srv|Volumes|var/(?:www|backups))/*")
"""Folders that copies are kept in, or sites: what is mirrored there is deleted there."""
_SENT: Final = re.compile(
    r"(?:^|\s)(?:-d|--data(?:-\w+)?|-F|--form|-T|--upload-file|--post-file|--body-file|-I[nf]\w*|--url-query|--json)[= ]?"
)


def _sends(call: Invocation) -> Iterator[str]:
    """Yield `exfiltrate` where what is sent is what must not leave."""
    said = " ".join(call.arguments)
    if not _SENT.search(said) and not re.search(r"(?i)-(?:method|infile|body)\b", said):
        yield from _local_file(call)
        return
    for word in call.arguments:
        for part in re.split(r"[=@<;,]", word):
            if part and (
                SECRET in part
                or is_sensitive(re.sub(r"^-\w", "", part) if part[0] == "-" else part, call.folder)
            ):
                yield "exfiltrate"
    if SECRET in call.stdin or any(is_sensitive(path, call.folder) for path in call.inputs):
        yield "exfiltrate"


def _local_file(call: Invocation) -> Iterator[str]:
    """Yield what a link that leads to a file here, or one that carries a secret away, is."""
    for word in call.arguments:
        if word.lower().startswith("file:") and is_credential(word, call.folder):
            yield "read_credentials"
        elif SECRET in word or (is_credential(word, call.folder) and call.program == "wget"):
            yield "exfiltrate"


def _netcat(call: Invocation) -> Iterator[str]:
    said = " ".join(call.words)
    if call.has_option("ec", ("exec", "sh-exec", "lua-exec")):
        yield "reverse_shell"
    elif call.has_option("l", ("listen",)):
        yield "open_network"
    if SECRET in call.stdin or any(is_sensitive(path, call.folder) for path in call.inputs):
        yield "exfiltrate"
    elif (re.search(_SHELLS, said) and not call.has_option("z")) or SHELL in call.stdin:
        yield "reverse_shell"


def _socat(call: Invocation) -> Iterator[str]:
    said = " ".join(call.words)
    if re.search(r"(?i)\b(?:exec|system|shell):", said) and re.search(
        r"(?i)\b(?:tcp|udp|ssl|openssl|sctp|socks)\w*[-:]", said
    ):
        yield "reverse_shell"
    elif re.search(r"(?i)\b(?:tcp|udp|openssl)\d?-l", said):
        yield "open_network"
    if re.search(r"(?i)\b(?:file|open):", said) and any(
        is_sensitive(re.split(r"[:,]", word)[1], call.folder) for word in call.arguments if ":" in word
    ):
        yield "exfiltrate"


def _copies_out(call: Invocation) -> Iterator[str]:
    *sources, target = call.operands(
        ("-i", "-P", "-F", "-o", "-e", "-l", "-c", "-J", "--exclude", "--include", "--rsh")
    ) or [""]
    remote = re.match(r"(?:[\w.-]+@)?[\w.-]+:(?!\\)|(?:s3|gs|az|rsync|sftp|https?)://", target) is not None
    for path in sources:
        if is_sensitive(path, call.folder):
            yield "exfiltrate" if remote else "read_credentials"


def _rsync(call: Invocation) -> Iterator[str]:
    """Yield what copying does, and `delete` where what the sources lack is deleted from a system or a home."""
    yield from _copies_out(call)
    target = re.sub(r"^[^/:]+::?(?=/)", "", (call.operands() or [""])[-1])
    deletes = any(re.match(r"--del(?:ete[\w-]*)?$", word) for word in call.arguments)
    tries = call.has_option("n", ("dry-run",))
    if deletes and not tries and not _COPIES.fullmatch(target) and is_critical(target, call.folder):
        yield "delete"


def _ssh(call: Invocation) -> Iterator[str]:
    letters = call.shorts()
    if "R" in letters or "D" in letters or call.has_option("", ("remote-forward",)):
        yield "open_network"
    if SECRET in call.stdin or any(is_sensitive(path, call.folder) for path in call.inputs):
        yield "exfiltrate"


def _tunnel(call: Invocation) -> Iterator[str]:
    if (
        call.arguments
        and not call.has_option("h", ("help", "version"))
        and call.arguments[0] not in ("version", "help", "config")
    ):
        yield "open_network"


def _mail(call: Invocation) -> Iterator[str]:
    if SHELL in call.stdin:
        yield "reverse_shell"
    if SECRET in call.stdin or any(
        is_sensitive(path, call.folder) for path in (*call.inputs, *call.arguments)
    ):
        yield "exfiltrate"


def _cloud_copy(call: Invocation) -> Iterator[str]:
    words = call.operands(("--profile", "--region"))
    copies = {"cp", "mv", "sync", "copy", "copyto", "put-object", "rsync", "upload"}.intersection(words[:3])
    if copies and any(is_sensitive(path, call.folder) for path in words):
        yield "exfiltrate"


NETWORK_PROGRAMS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(DOWNLOADERS, _sends),
    **dict.fromkeys(
        ("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd", "nc64", "powercat", "cryptcat"), _netcat
    ),
    "socat": _socat,
    **dict.fromkeys(("scp", "sftp", "croc", "pscp"), _copies_out),
    "rsync": _rsync,
    **dict.fromkeys(("ssh", "autossh"), _ssh),
    **dict.fromkeys(
        (
            "ngrok",
            "cloudflared",
            "localtunnel",
            "lt",
            "chisel",
            "frpc",
            "bore",
            "zrok",
            "pagekite",
            "tailscale",
        ),
        _tunnel,
    ),
    **dict.fromkeys(
        ("mail", "mailx", "sendmail", "mutt", "swaks", "ftp", "tftp", "lftp", "telnet", "openssl"), _mail
    ),
    **dict.fromkeys(("aws", "gsutil", "gcloud", "rclone", "az", "s3cmd", "mc", "azcopy", "gh"), _cloud_copy),
}
"""Program → what a call of it can do."""


def downloaded_files(call: Invocation) -> list[str] | None:
    """Return the files that a download is written to; none where it is printed, None where the call loads nothing down."""
    program = call.program
    if program not in DOWNLOADERS:
        return None
    if not any(re.search(r"(?i)https?:|ftp:|://|\w\.\w|[$\ue000]", word) for word in call.arguments):
        return None
    links = [word for word in call.arguments if re.search(r"://|^[\w-]+(?:\.[\w-]+)+(?:[/:]\S*)?$", word)]
    names = [re.split(r"[?#]", link)[0].rstrip("/").rpartition("/")[2] for link in links]
    said = call.arguments
    valued = {
        "curl": ("-o", "--output"),
        "wget": ("-O", "--output-document"),
        "certutil": (),
        "aria2c": ("-o", "--out"),
    }.get(program, ("-o", "-O", "-OutFile", "-outfile", "--output", "-Destination", "-d"))
    for at, word in enumerate(said):
        key, _, value = word.partition("=")
        if (
            key in valued
            or (program == "curl" and re.fullmatch(r"-[a-zA-Z]*o", word))
            or (program == "wget" and re.fullmatch(r"-[a-zA-Z]*O", word))
        ):
            target = value or (said[at + 1] if at + 1 < len(said) else "")
            return [] if target in ("-", "/dev/stdout") else [target]
        attached = (
            re.fullmatch(r"-[a-zA-Z]*?[oO](\S+)", word)
            if program == "wget" or (program == "curl" and "o" in word)
            else None
        )
        if attached is not None and word[:2] != "--":
            return [] if attached[1] == "-" else [attached[1]]
    if program == "curl":
        return names if call.has_option("OJ", ("remote-name", "remote-name-all")) else []
    if program in ("certutil", "bitsadmin", "start-bitstransfer"):
        return [word for word in call.windows_operands() if "://" not in word][-1:]
    if program == "wget":
        folder = next(
            (said[at + 1] for at, word in enumerate(said[:-1]) if word in ("-P", "--directory-prefix")), ""
        )
        return [f"{folder}/{name}" if folder else name for name in names]
    return names if program in ("wget2", "aria2c", "axel", "fetch") else []
