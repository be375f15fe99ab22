"""What the Containerfile does, in the root of a Debian without its daemon: `debootstrap` and the rights to mount are needed.

Images cannot be pulled everywhere, so that its steps are a script, which runs here as it does there, and what it made is served as
`compose.yaml` has it: from a root that nobody may write, as a user who is nobody.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.ports import free_port
from tests.proxy.metrics_kit import counted
from tests.system.serve_kit import Model, Server, answering
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = (DEPLOY / "container" / "Containerfile").read_text()
TARGET = "/opt/guardrails"
CHAT = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}

INSIDE = """
set -e
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
"""
VOLUME = "var/lib/guardrails"
READ_ONLY = f"""{INSIDE}
mount -t tmpfs tmpfs "$1/tmp"
mount --bind "$1/{VOLUME}" "$1/{VOLUME}"
mount -o remount,ro,bind "$1"
"""


def in_root(folder: Path, mounts: str, *command: str) -> list[str]:
    """Return what runs a command in a root, with mounts that go with it."""
    return [
        "unshare",
        "--mount",
        "sh",
        "-c",
        mounts + 'root="$1"; shift; exec chroot "$@"',
        "sh",
        str(folder),
        *command,
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a Debian, with what the stages of the Containerfile make."""
    folder = tmp_path_factory.mktemp("container") / "root"
    include = "--include=python3,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", include, "trixie", str(folder)], check=True, capture_output=True
    )
    build = folder / "build"
    build.mkdir()
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(build),
        str(ROOT),
    ]
    subprocess.run(wheel, check=True)
    [copied] = re.findall(r"^COPY (deploy.*) /build/$", CONTAINERFILE, re.MULTILINE)
    build_step, volume_step = re.findall(r"^RUN (.*)$", CONTAINERFILE, re.MULTILINE)
    for each in copied.split()[:-1]:
        shutil.copy(ROOT / each, build)
    for name in ("resolv.conf", "hosts", "ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/etc/{name}", folder / "etc" / name)
    environment = {name: value for name, value in os.environ.items() if name != "PIP_FIND_LINKS"}
    command = in_root(folder, INSIDE, str(folder), *build_step.split())
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("guardrails ")
    subprocess.run(in_root(folder, INSIDE, str(folder), *volume_step.split()), check=True)
    yield folder
    shutil.rmtree(folder)


def test_it_serves_as_nobody_from_a_root_that_nobody_may_write(root: Path) -> None:
    """With two workers, their counters, and an end as any other; nothing is written but below /tmp, and records in their volume."""
    etc = root / "etc" / "guardrails"
    etc.mkdir()
    ports = free_port(), free_port()
    with answering() as upstream:
        settings = yaml.safe_load((DEPLOY / "settings.yaml").read_text())
        here = {"upstream": upstream, "host": "127.0.0.1", "port": ports[0], "admin": f"127.0.0.1:{ports[1]}"}
        etc.joinpath("settings.yaml").write_text(
            json.dumps(settings | here | {"drain": {"notice_s": 0.5}, "keys": []})
        )
        variables = dict(
            re.findall(r"(\w+)=(\S+)", re.findall(r"^ENV (.*)$", CONTAINERFILE, re.MULTILINE)[0])
        )
        entry = json.loads(re.findall(r"^ENTRYPOINT (.*)$", CONTAINERFILE, re.MULTILINE)[0])
        command = json.loads(re.findall(r"^CMD (.*)$", CONTAINERFILE, re.MULTILINE)[0])
        [user] = re.findall(r"^USER (.*)$", CONTAINERFILE, re.MULTILINE)
        environment = {
            **variables,
            "PATH": f"{TARGET}/bin:{os.environ['PATH']}",
            "GUARDRAILS_REDACTION_KEY": "0" * 32,
        }
        served = in_root(root, READ_ONLY, f"--userspec={user}", str(root), *entry, *command)
        process = subprocess.Popen(
            served, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        server, admin = Server(process, ports[0]), Server(process, ports[1])
        try:
            wait_until(lambda: server.get("/readyz") == 200 or process.poll() is not None)
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert re.findall(r"^Uid:\s+(\d+)", status, re.MULTILINE) == [user.partition(":")[0]]
            Model.go.set()
            for _ in range(4):
                code, answer = server.read("/v1/chat/completions", CHAT)
                assert (code, answer.endswith("data: [DONE]\n\n")) == (200, True)
            assert (server.get("/metrics"), admin.get("/healthz")) == (404, 200)
            assert counted(admin.read("/metrics")[1], "guardrails_first_token_seconds_count") == 4
            process.send_signal(signal.SIGTERM)
            assert server.end()[0] == 0
            assert (root / VOLUME / "records" / "records.sqlite").is_file()
        finally:
            process.kill()
            process.communicate()


def test_byte_code_is_there_and_pip_is_not(root: Path) -> None:
    """A start compiles nothing, and nobody installs anything where it runs."""
    [package] = (root / TARGET[1:]).glob("lib/python*/site-packages/guardrails")
    sources = [path for path in package.rglob("*.py") if "__pycache__" not in path.parts]
    assert all([*(path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")] for path in sources)
    assert not [*package.parent.glob("pip")]


def test_the_unit_is_one(tmp_path: Path) -> None:
    """As `systemd-analyze verify` reads it, with a program that is on this machine."""
    text = (DEPLOY / "systemd" / "guardrails.service").read_text()
    unit = tmp_path / "guardrails.service"
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/usr/bin/true", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
