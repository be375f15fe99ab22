"""Programs that command services, and those of Windows."""

from __future__ import annotations

from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.programs.service_programs import (
    read_service,
    read_windows_delete,
    read_windows_files,
)
from tests.cases import each_case


@each_case(
    ("words", "leaves"),
    [
        ("git push -f", ["discard_work"]),
        ("git -C x push --force origin", ["discard_work"]),
        ("git push --force-with-lease", []),
        ("git clean -fdx", ["discard_work"]),
        ("git clean -n", []),
        ("git checkout main", []),
        ("kubectl delete ns x", ["destroy_infrastructure"]),
        ("kubectl --context c delete namespace x", ["destroy_infrastructure"]),
        ("k delete pods --all -n x", ["destroy_infrastructure"]),
        ("kubectl delete pod x", []),
        ("kubectl delete ns x --dry-run=client", []),
        ("terraform destroy", ["destroy_infrastructure"]),
        ("terraform plan", []),
        ("docker system prune -af --volumes", ["destroy_infrastructure"]),
        ("docker run --privileged x", ["escalate"]),
        ("docker run -v /:/host x", ["escalate"]),
        ("podman run -v /data:/data x", []),
        ("aws s3 rb s3://b --force", ["destroy_infrastructure"]),
        ("aws s3 ls", []),
        ("redis-cli FLUSHALL", ["destroy_database"]),
        ("iptables -F", ["disable_security"]),
        ("iptables -L", []),
        ("schtasks /create /tn x", ["persist"]),
        ("vssadmin delete shadows /all", ["delete"]),
    ],
)
def test_rows_are_held_against_arguments(words: str, leaves: list[str]) -> None:
    """Options of the program before its verb are skipped."""
    assert [*read_service(Invocation(words.split()))] == leaves


@each_case(
    ("words", "leaves"),
    [
        (["del", "/s", "/q", "C:\\"], ["delete"]),
        (["Remove-Item", "-Recurse", "-Force", "C:\\Windows"], ["delete"]),
        (["del", "C:\\*"], ["delete"]),
        (["rd", "/s", "/q", "build"], []),
        (["Remove-Item", "-Recurse", "C:\\Temp\\x"], []),
    ],
)
def test_deleters_of_windows_are_judged_by_their_targets(words: list[str], leaves: list[str]) -> None:
    """Drives, the system and homes."""
    assert [*read_windows_delete(Invocation(words, words))] == leaves


def test_readers_of_windows_are_judged_by_what_they_read() -> None:
    """Credentials of a person there."""
    words = ["type", "C:\\Users\\jo\\.aws\\credentials"]
    assert [*read_windows_files(Invocation(words, words))] == ["read_credentials"]
