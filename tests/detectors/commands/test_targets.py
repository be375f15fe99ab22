"""Paths lead to systems, homes, credentials and disks, in the notations of Unix and Windows."""

from __future__ import annotations

from guardrails.detectors.commands.targets import (
    contains_all,
    is_credential,
    is_critical,
    is_critical_file,
    is_disk,
    is_sensitive,
    normalize_path,
)
from tests.cases import each_case

CRITICAL = [
    "/", "//", "/*", "/.", "/./", "/../", "/usr/..", "/etc", "/etc/", "/etc/*", "/e*c", "/home/jo", "~", "~/", "~root", "$HOME/*",
    "~/.ssh", "~/Documents", "..", "../..", "/usr/bin", "/var/lib/mysql", "/boot/grub", "C:\\", "C:", "c:/*", "C:\\Windows",
    "C:\\Users\\jo", "%SystemRoot%", "$env:USERPROFILE", "\\\\?\\C:\\", "/c", "/mnt/c",
]  # fmt: skip
ORDINARY = [
    "build", "./build", "/tmp/x", "/tmp", "/var/lib/apt/lists/*", "/usr/local/go", "~/.cache/pip", "~/project/build", "../build", "/app",
    "/home/jo/x/node_modules", "C:\\Temp\\x", "C:\\Users\\jo\\x\\build", "$BUILD/x", "", "*",
]  # fmt: skip


@each_case("path", CRITICAL)
def test_critical_paths_are_known(path: str) -> None:
    """What a system or a person cannot lose."""
    assert is_critical(path)


@each_case("path", ORDINARY)
def test_ordinary_paths_are_not_critical(path: str) -> None:
    """What builds leave behind."""
    assert not is_critical(path)


def test_a_folder_makes_paths_absolute() -> None:
    """A path that begins nowhere begins where the command runs."""
    assert normalize_path("./a/../b", "/x") == "/x/b"
    assert is_critical("*", "/")
    assert not is_critical("*", "/work/build")


def test_files_are_critical_by_themselves() -> None:
    """And wildcards that stand for all files of a folder."""
    assert is_critical_file("/etc/passwd")
    assert is_critical_file("/etc/*")
    assert not is_critical_file("/etc/nginx/nginx.conf")
    assert contains_all("a/*")
    assert not contains_all("a/b")


@each_case(
    ("path", "credential"),
    [
        ("~/.ssh/id_rsa", True), ("/home/jo/.ssh", True), ("~/.ssh/id_rsa.pub", False), ("~/.ssh/config", False), ("~/.aws/credentials", True),
        ("/etc/shadow", True), ("/proc/self/environ", True), ("C:\\Users\\jo\\.aws\\credentials", True), ("~/.npmrc", True), (".npmrc", False),
        ("cookies", False), ("README.md", False), ("config/system", False),
    ],
)  # fmt: skip
def test_credentials_are_known_by_their_place(path: str, credential: bool) -> None:
    """Public keys and templates are none."""
    assert is_credential(path) is credential


def test_sensitive_files_must_not_leave() -> None:
    """An environment file may be read here, and not sent."""
    assert is_sensitive(".env")
    assert is_sensitive("/etc/passwd")
    assert not is_sensitive(".env.example")


@each_case(
    ("path", "disk"),
    [
        ("/dev/sda", True),
        ("/dev/nvme0n1", True),
        ("\\\\.\\PhysicalDrive0", True),
        ("/dev/null", False),
        ("/dev/stdout", False),
    ],
)
def test_disks_are_known(path: str, disk: bool) -> None:
    """By the names that systems give them."""
    assert is_disk(path) is disk
