"""Programs that run others: what of their arguments is the command that they run."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from guardrails.detectors.commands.invocation import Invocation, name_set
from guardrails.detectors.commands.programs.file_programs import NARROW, find_roots


class Prefix(NamedTuple):
    """A program with a command behind its own arguments: its options that have a value, and how many operands come first."""

    valued: frozenset[str] = frozenset()
    operands: int = 0


def _prefix(valued: str = "", operands: int = 0) -> Prefix:
    return Prefix(frozenset(valued.split()), operands)


PREFIXES: Final[dict[str, Prefix]] = {
    "sudo": _prefix("-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir --chroot"),
    "doas": _prefix("-u -C"),
    "run0": _prefix("-u --user"),
    "gosu": _prefix("", 1),
    "su-exec": _prefix("", 1),
    "runuser": _prefix("-u -g"),
    "env": _prefix("-u -C --unset --chdir"),
    **dict.fromkeys(
        name_set(
            "nohup setsid command builtin exec busybox toybox caffeinate winpty then do else ! { time coproc "
            "noglob nocorrect - & proxychains "
            "proxychains4 torsocks fakeroot unbuffer ltrace dbus-run-session xvfb-run catchsegv eatmydata stdbuf "
            "pkexec sem start-process "
            "start wsl call RUN CMD ENTRYPOINT run cmd entrypoint"
        ),
        _prefix("-a -f -o -e -i -u -U -n --output --format -FilePath -d --distribution"),
    ),
    "nice": _prefix("-n --adjustment"),
    "ionice": _prefix("-c -n -p"),
    "chrt": _prefix("", 1),
    "taskset": _prefix("", 1),
    "timeout": _prefix("-s -k --signal --kill-after", 1),
    "gtimeout": _prefix("-s -k --signal --kill-after", 1),
    "chroot": _prefix("", 1),
    "unshare": _prefix(),
    "systemd-run": _prefix("-p --property --unit -u --slice"),
    "firejail": _prefix(),
    "bwrap": _prefix(),
    "strace": _prefix("-o -e -p -s -a"),
    "watch": _prefix("-n --interval"),
    "flock": _prefix("-w -E", 1),
    "xargs": _prefix("-I -n -P -L -d -a -E -s --max-args --max-procs --delimiter --replace --arg-file"),
    "parallel": _prefix("-j --jobs -I -n -a --delay --timeout"),
    "poetry": _prefix("", 1),
    "uv": _prefix("", 1),
    "pipenv": _prefix("", 1),
    "npx": _prefix("-p --package"),
    "rlwrap": _prefix(),
    "script": _prefix(),
    "sshpass": _prefix("-p -f"),
}
"""Program → where the command begins that it runs."""

SHELLS: Final = name_set("sh bash zsh dash ksh ksh93 mksh ash fish csh tcsh rbash rzsh yash osh hush")
POWERSHELLS: Final = frozenset(("powershell", "pwsh", "powershell_ise"))
CODE: Final = re.compile(
    r"(?:python|pypy|perl|ruby|php|lua|node|tclsh|guile|jruby)[\d.]*|nodejs|deno|bun|osascript|luajit|rscript"
    r"|julia|groovy|expect|awk|gawk|mawk|nawk"
    r"|gdb|vim?|ex|nvim|ed|emacs|irb|swift|racket|sqlite3|elixir|ghci?|jshell|scala|kotlin|mshta|cscript|wscript"
)
"""Programs that run code of their own language, which may run commands in turn."""

_SSH_VALUED: Final = name_set("-i -p -l -o -F -J -L -R -D -b -c -E -m -O -Q -S -W -w -B -e -I")
_CONTAINER: Final = name_set(
    "-v --volume -e --env -p --publish --name -w --workdir -u --user --network --net --mount --entrypoint "
    "--env-file -h --hostname -l "
    "--label --cap-add --cap-drop --security-opt -m --memory --cpus --gpus --platform --pid --ipc --add-host "
    "--restart -c --container -n "
    "--namespace -i.stdin"
)


def skip_prefix(call: Invocation) -> Invocation | None:
    """Return the command that a program of `PREFIXES` runs, None where it runs none."""
    prefix = PREFIXES.get(call.words[0]) or PREFIXES.get(call.program)
    if prefix is None:
        return None
    at, left = 1, prefix.operands
    words = call.words
    while at < len(words):
        word = words[at]
        if word == "--":
            at += 1
            break
        if word in prefix.valued:
            at += 2
        elif (word.startswith("-") and len(word) > 1) or (
            call.program in ("env", "sudo", "doas") and re.match(r"[A-Za-z_]\w*\+?=", word)
        ):
            at += 1
        elif left:
            left -= 1
            at += 1
        else:
            break
    return call.rest(at) if at < len(words) else None


def inner_sources(call: Invocation) -> list[str]:
    """Return the texts of shell that a call runs: of `sh -c`, `eval`, `ssh host …`, `cmd /c …` and their like."""
    find = _SOURCES.get(call.program)
    return [] if find is None else find(call)


def _whole(call: Invocation) -> list[str]:
    return [" ".join(call.arguments)]


def _commanded(call: Invocation) -> list[str]:
    """Return what stands behind `-c`."""
    for at, word in enumerate(call.arguments):
        if re.fullmatch(r"-[a-zA-Z]*c|--command(?:=.*)?", word):
            attached = word.partition("=")[2]
            return [attached or " ".join(call.arguments[at + 1 : at + 2])]
    return []


def _split_string(call: Invocation) -> list[str]:
    if any(word == "--split-string" or word.startswith("-S") for word in call.arguments):
        return [" ".join(word.removeprefix("-S") for word in call.arguments)]
    return []


def _remote(call: Invocation) -> list[str]:
    at = 1
    while at < len(call.words) and call.words[at].startswith("-"):
        at += 2 if call.words[at] in _SSH_VALUED else 1
    return [" ".join(call.words[at + 1 :])]


def _cmd(call: Invocation) -> list[str]:
    """Return what cmd.exe runs, as it stands there and as a shell reads it."""
    options = (at for at, word in enumerate(call.arguments) if word.lower() in ("/c", "/k", "/r"))
    at = next(options, len(call.arguments))
    return [" ".join(call.windows_arguments()[at + 1 :]), " ".join(call.arguments[at + 1 :])]


def _sed(call: Invocation) -> list[str]:
    """Return what the command `e` of a script of sed runs."""
    return [found[1] for word in call.arguments if (found := re.search(r"(?:^|[;/$\d])\s*e\s+(\S.*)", word))]


def _trapped(call: Invocation) -> list[str]:
    return [word for word in call.arguments[:1] if word not in ("-", "-l", "-p")]


def _aliased(call: Invocation) -> list[str]:
    return [word.partition("=")[2] for word in call.arguments]


def _spaced(call: Invocation) -> list[str]:
    """Return the arguments, or what they set, that hold blanks."""
    values = [(word.partition("=")[2] or word).lstrip("!") for word in call.arguments]
    return [value for value in values if " " in value.strip()]


def _in_options(call: Invocation) -> list[str]:
    """Return what options of a long name are set to, such as `--checkpoint-action=exec=…`."""
    return [
        word.partition("exec=")[2] or word.partition("=")[2]
        for word in call.arguments
        if re.match(r"--?[\w-]+=", word)
    ]


def _git_commands(call: Invocation) -> list[str]:
    """Return the commands that a call of git names: aliases, pagers, editors, and what it runs for each module."""
    words = call.arguments
    named = [
        words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-c", "--exec", "-x", "--config")
    ]
    if words[:1] == ["config"] or words[:2] == ["submodule", "foreach"]:
        named += words[-1:]
    return [(word.partition("=")[2] or word).lstrip("!") for word in named]


_SOURCES: Final[dict[str, Callable[[Invocation], list[str]]]] = {
    **dict.fromkeys(name_set("tar bsdtar gtar rsync nmap zip man docker"), _in_options),
    **dict.fromkeys(
        name_set("tmux screen xterm gnome-terminal konsole byobu at batch entr make crontab forfiles"),
        _spaced,
    ),
    **dict.fromkeys((*SHELLS, "su", "runuser", "script", "flock", "xonsh", "newgrp", "sg"), _commanded),
    **dict.fromkeys(("eval", "watch", "parallel", "rsh"), _whole),
    **dict.fromkeys(("ssh", "autossh", "mosh"), _remote),
    **dict.fromkeys(("env", "sudo"), _split_string),
    "sed": _sed,
    "trap": _trapped,
    "cmd": _cmd,
    "alias": _aliased,
    "git": _git_commands,
}
"""Program → what finds the texts of shell in a call of it."""


def inner_calls(call: Invocation) -> list[Invocation]:
    """Return the calls that one makes: of `find -exec`, of containers and clusters, and behind `--`."""
    program = call.program
    if program in ("find", "gfind", "fd", "fdfind"):
        return _executed_by_find(call)
    if program in (
        "docker",
        "podman",
        "nerdctl",
        "kubectl",
        "oc",
        "docker-compose",
        "lxc",
        "buildah",
        "crictl",
        "ctr",
        "vagrant",
        "heroku",
    ):
        return _in_container(call)
    if "--" in call.words[1:-1] and program not in ("git", "rm", "grep", "set"):
        return [call.rest(call.words.index("--", 1) + 1)]
    return []


def _executed_by_find(call: Invocation) -> list[Invocation]:
    found: list[Invocation] = []
    behind = 0
    for at, word in enumerate(call.words):
        if at >= behind and word in (
            "-exec",
            "-execdir",
            "-ok",
            "-okdir",
            "-x",
            "-X",
            "--exec",
            "--exec-batch",
        ):
            words = call.words[at + 1 :]
            end = next((n for n, each in enumerate(words) if each in (";", "+", "\\;")), len(words))
            narrow = NARROW.intersection(call.words[:at])
            roots = [] if narrow else find_roots(call)
            behind = at + 1 + end
            given = [part for each in words[:end] for part in (roots if each == "{}" else [each])]
            if given and program_is_delete(given[0]):
                given.insert(1, "-r")
            found += [Invocation(given, [], call.stdin, folder=call.folder)] if given else []
    return found


def program_is_delete(word: str) -> bool:
    """Tell whether a program deletes what it is given."""
    return word.rpartition("/")[2] in ("rm", "unlink", "shred")


def _in_container(call: Invocation) -> list[Invocation]:
    """Return the command that is run in a container: behind `--`, or behind the image or the container's name."""
    words = call.words
    if "--" in words:
        at = words.index("--") + 1
        return [call.rest(at)] if at < len(words) else []
    verb = next((at for at, word in enumerate(words) if word in ("run", "exec")), None)
    if verb is None:
        return []
    at = verb + 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _CONTAINER else 1
    return [call.rest(at + 1)] if at + 1 < len(words) else []
