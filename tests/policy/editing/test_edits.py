"""Edits: what is to change changes, in any style of YAML; comments, layout and everything else stay; else nothing is done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.policy.editing.edits import (
    EditError,
    TextEdit,
    apply_edits,
    remove_entries,
    replace_file,
    replace_in_scalar,
    unified_diff,
)
from guardrails.policy.loading.source import read_yaml
from tests.cases import each_case

STYLES = {
    "plain": "rules:\n  - id: a  # first\n    when: hate >= 0.85 # why\n",
    "single": "rules:\n  - {id: a, when: 'hate >= 0.85'}\n",
    "double": 'rules:\n  - when: "hate >= \\x30.85"\n',
    "folded": "rules:\n  - when: >-\n      hate >=\n      0.85\n    id: a\n",
    "literal": "rules:\n- when: |-\n    hate >= 0.85\n  id: a\n",
    "windows": "rules:\r\n  - when: >\r\n      hate >= 0.85\r\n    id: a\r\n",
}


@each_case("style", STYLES)
def test_a_number_inside_a_text_is_replaced_in_every_style(style: str) -> None:
    """Only the characters of the number change, wherever the text is written; what is read changes alike."""
    source = read_yaml(STYLES[style], "p.yaml")
    data: Any = source.data
    at = data["rules"][0]["when"].index("0.85")
    edit = replace_in_scalar(source, ("rules", 0, "when"), at, at + 4, "0.9")
    after = apply_edits(source, [edit])
    changed: Any = after.data
    assert changed["rules"][0]["when"] == data["rules"][0]["when"].replace("0.85", "0.9")
    assert after.text == source.text.replace("\\x30.85", "0.85").replace("0.85", "0.9")


@each_case(
    ("text", "path", "span", "new", "reason"),
    [
        ("a: &n hate >= 0.8\nb: *n\n", ("b",), (8, 11), "0.9", "more than that would change"),
        ("a: &n hate >= 0.8\nb: *n\n", ("a",), (8, 11), "0.9", "more than that would change"),
        ("a: hate\n", ("a",), (0, 4), "x: y", "could not be read"),
        ("a: hate\n", ("a",), (0, 4), "12", "more than that would change"),
        ("a: hate\n", ("a",), (0, 4), "x # y", "more than that would change"),
        ("a: [hate]\n", ("a",), (0, 1), "x", "is no text or number"),
        ("a: hate\n", ("b",), (0, 1), "x", "is no text or number"),
        ("a: hate\n", ("a",), (0, 9), "x", "has 4 characters, not 9"),
        ("a: 12\n", ("a",), (0, 2), ".inf", "not a finite number"),
    ],
)
def test_what_would_go_astray_is_refused(
    text: str, path: tuple[str, ...], span: tuple[int, int], new: str, reason: str
) -> None:
    """A value that an alias shares, a text that YAML would read otherwise and a place that is not there change nothing."""
    with pytest.raises(EditError, match=reason):
        replace_in_scalar(read_yaml(text, "p.yaml"), path, *span, new)


def test_a_number_is_replaced_as_a_number() -> None:
    """A plain number stays one."""
    source = read_yaml("limits: {windows: 400} # few\n", "p.yaml")
    after = apply_edits(source, [replace_in_scalar(source, ("limits", "windows"), 0, 3, "12")])
    assert after.text == "limits: {windows: 12} # few\n"
    assert after.data == {"limits": {"windows": 12}}


LISTS = [
    ("t: [a, b, c]\n", ("t",), [1], "t: [a, c]\n"),
    ("t: [a, b, c]\n", ("t",), [0], "t: [b, c]\n"),
    ("t: [a, b, c,]\n", ("t",), [1, 2], "t: [a,]\n"),
    ("t: [a, b, c]\n", ("t",), [0, 2], "t: [b]\n"),
    ("t: [ 'a', # one\n  b ]\nu: 1\n", ("t",), [1], "t: [ 'a' ]\nu: 1\n"),
    ("t: # list\n  - a # one\n  - b # two\n  # about c\n  - c\nu: 1\n", ("t",), [1], "t: # list\n  - a # one\n  # about c\n  - c\nu: 1\n"),
    ("t:\n- {x: [1, 2]}\n- a: 1\n  b: 2\n\n# end\nu: 1\n", ("t",), [1], "t:\n- {x: [1, 2]}\n\n# end\nu: 1\n"),
    ("t:\n- a\n- b", ("t",), [1], "t:\n- a\n"),
    ("t:\r\n- a\r\n- b\r\n", ("t",), [0], "t:\r\n- b\r\n"),
    ("t:\n- |\n  a - b\n\n- b\n", ("t",), [0], "t:\n\n- b\n"),
    ("t:\n- - a\n  - b\n", ("t", 0), [0], "t:\n- - b\n"),
    ("t: {a: 1, b: {c: 2}, d: 3}\n", ("t",), ["b"], "t: {a: 1, d: 3}\n"),
    ("t: {a: 1, b: {c: 2}}\n", ("t", "b"), ["c"], "t: {a: 1}\n"),
    ("- id: a\n  x: 1\n", (0,), ["id"], "- x: 1\n"),
    ("- id: a\n  x: 1 # one\n  y: 2\n", (0,), ["x"], "- id: a\n  y: 2\n"),
    ("s: &s [a]\nt: [*s, b]\n", ("t",), [0], "s: &s [a]\nt: [b]\n"),
    ("e:\n  - id: x\nu: 1\n", ("e",), [0], "u: 1\n"),
]  # fmt: skip


@each_case(("text", "path", "keys", "left"), LISTS)
def test_entries_are_taken_out_with_their_lines_or_commas(
    text: str, path: tuple[str | int, ...], keys: list[str | int], left: str
) -> None:
    """The other entries, their comments and their order stay; an empty list goes with its key."""
    source = read_yaml(text, "p.yaml")
    assert apply_edits(source, remove_entries(source, path, keys)).text == left


@each_case(
    ("text", "path", "keys", "reason"),
    [
        ("t: [a]\n", ("t",), [1], "has not all"),
        ("t: [a]\n", ("t",), [], "has not all"),
        ("t: a\n", ("t",), [0], "no list or mapping"),
        ("t: a\n", (), ["t"], "nothing would be left"),
        ("t: [&x a, b]\nu: *x\n", ("t",), [0], "could not be read"),
    ],
)
def test_entries_that_cannot_be_taken_out_stay(
    text: str, path: tuple[str | int, ...], keys: list[str | int], reason: str
) -> None:
    """What is not there, what others name and the whole file are not taken out."""
    with pytest.raises(EditError, match=reason):
        remove_entries(read_yaml(text, "p.yaml"), path, keys)


FLAT = st.lists(st.sampled_from(["a", "b-c", "'d, e'", '"f # g"', "{h: i}", "[j]"]), min_size=2, max_size=6)


@given(FLAT, st.booleans(), st.data())
def test_what_is_left_is_the_list_without_what_went(
    entries: list[str], flow: bool, data: st.DataObject
) -> None:
    """Whatever is taken out of a list, the rest is what it was."""
    text = f"t: [{', '.join(entries)}]\n" if flow else "t:\n" + "".join(f"  - {each}\n" for each in entries)
    source = read_yaml(f"{text}end: 1\n", "p.yaml")
    out = data.draw(st.sets(st.integers(0, len(entries) - 1), min_size=1, max_size=len(entries) - 1))
    before: Any = source.data
    after: Any = apply_edits(source, remove_entries(source, ("t",), out)).data
    assert after == {"t": [each for at, each in enumerate(before["t"]) if at not in out], "end": 1}


def test_changes_that_overlap_are_refused() -> None:
    """Two edits of the same characters are a mistake of the caller; the same edit twice is one."""
    source = read_yaml("a: hate\n", "p.yaml")
    with pytest.raises(EditError, match="overlap"):
        apply_edits(source, [TextEdit(3, 5, "x"), TextEdit(4, 6, "y")])
    assert apply_edits(source, [TextEdit(3, 5, "x"), TextEdit(3, 5, "x")]).text == "a: xte\n"


def test_the_difference_is_a_unified_diff() -> None:
    """Only the lines that change stand in it, with their surroundings."""
    source = read_yaml("a: 1\nb: 2\n", "p.yaml")
    after = apply_edits(source, [replace_in_scalar(source, ("b",), 0, 1, "3")])
    assert unified_diff(source, after) == "--- p.yaml\n+++ p.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n"
    assert unified_diff(source, source) == ""


def test_a_file_is_written_whole_with_its_permissions_and_mark(tmp_path: Path) -> None:
    """Permissions, a byte order mark, line ends and a link to the file stay as they were."""
    file, link = tmp_path / "p.yaml", tmp_path / "link.yaml"
    file.write_bytes("\ufeffa: 1\r\nb: 2\r\n".encode())
    file.chmod(0o640)
    link.symlink_to(file)
    source = read_yaml(file.read_bytes(), "p.yaml")
    replace_file(source, apply_edits(source, [replace_in_scalar(source, ("b",), 0, 1, "3")]), link)
    assert file.read_bytes() == "\ufeffa: 1\r\nb: 3\r\n".encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "p.yaml"]


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """What another wrote is not lost, and a file that is gone is an error."""
    file = tmp_path / "p.yaml"
    file.write_text("a: 1\n")
    source = read_yaml(file.read_bytes(), "p.yaml")
    after = apply_edits(source, [replace_in_scalar(source, ("a",), 0, 1, "3")])
    file.write_text("a: 2\n")
    with pytest.raises(EditError, match="changed by another"):
        replace_file(source, after, file)
    assert file.read_text() == "a: 2\n"
    file.unlink()
    with pytest.raises(EditError, match="cannot be written"):
        replace_file(source, after, file)
