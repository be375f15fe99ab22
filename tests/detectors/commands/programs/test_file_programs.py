"""Programs that work on files and on the machine."""

from __future__ import annotations

from guardrails.detectors.commands.invocation import Invocation
from guardrails.detectors.commands.programs.file_programs import (
    FILE_PROGRAMS,
    find_roots,
    reads_disk_maker,
    written_files,
)
from tests.cases import each_case


@each_case(
    ("words", "leaves"),
    [
        ("rm -r /", ["delete"]),
        ("rm /", []),
        ("rm -rf .", ["discard_work"]),
        ("find / -delete", ["delete"]),
        ("find / -name x -delete", []),
        ("find / -perm -4000", ["escalate"]),
        ("mv /home /tmp/x", ["delete"]),
        ("cp ~/.ssh/id_rsa x", ["read_credentials"]),
        ("cp .env.example .env", []),
        ("chmod 4755 x", ["escalate"]),
        ("chmod 755 x", []),
        ("chown -R jo /", ["change_permissions"]),
        ("truncate -s 0 /etc/passwd", ["escalate"]),
        ("useradd -G sudo jo", ["escalate"]),
        ("kill -9 -1", ["stop_system"]),
        ("kill -9 123", []),
        ("systemctl stop ufw", ["disable_security"]),
        ("systemctl restart nginx", []),
        ("crontab -l", []),
        ("crontab -r", ["delete"]),
        ("tar xzf a.tgz", []),
        ("tar czf a.tgz /root/.ssh", ["read_credentials"]),
        ("history -c", ["disable_security"]),
    ],
)
def test_a_call_does_what_its_arguments_say(words: str, leaves: list[str]) -> None:
    """By targets and options."""
    call = Invocation([word.replace("~", "/home/user") for word in words.split()])
    assert [*FILE_PROGRAMS[call.program](call)] == leaves


def test_writing_to_files_is_judged_by_the_file() -> None:
    """Over disks, into what runs at login, into the list of users."""
    files = ["/dev/sda", "/home/jo/.bashrc", "/etc/sudoers", "out.txt", "/dev/null"]
    assert [*written_files(files, "")] == ["overwrite_disk", "persist", "escalate"]


def test_find_begins_at_its_roots() -> None:
    """Options may stand before them."""
    assert find_roots(Invocation(["find", "-L", "/a", "/b", "-name", "x"])) == ["/a", "/b"]
    assert find_roots(Invocation(["find", "-name", "x"])) == ["."]


def test_file_systems_are_made_on_disks() -> None:
    """Whatever kind they are of; asking for the version makes none."""
    assert [*reads_disk_maker(Invocation(["mkfs.ext4", "/dev/sda1"]))] == ["overwrite_disk"]
    assert [*reads_disk_maker(Invocation(["mkfs.ext4", "-V"]))] == []
