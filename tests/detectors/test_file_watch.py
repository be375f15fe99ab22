"""Noting which files a load looks at, and telling whether they changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guardrails.detectors import file_watch
from guardrails.detectors.file_watch import (
    UNSEEN,
    have_changed,
    note_file,
    record_files,
    stamp_file,
    stamp_files,
)
from tests.cases import each_case


def test_what_is_looked_at_is_noted(tmp_path: Path) -> None:
    """Inside the block alone, by its absolute path, also where there is no such file; blocks may stand in each other."""
    there, missing = tmp_path / "a", tmp_path / "b"
    there.write_text("x")
    note_file(there)
    with record_files() as outer:
        note_file(there)
        with record_files() as inner:
            note_file(missing)
    note_file(there)

    assert (set(outer), set(inner)) == ({there, missing}, {missing})
    assert outer[there] is not None
    assert outer[missing] is None


@each_case("small", [0, 1 << 20])
def test_a_change_is_seen(tmp_path: Path, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new text, no file any more, a folder in its place; small files by their content, large ones by their state."""
    monkeypatch.setattr(file_watch, "SMALL", small)
    path = tmp_path / "a"
    path.write_text("x")
    files = {path: stamp_file(path)}
    assert not have_changed(files)
    path.write_text("yy")
    assert have_changed(files)
    path.unlink()
    assert have_changed(files)
    path.mkdir()
    assert have_changed(files)


def test_a_small_file_is_told_by_its_content(tmp_path: Path) -> None:
    """The same text in the same tick of the clock, or at another time, is no change; another text always is one."""
    path = tmp_path / "a"
    path.write_text("x")
    os.utime(path, ns=(1, 1))
    files = {path: stamp_file(path)}

    path.write_text("x")
    assert not have_changed(files)
    path.write_text("y")
    os.utime(path, ns=(1, 1))
    assert have_changed(files)


def test_a_link_that_leads_elsewhere_is_a_change(tmp_path: Path) -> None:
    """As deployments swap folders."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    link = tmp_path / "now"
    link.symlink_to(tmp_path / "one")
    files = {link: stamp_file(link)}

    link.unlink()
    link.symlink_to(tmp_path / "two")

    assert have_changed(files)


def test_stamps_are_of_each_path_now(tmp_path: Path) -> None:
    """None where there is no file; none is that of what nobody has seen."""
    path, missing = tmp_path / "a", tmp_path / "b"
    path.write_text("x")

    assert stamp_files([path, missing]) == {path: stamp_file(path), missing: None}
    assert UNSEEN not in stamp_files([path, missing]).values()


@each_case("name", ["no such", "a\0b"])
def test_what_cannot_be_read_has_no_stamp(tmp_path: Path, name: str) -> None:
    """And is no error: whoever loads it says what is wrong."""
    assert stamp_file(tmp_path / name) is None
