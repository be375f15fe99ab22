"""What files are taken for, and which there are."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from guardrails.authoring.checked_files import (
    LONGEST_TEXT,
    FileError,
    FilePatterns,
    FileTree,
    content_kind,
    display_name,
    read_content,
)
from tests.cases import each_case

CHAT = [{"role": "user", "content": "hello"}]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with files in folders, hidden ones, a link to a file, one that leads back, a pipe and a socket."""
    root = tmp_path / "root"
    for name in ("a.txt", "b.png", "deep/c.txt", "deep/er/d.png", ".hidden/e.txt", ".f"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "link.txt").symlink_to("a.txt")
    (root / "deep" / "loop").symlink_to(root)
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
    return root


def names(folder: FileTree) -> list[str]:
    """Return what a walk gives, in order."""
    return sorted(found.name for found in folder)


@each_case(
    ("name", "data", "kind"),
    [
        ("a.txt", b"hello", "text"),
        ("a", b"hello", "text"),
        ("a.log", b"\xef\xbb\xbfhello", "text"),
        ("a.json", json.dumps(CHAT).encode(), "conversation"),
        ("a.json", json.dumps({"messages": CHAT}).encode(), "conversation"),
        ("a.json", b'{"a": 1}', "text"),
        ("a.PNG", b"what its bytes are is found out by who looks at it", "image"),
        ("a.mp4", b"", "video"),
        ("a.wav", b"", "audio"),
        ("a.ts", b"const answer: number = 42\n", "text"),
        ("a.ts", (b"G" + bytes(187)) * 3, "video"),
        ("a", b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "video"),
        ("a", b"BMW is a maker of cars, said h" + "é".encode() * 4_000, "text"),
    ],
)
def test_a_file_is_what_its_ending_or_its_bytes_say(
    name: str, data: bytes, kind: str, tmp_path: Path
) -> None:
    """Pictures, films and sounds go on as paths; texts as texts, without a mark at their beginning."""
    (tmp_path / name).write_bytes(data)
    content = read_content(tmp_path / name)
    assert content_kind(content) == kind
    assert isinstance(content, Path) is (kind in ("image", "video", "audio"))
    assert not str(content).startswith("\ufeff")


@each_case("name", ["picture", "picture.dat"])
def test_a_picture_is_known_without_an_ending(name: str, tmp_path: Path) -> None:
    """By its bytes; that of a text tells that it is none."""
    Pillow.new("RGB", (8, 8)).save(tmp_path / name, "png")
    assert content_kind(read_content(tmp_path / name)) == "image"
    (tmp_path / name).rename(tmp_path / "a.txt")
    with pytest.raises(FileError, match="not UTF-8 text"):
        read_content(tmp_path / "a.txt")


@each_case(
    ("name", "data", "code"),
    [
        ("none.txt", None, "unreadable"),
        ("a.bin", b"\xff\xfe\0\1", "unknown_kind"),
        ("a.json", b"{", "not_json"),
        ("a.json", b"[" * 100_000, "not_json"),
    ],
)
def test_what_is_none_of_these_is_named(name: str, data: bytes | None, code: str, tmp_path: Path) -> None:
    """By a code, and with the file's name before the reason."""
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(FileError) as raised:
        read_content(tmp_path / name)
    assert raised.value.code == code
    assert str(raised.value) == f"{tmp_path / name}: {raised.value.reason}"


def test_json_that_is_none_may_be_a_text(tmp_path: Path) -> None:
    """Where somebody judges whatever is there."""
    (tmp_path / "a.json").write_text("// a comment\n{}")
    assert read_content(tmp_path / "a.json", strict=False) == "// a comment\n{}"


def test_a_text_without_end_is_not_read(tmp_path: Path) -> None:
    """It would fill the memory; a film of that size is somebody else's to limit."""
    for name in ("a.txt", "a.mp4"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(LONGEST_TEXT + 1)
    with pytest.raises(FileError) as raised:
        read_content(tmp_path / "a.txt")
    assert raised.value.code == "too_many_bytes"
    assert read_content(tmp_path / "a.mp4") == tmp_path / "a.mp4"


def test_every_file_comes_once(tree: Path) -> None:
    """Hidden ones too; links, pipes and sockets are counted, never opened."""
    folder = FileTree(tree)
    assert names(folder) == [".f", ".hidden/e.txt", "a.txt", "b.png", "deep/c.txt", "deep/er/d.png"]
    assert folder.left_out == {"links": 2, "special": 2}


def test_links_are_followed_when_told(tree: Path, tmp_path: Path) -> None:
    """A loop ends, a folder has its files once and by its own name, one outside by the link's, and a broken link is named."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "g.txt").write_text("g")
    (tree / "out").symlink_to(tmp_path / "outside")
    (tree / "broken").symlink_to("nothing")
    (tree / "self").symlink_to("self")
    found = {each.name: each.error for each in FileTree(tree, follow=True)}
    assert sorted(name for name, error in found.items() if error is None) == [
        ".f", ".hidden/e.txt", "a.txt", "b.png", "deep/c.txt", "deep/er/d.png", "link.txt", "out/g.txt",
    ]  # fmt: skip
    assert {name for name, error in found.items() if error} == {"broken", "self"}


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        (["*.txt"], [], [".hidden/e.txt", "a.txt", "deep/c.txt"]),
        (["*.txt", "*.png"], ["deep"], [".hidden/e.txt", "a.txt", "b.png"]),
        (["deep/*.png"], [], ["deep/er/d.png"]),
        (["./deep/"], [], ["deep/c.txt", "deep/er/d.png"]),
        ([], [".*"], ["a.txt", "b.png", "deep/c.txt", "deep/er/d.png"]),
        ([], ["deep/er", ".?"], [".hidden/e.txt", "a.txt", "b.png", "deep/c.txt"]),
        (["nothing"], [], []),
    ],
)
def test_patterns_choose(include: list[str], exclude: list[str], left: list[str], tree: Path) -> None:
    """By names of files and folders, or by names below the folder; a folder that is left out is not walked."""
    folder = FileTree(tree, FilePatterns(include, exclude))
    assert names(folder) == left
    assert folder.left_out["excluded"] > 0


@given(st.lists(st.sampled_from(["a", "b.png", ".c", "d e"]), min_size=1, max_size=4), st.data())
def test_a_choice_says_the_same_of_whole_names(parts: list[str], data: st.DataObject) -> None:
    """A file is meant exactly if no folder on the way to it is left out, nor itself: that is how a walk gets there."""
    patterns = st.lists(st.sampled_from(["a", "*.png", ".*", "a/*", "d*"]), max_size=2)
    choice = FilePatterns(exclude=data.draw(patterns))
    whole = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    assert choice.means(whole[-1]) is not any(map(choice.leaves_out, whole))


def test_what_is_passed_over_does_not_come(tree: Path) -> None:
    """By whatever name, as the file that a scan itself writes; also in another walk."""
    state = (tree / "a.txt").stat()
    os.link(tree / "a.txt", tree / "same.txt")
    folder = FileTree(tree, FilePatterns(["*.txt"]), follow=True)
    folder.pass_over((state.st_dev, state.st_ino))
    assert names(folder.copy()) == names(folder) == [".hidden/e.txt", "deep/c.txt"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """As what it is called, with the reason: what is in it was not judged."""
    [found] = FileTree(tmp_path / "none")
    assert found.name == "."
    assert isinstance(found.error, FileNotFoundError)


def test_names_do_nothing_on_a_terminal() -> None:
    """Neither colours nor lines of their own, nor letters that turn the others around."""
    assert display_name("a b\n\x1b[31m\u202eé\udcff") == "a b\\n\\x1b[31m\\u202eé\\udcff"
