"""Items remember where each of their fields was written, overrides included."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrails.policy.loading.items import PolicyItem
from guardrails.policy.loading.source import Mark, Source, read_yaml

OWN = read_yaml("rules:\n  - id: r\n    when: hate > 0\n    file: a.txt\n", "own.yaml")
OTHER = read_yaml("override:\n  - {id: r, when: 'toxic > 0', file: b.txt}\n", "other.yaml")


def item(folder: Path = Path()) -> PolicyItem:
    """Return the rule of the first file, unchanged."""
    return PolicyItem({"id": "r", "when": "hate > 0", "file": "a.txt"}, OWN, ("rules", 0), folder)


def changed(folder: Path = Path(), other: Path = Path()) -> PolicyItem:
    """Return the rule with a condition and a file of the second file."""
    origin: tuple[Source, tuple[str | int, ...], Path] = (OTHER, ("override", 0), other)
    return item(folder).override({"when": "toxic > 0", "file": "b.txt"}, origin)


def test_fields_of_an_override_stand_in_its_own_file() -> None:
    """What was overridden is found where that was written, the rest where it was."""
    assert item().mark(("when",)) == Mark("own.yaml", 3, 11)
    assert changed().data == {"id": "r", "when": "toxic > 0", "file": "b.txt"}
    assert changed().mark(("when",)) == Mark("other.yaml", 2, 19)
    assert changed().inside(("when",), 2) == Mark("other.yaml", 2, 22)
    assert changed().key_mark(("when",)) == Mark("other.yaml", 2, 13)
    assert changed().mark(("id",)) == Mark("own.yaml", 2, 9)
    assert changed().mark(()) == Mark("own.yaml", 2, 5)


def test_an_item_does_not_change() -> None:
    """An override makes a new item."""
    first = item()
    first.override({"when": "x"}, (OTHER, ("override", 0), Path()))
    assert (first.data["when"], first.overrides) == ("hate > 0", {})


def test_files_count_from_the_folder_of_the_file_that_names_them(tmp_path: Path) -> None:
    """A file named in an override lies beside the overriding policy, not beside the one that it changes."""
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "own" / "a.txt").write_text("of own")
    (tmp_path / "other" / "b.txt").write_text("of other")
    assert item(tmp_path / "own").read("a.txt")[0] == "of own"
    both = changed(tmp_path / "own", tmp_path / "other")
    assert both.read("b.txt")[0] == "of other"
    with pytest.raises(OSError, match="no such file"):
        item(tmp_path / "other").read("a.txt")


def test_models_count_from_the_folder_of_the_file_that_names_them(tmp_path: Path) -> None:
    """Also where a field of a block names one, as in `ner: {model: …}`."""
    for name in ("own", "other"):
        (tmp_path / name / "m").mkdir(parents=True)
    first = PolicyItem({"model": "m"}, OWN, ("rules", 0), tmp_path / "own")
    assert first.model_folder("m") == (tmp_path / "own" / "m").resolve()
    origin: tuple[Source, tuple[str | int, ...], Path] = (OTHER, ("override", 0), tmp_path / "other")
    for change in ({"model": "m"}, {"model": "n", "ner": {"model": "m"}}):
        assert first.override(change, origin).model_folder("m") == (tmp_path / "other" / "m").resolve()
    with pytest.raises(OSError, match="no such folder"):
        first.model_folder("n")
    with pytest.raises(OSError, match="at revision 'v1'"):
        first.model_folder("org/none", "v1", download=False)
