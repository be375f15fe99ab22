"""How a file is laid out: its nodes as they are written, and whose each comment is."""

from __future__ import annotations

import pytest

from guardrails.policy.editing.layout import LayoutEntry, LayoutError, LayoutNode, parse_layout
from tests.cases import each_case

FILE = """\
# of the file

# of a
a: 1 # beside a
b:   # beside b
  # of the item
  - {x: 'a # b', # in brackets
     y: [1, 2]} # beside the item
  - |
    # a text
  # behind the items
c: # of nothing else
# at the end
"""


def entries(node: LayoutNode) -> dict[str | None, LayoutEntry]:
    """Return the entries of a mapping by their keys."""
    return {entry.key: entry for entry in node.entries or ()}


def test_each_comment_is_given_to_what_it_is_about() -> None:
    """Comments above and beside go to the entry there, those further right than what follows to what ends."""
    root = parse_layout(FILE)
    top = entries(root)
    first, second = top["b"].value.entries or ()

    assert (top["a"].above, top["a"].beside) == (["# of the file", "", "# of a"], "# beside a")
    assert (top["b"].beside, top["c"].beside) == ("# beside b", "# of nothing else")
    assert (first.above, first.beside) == (["# of the item"], "# beside the item")
    assert entries(first.value)["x"].beside == "# in brackets"
    assert (second.value.text, second.beside) == ("|\n    # a text", "")
    assert top["b"].value.ending == ["# behind the items"]
    assert root.ending == ["# at the end"]


def test_values_are_as_they_are_written() -> None:
    """Quotes, escapes and brackets are kept."""
    top = entries(parse_layout('a: "x\\u200b"\nb: {c: 0x1, "d": [~]}\ne: &n y\nf: *n\ng:\n'))

    assert top["a"].value.text == '"x\\u200b"'
    assert top["b"].value.flow
    assert {key: entry.value.text for key, entry in entries(top["b"].value).items()} == {
        "c": "0x1",
        '"d"': "",
    }
    assert [top[key].value.text for key in "efg"] == ["&n y", "*n", ""]


def test_an_empty_file_has_no_entries() -> None:
    """Nothing but comments is nothing."""
    assert parse_layout("").entries == []


@each_case(
    ("text", "words"),
    [
        ("---\na: 1\n", "remove that line"),
        ("a: 1\n---\nb: 2\n", "several documents"),
        ("%YAML 1.2\n---\na: 1\n", "directive"),
        ("a: !!str 1\n", "line 1 has a tag"),
        ("[a]: 1\n", "no text on one line"),
    ],
)
def test_what_is_not_followed_is_an_error(text: str, words: str) -> None:
    """What a policy never needs is named, not guessed at."""
    with pytest.raises(LayoutError, match=words):
        parse_layout(text)
