"""Policies as they were."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from guardrails.authoring.revisions import RevisionError, locate_revision
from tests.cases import each_case


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two revisions of a policy and of a list beside it, in which one stands now."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "repo"
    (folder / "policies").mkdir(parents=True)

    def git(*arguments: str) -> None:
        named = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-C", str(folder)]
        subprocess.run(["git", *named, *arguments], check=True, capture_output=True)

    git("init", "-q")
    for text in ("old", "new"):
        (folder / "policies" / "p.yaml").write_text(text)
        (folder / "policies" / "terms.txt").write_text(f"{text} terms")
        (folder / "top.yaml").write_text(f"{text} top")
        git("add", ".")
        git("commit", "-q", "-m", text)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "text", "beside"),
    [
        ("git:HEAD~1:policies/p.yaml", "old", "terms.txt"),
        ("git:HEAD:policies/p.yaml", "new", "terms.txt"),
        ("git:HEAD^:./policies/../policies/p.yaml", "old", "terms.txt"),
        ("git:HEAD~1:top.yaml", "old top", "policies/terms.txt"),
    ],
)
def test_a_revision_is_taken_out_with_what_lies_beside(
    repository: Path, name: str, text: str, beside: str
) -> None:
    """A policy finds its files as they were, too; afterwards nothing is left of it."""
    with locate_revision(name) as path:
        assert Path(path).read_text() == text
        assert (Path(path).parent / beside).is_file()
        assert not Path(path).is_relative_to(repository)
    assert not Path(path).exists()
    assert (repository / "policies" / "p.yaml").read_text() == "new"


def test_paths_are_as_they_are_from_here(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in a folder of the repository."""
    monkeypatch.chdir(repository / "policies")
    with locate_revision("git:HEAD~1:p.yaml") as path:
        assert Path(path).read_text() == "old"


@each_case("name", ["default", "policies/p.yaml", "-", "git.yaml"])
def test_other_names_are_left_as_they_are(name: str) -> None:
    """Only what begins with `git:` is one of a revision."""
    with locate_revision(name) as path:
        assert path == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("git:", "give a revision and a path"),
        ("git:HEAD", "give a revision and a path"),
        ("git:HEAD:", "give a revision and a path"),
        ("git:--output=x:p.yaml", "give a revision and a path"),
        ("git:-h:p.yaml", "give a revision and a path"),
        ("git:HEAD x:p.yaml", "give a revision and a path"),
        ("git:nowhere:policies/p.yaml", "nowhere"),
        ("git:HEAD:policies/none.yaml", "there is no such file at HEAD"),
        ("git:HEAD:none/p.yaml", "none"),
        ("git:HEAD:../p.yaml", "lies outside the repository"),
        ("git:HEAD:/etc/p.yaml", "lies outside the repository"),
    ],
)
def test_what_is_not_there_is_an_error(repository: Path, name: str, message: str) -> None:
    """With the reason, and never an option for git."""
    with pytest.raises(RevisionError, match=message), locate_revision(name):
        pass
    assert not (repository / "x").exists()


def test_without_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor without git."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(RevisionError, match="not a git repository"), locate_revision("git:HEAD:p.yaml"):
        pass
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RevisionError, match="git is not installed"), locate_revision("git:HEAD:p.yaml"):
        pass
