"""Gives a policy as it was at a Git revision (`git:REVISION:PATH`), in a temporary folder.

A policy reads what lies below its own folder, so that folder is what is taken out of the repository, and nothing else. Nothing in
the repository or its checkout changes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Final

from guardrails.errors import GuardrailsError

PREFIX: Final = "git:"

_REVISION: Final = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_./~^@{}+-]*")
"""What is taken for a revision: never an option of git."""


class RevisionError(GuardrailsError):
    """A policy that a repository does not have at a revision; the message says why."""


@contextmanager
def locate_revision(policy: str) -> Iterator[str]:
    """Give the path of a policy; one of a revision lies there as long as the block takes.

    Args:
        policy: `git:REVISION:PATH`, the path as it is from here; anything else is given back as it is.

    Raises:
        RevisionError: there is no such revision, or no such file in it.
    """
    if not policy.startswith(PREFIX):
        yield policy
        return
    revision, colon, name = policy.removeprefix(PREFIX).partition(":")
    if not colon or not name or _REVISION.fullmatch(revision) is None:
        raise RevisionError(f"{policy}: give a revision and a path, as in git:HEAD~1:policies/chat.yaml")
    top = Path(_git(policy, ["rev-parse", "--show-toplevel"]).rstrip("\n"))
    path = (Path.cwd() / name).resolve()
    if not path.is_relative_to(top.resolve()):
        raise RevisionError(f"{policy}: lies outside the repository {top}")
    inside = path.relative_to(top.resolve())
    folder = "" if inside.parent == Path() else inside.parent.as_posix()
    tree = f"{revision}:{folder}" if folder else revision
    with TemporaryDirectory(prefix=f"{re.sub(r'[^A-Za-z0-9]+', '-', revision)}-") as out:
        with TemporaryFile() as packed:
            _git(policy, ["-C", str(top), "archive", "--format=tar", tree], packed)
            packed.seek(0)
            with tarfile.open(fileobj=packed) as tar:
                tar.extractall(out, filter="data")
        found = Path(out) / inside.name
        if not found.is_file():
            raise RevisionError(f"{policy}: there is no such file at {revision}")
        yield str(found)


def _git(policy: str, arguments: Sequence[str], out: IO[bytes] | None = None) -> str:
    """Run git; return what it says, or have it written to a file."""
    git = shutil.which("git")
    if git is None:
        raise RevisionError(f"{policy}: git is not installed; give the file itself")
    done = subprocess.run(  # noqa: S603 # no shell; what is no revision and no path was refused
        [git, *arguments], stdout=out or subprocess.PIPE, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise RevisionError(f"{policy}: {why or 'git failed'}")
    return "" if out is not None else done.stdout.decode()
