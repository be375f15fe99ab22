"""What programs that command services can do, by the words of their calls: databases, clusters, clouds, containers, version
control, firewalls, Windows and PowerShell.

A row is a program and what its arguments say, joined by single blanks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guardrails.detectors.commands.invocation import Invocation, name_set
from guardrails.detectors.commands.targets import is_credential, is_critical

_HELP: Final = re.compile(
    r"(?:^| )(?:--help|-h$|--dry-run(?:=\w+)?|--dryrun|--whatif|-whatif|/\?|--version)(?= |$)"
)

_GIT: Final = (
    (r"push\b.* (?:-f|--force|--mirror|--delete|-d|\+\S+|:\S+)(?: |$)", "discard_work"),
    (r"reset\b.* --hard", "discard_work"),
    (r"clean\b(?=.* (?:-[a-z]*f|--force))(?!.* (?:-[a-z]*n\b|--dry-run))", "discard_work"),
    (r"(?:checkout|restore)\b(?: -\S+)*(?: --)? \.(?: |$)", "discard_work"),
    (
        r"(?:filter-branch|filter-repo|reflog expire|update-ref -d|stash (?:clear|drop)|branch -D)\b",
        "discard_work",
    ),
    (r"(?:credential(?:-\w+)? (?:fill|get)|config\b.*--get\S* credential)", "read_credentials"),
)
_SQL_CLIENT: Final = ((r"\bdrop(?:\s+database|db)|dropdatabase\s*\(|\.drop\s*\(", "destroy_database"),)

ROWS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "git": _GIT,
    "gh": (
        (r"repo delete", "destroy_infrastructure"),
        (r"(?:release|secret|variable) delete|api\b.* (?:-x ?|--method[ =])delete", "discard_work"),
    ),
    "redis-cli": ((r"\bflush(?:all|db)\b", "destroy_database"),),
    "mysqladmin": ((r"\bdrop\b", "destroy_database"), (r"\bshutdown\b", "stop_system")),
    "mongo": _SQL_CLIENT,
    "mongosh": _SQL_CLIENT,
    "etcdctl": ((r"\bdel\b.*(?:--prefix|--from-key)", "destroy_database"),),
    "influx": ((r"\bdrop|bucket delete", "destroy_database"),),
    "rails": ((r"\bdb:(?:drop|reset|purge)", "destroy_database"),),
    "rake": ((r"\bdb:(?:drop|reset|purge)", "destroy_database"),),
    "kubectl": (
        (r"delete\b.*(?: --all(?:=true)?(?: |$)| -A(?: |$)| --all-namespaces)", "destroy_infrastructure"),
        (
            r"delete(?: -\S+)* (?:\S*,)?(?:ns|namespaces?|nodes?|no|pvc?|persistentvolumes?|persistentvolumeclaims?|crds?"
            r"|customresourcedefinitions?|all|statefulsets?|sts|clusterroles?)(?:[/, ]|$)",
            "destroy_infrastructure",
        ),
        (r"drain\b", "stop_system"),
        (r"get(?: -\S+(?: \S+)?)* secrets?\b.*(?: -o| --output|=)", "read_credentials"),
        (r"create (?:clusterrolebinding|rolebinding)\b.*cluster-admin", "escalate"),
    ),
    "helm": ((r"(?:uninstall|delete)\b", "destroy_infrastructure"),),
    "terraform": (
        (r"(?:-\S+ )*destroy\b", "destroy_infrastructure"),
        (r"(?:-\S+ )*apply\b.* --?destroy\b", "destroy_infrastructure"),
        (r"(?:-\S+ )*state rm\b", "destroy_infrastructure"),
    ),
    "pulumi": ((r"destroy\b|stack rm\b", "destroy_infrastructure"),),
    "cdk": ((r"destroy\b", "destroy_infrastructure"),),
    "vagrant": ((r"destroy\b", "destroy_infrastructure"),),
    "docker": (
        (r"system prune\b(?=.*(?: -\w*a| --all| --volumes))", "destroy_infrastructure"),
        (r"(?:volume|system) prune\b", "discard_work"),
        (r"volume rm\b", "destroy_infrastructure"),
        (r"(?:compose\b.*)?\bdown\b.*(?: -\w*v| --volumes)", "destroy_infrastructure"),
        (r"(?:run|create)\b.* --privileged(?: |=|$)", "escalate"),
        (
            r"(?:run|create|exec)\b.*(?:-v|--volume|-v=|--mount\b.*source=)[ =]?"
            r"/(?::| ?,|etc[:/,]|root[:/,]|var/run/docker\.sock)",
            "escalate",
        ),
        (r"(?:run|create)\b.* --pid[ =]host\b", "escalate"),
    ),
    "aws": (
        (r"s3 rb\b|s3 rm\b.* --recursive|s3api delete-bucket\b", "destroy_infrastructure"),
        (
            r"(?:\S+) (?:delete-(?:db-\S+|table|stack|cluster|vpc|volume|snapshot|user|role|hosted-zone"
            r"|file-system|repository|function)"
            r"|terminate-instances|schedule-key-deletion)\b",
            "destroy_infrastructure",
        ),
        (r"secretsmanager get-secret-value|ssm get-parameters?\b.*--with-decryption", "read_credentials"),
        (r"configure (?:get|export-credentials)\b.*(?:secret|credential)", "read_credentials"),
        (r"iam (?:attach-\w+-policy\b.*administratoraccess|create-access-key|put-\w+-policy)", "escalate"),
    ),
    "gcloud": (
        (
            r"(?:projects|sql instances|container clusters|compute (?:instances|disks|networks)|storage buckets|functions"
            r"|run services) (?:\S+ )*delete\b",
            "destroy_infrastructure",
        ),
        (r"storage rm\b.* (?:-r|--recursive)", "destroy_infrastructure"),
        (r"secrets versions access", "read_credentials"),
    ),
    "gsutil": ((r"(?:-m )?(?:rb\b|rm\b.* -\w*[rRa])", "destroy_infrastructure"),),
    "az": (
        (
            r"(?:group|vm|sql \w+|aks|storage (?:account|container)"
            r"|keyvault|webapp|cosmosdb|disk) delete\b",
            "destroy_infrastructure",
        ),
        (r"keyvault secret show", "read_credentials"),
    ),
    "doctl": ((r"\bdelete\b", "destroy_infrastructure"),),
    "heroku": ((r"(?:apps:destroy|pg:reset|addons:destroy)", "destroy_infrastructure"),),
    "rclone": ((r"(?:purge|delete)\b", "destroy_infrastructure"),),
    "vault": ((r"(?:kv (?:destroy|metadata delete)|secrets disable)\b", "destroy_infrastructure"),),
    "zfs": ((r"destroy\b", "overwrite_disk"),),
    "zpool": ((r"destroy\b", "overwrite_disk"),),
    "lvremove": ((r"\S", "overwrite_disk"),),
    "vgremove": ((r"\S", "overwrite_disk"),),
    "diskutil": (
        (
            r"(?i)(?:erasedisk|erasevolume|partitiondisk|zerodisk|secureerase|apfs delete\w+)\b",
            "overwrite_disk",
        ),
    ),
    "diskpart": ((r"", "overwrite_disk"),),
    "iptables": (
        (r"(?:-\S+ \S+ )*(?:-F|--flush|-X)\b|-P (?:INPUT|FORWARD|OUTPUT) ACCEPT", "disable_security"),
    ),
    "nft": ((r"flush ruleset", "disable_security"),),
    "ufw": ((r"(?:--force )?(?:disable|reset)\b", "disable_security"),),
    "setenforce": ((r"^(?:0|permissive)$", "disable_security"),),
    "auditctl": ((r"-e ?0|-D\b", "disable_security"),),
    "csrutil": ((r"disable", "disable_security"),),
    "spctl": ((r"--master-disable|--global-disable", "disable_security"),),
    "journalctl": ((r"--vacuum-(?:size|time)[ =]?[01](?:[sKM]|$)", "disable_security"),),
    "security": ((r"(?:find-(?:generic|internet)-password|dump-keychain|export)\b", "read_credentials"),),
    "nsenter": ((r"(?:-t|--target)[ =]?1\b", "escalate"),),
    "init": ((r"^[06]$", "stop_system"),),
    "telinit": ((r"^[06]$", "stop_system"),),
    "passwd": ((r"(?:-d |--delete )?root\b|-d\b", "escalate"),),
    "chpasswd": ((r"", "escalate"),),
    "sysctl": ((r"kernel\.(?:randomize_va_space|yama\.ptrace_scope|kptr_restrict)=0", "disable_security"),),
    "launchctl": ((r"(?:load|bootstrap)\b", "persist"),),
    # Windows.
    "vssadmin": ((r"delete shadows|resize shadowstorage", "delete"),),
    "wbadmin": ((r"delete\b", "delete"),),
    "wmic": ((r"shadowcopy\b.*delete", "delete"),),
    "bcdedit": ((r"/set\b.*(?:recoveryenabled no|ignoreallfailures|safeboot)", "disable_security"),),
    "cipher": ((r"/w:", "delete"),),
    "netsh": (
        (r"(?:advfirewall|firewall) set\b.*(?:state off|opmode disable|mode=disable)", "disable_security"),
    ),
    "reg": (
        (r"delete (?:hklm|hkey_local_machine|hkcr)\b", "delete"),
        (r"save (?:hklm|hkey_local_machine)\\(?:sam|security|system)", "read_credentials"),
        (r"add\b.*\\currentversion\\run", "persist"),
        (r"add\b.*(?:disableantispyware|enablelua|disablerealtimemonitoring)", "disable_security"),
    ),
    "schtasks": ((r"/create\b", "persist"),),
    "sc": (
        (r"(?:delete|stop|config)\b.*\b(?:windefend|wscsvc|eventlog|mpssvc|sense)\b", "disable_security"),
    ),
    "net": (
        (r"localgroup \S+ \S+ /add", "escalate"),
        (r"user \S+ \S+ /add", "persist"),
        (r"stop (?:windefend|mpssvc|wscsvc)", "disable_security"),
    ),
    "wevtutil": ((r"cl\b|clear-log\b", "disable_security"),),
    "takeown": ((r"/f [a-z]:(?:\\|/)?(?:windows\S*)?(?: |$)", "change_permissions"),),
    "icacls": ((r"^[a-z]:(?:\\|/)?(?:windows\S*)?\*? .*/grant", "change_permissions"),),
    "mshta": ((r"https?:|(?:java|vb)script:", "download_and_run"),),
    "regsvr32": ((r"/i:\S*https?:", "download_and_run"),),
    "msiexec": ((r"https?:", "download_and_run"),),
    "unset": ((r"\bHISTFILE\b", "disable_security"),),
    "cmdkey": ((r"/list", "read_credentials"),),
    "ntdsutil": ((r"", "read_credentials"),),
    "procdump": ((r"lsass", "read_credentials"),),
    "rundll32": ((r"comsvcs.*minidump|javascript:", "read_credentials"),),
    "set-mppreference": ((r"-disable\w+ (?:\$true|1|true)|-exclusion", "disable_security"),),
    "add-mppreference": ((r"-exclusion", "disable_security"),),
    "set-netfirewallprofile": ((r"-enabled (?:false|\$false)", "disable_security"),),
    "set-executionpolicy": ((r"(?:unrestricted|bypass)\b.*(?:localmachine|$)", "disable_security"),),
    "clear-eventlog": ((r"", "disable_security"),),
    "format-volume": ((r"", "overwrite_disk"),),
    "clear-disk": ((r"", "overwrite_disk"),),
    "initialize-disk": ((r"", "overwrite_disk"),),
    "remove-partition": ((r"", "overwrite_disk"),),
    "stop-computer": ((r"", "stop_system"),),
    "restart-computer": ((r"", "stop_system"),),
    "register-scheduledtask": ((r"", "persist"),),
    "new-localuser": ((r"", "persist"),),
    "add-localgroupmember": ((r"admin", "escalate"),),
    "remove-azresourcegroup": ((r"", "destroy_infrastructure"),),
    "remove-database": ((r"", "destroy_database"),),
}
"""Program → patterns of its arguments, each with the leaf of `command.` that a call which fits is."""

ALIASES: Final = {
    "oc": "kubectl",
    "k": "kubectl",
    "microk8s.kubectl": "kubectl",
    "tofu": "terraform",
    "terragrunt": "terraform",
    "podman": "docker",
    "nerdctl": "docker",
    "docker-compose": "docker",
    "ip6tables": "iptables",
    "iptables-legacy": "iptables",
    "valkey-cli": "redis-cli",
    "keydb-cli": "redis-cli",
    "procdump64": "procdump",
}
"""Programs that are called as others are."""

_COMPILED: Final = {
    program: tuple(
        (re.compile(pattern, 0 if program in ("iptables", "git") else re.I), leaf) for pattern, leaf in rows
    )
    for program, rows in ROWS.items()
}
LONGEST_CALL: Final = 4_000
"""Characters of a call's arguments that patterns are held against."""

_GIT_OPTIONS: Final = re.compile(
    r"^(?:(?:-C|-c|--git-dir|--work-tree|-n|--namespace|--context|--profile|--region|--project) ?=?\S+ )+"
)


def read_service(call: Invocation) -> Iterator[str]:
    """Yield the leaves that a call of a program of `ROWS` is."""
    program = ALIASES.get(call.program, call.program)
    rows = _COMPILED.get(program)
    if rows is None:
        return
    words = call.windows_arguments() if program in WINDOWS or "-" in program else call.arguments
    said = _GIT_OPTIONS.sub("", " ".join(words)[:LONGEST_CALL])
    if _HELP.search(said) and program != "git":
        return
    found = next((leaf for pattern, leaf in rows if pattern.search(said)), None)
    if found is not None:
        yield found


WINDOWS: Final = name_set(
    "vssadmin wbadmin wmic bcdedit cipher netsh reg schtasks sc net wevtutil takeown icacls cmdkey procdump rundll32 "
    "mshta regsvr32 msiexec"
)
_RECURSIVE: Final = re.compile(
    r"(?i)(?:^| )(?:/s|-r(?:e(?:c(?:u(?:r(?:s(?:e)?)?)?)?)?)?)(?::\$true)?(?= |$|/)"
)


def read_windows_delete(call: Invocation) -> Iterator[str]:
    """Yield what `del`, `rd` and `Remove-Item` do to drives, the system and homes."""
    said = " ".join(call.windows_arguments())
    recursive = _RECURSIVE.search(said) is not None
    for path in call.windows_operands() or call.stdin.split("\n"):
        if path.startswith("$") and ":" not in path and not path.lower().startswith("$home"):
            continue
        all_of_it = path.rstrip("\\/*.").endswith(":") or "*" in path
        if is_critical(path) and (recursive or all_of_it):
            yield "delete"


def read_windows_files(call: Invocation) -> Iterator[str]:
    """Yield whether a program of Windows is given credentials to read."""
    if any(map(is_credential, call.windows_operands())):
        yield "read_credentials"


WINDOWS_DELETERS: Final = name_set("del erase rd rmdir remove-item ri rm clear-content deltree")
WINDOWS_READERS: Final = name_set(
    "type get-content gc more copy xcopy robocopy copy-item cpi move esentutl findstr"
)
