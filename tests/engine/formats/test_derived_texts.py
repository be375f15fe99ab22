"""What stands in texts is added once: a cache remembers the texts that hold nothing."""

from __future__ import annotations

import base64
from unittest.mock import patch

from guardrails import Stage, Text
from guardrails.detectors.encodings.extractors import holds_nothing
from guardrails.engine.content.content_tree import ContentTree, Leaf
from guardrails.engine.core.findings_cache import FindingsCache
from guardrails.engine.formats import derived_texts
from guardrails.engine.formats.derived_texts import add_derived_texts
from guardrails.types import Place
from tests.cases import each_case

LIMITS = (3, 10, 10_000)
PLAIN = "nothing at all stands encoded in this sentence"
ENCODED = f"see {base64.b64encode(b'a sentence that is encoded').decode()} and more"
TABLE = "name,ssn\nJonathan Smith,219456789\n"


def tree_of(*texts: str, stage: Stage = Stage.INPUT) -> ContentTree:
    """Return a tree of some texts."""
    return ContentTree(leaves=[Leaf(Text(text, Place(stage))) for text in texts])


def derive(tree: ContentTree, cache: FindingsCache | None) -> tuple[list[str], int]:
    """Return the texts that are added, and how many were read for encodings."""
    count = len(tree.leaves)
    with patch.object(derived_texts, "holds_nothing", wraps=holds_nothing) as asked:
        add_derived_texts(tree, LIMITS, None if cache is None else cache.entry)
    added = [leaf.content.text for leaf in tree.leaves[count:] if isinstance(leaf.content, Text)]
    return added, asked.call_count


@each_case(
    ("texts", "added", "first", "then"),
    [
        ([PLAIN], [], 1, 0),
        ([PLAIN, PLAIN + "!"], [], 2, 0),
        ([ENCODED], ["a sentence that is encoded"], 1, 1),
        ([PLAIN, ENCODED], ["a sentence that is encoded"], 2, 1),
        ([TABLE], ["ssn: 219456789"], 1, 1),
        (["short"], [], 1, 1),
    ],
)
def test_a_text_that_holds_nothing_is_read_once(
    texts: list[str], added: list[str], first: int, then: int
) -> None:
    """The second time only texts are read that hold something, or are too short to be remembered; without a cache, all are."""
    cache = FindingsCache()
    assert derive(tree_of(*texts), cache) == (added, first)
    assert derive(tree_of(*texts), cache) == (added, then)
    assert derive(tree_of(*texts), None) == (added, first)


def test_fields_are_read_at_each_stage() -> None:
    """That a reply holds nothing says nothing of a result of a tool with the same text."""
    cache = FindingsCache()
    assert derive(tree_of(TABLE, stage=Stage.OUTPUT), cache) == ([], 1)
    assert derive(tree_of(TABLE, stage=Stage.TOOL_RESULT), cache) == (["ssn: 219456789"], 1)


def test_a_joined_text_says_nothing_of_the_same_text_alone() -> None:
    """The fields of joined texts are not read: those of a text that reads the same are."""
    cache = FindingsCache()
    joined = tree_of(TABLE[:9], TABLE[9:])
    joined.join([0, 1], (), Place(Stage.INPUT))
    assert derive(joined, cache)[0] == []
    assert derive(tree_of(TABLE), cache)[0] == ["ssn: 219456789"]


@each_case("limits", [(3, 10, 10_001), (3, 11, 10_000), (4, 10, 10_000)])
def test_other_limits_are_other_readings(limits: tuple[int, int, int]) -> None:
    """What is empty within some limits is read again within others."""
    cache = FindingsCache()
    with patch.object(derived_texts, "holds_nothing", wraps=holds_nothing) as asked:
        add_derived_texts(tree_of(PLAIN), LIMITS, cache.entry)
        add_derived_texts(tree_of(PLAIN), limits, cache.entry)
    assert asked.call_count == 2


def test_what_is_beyond_a_limit_is_noted_each_time() -> None:
    """A text of which something is left is not taken for one that holds nothing."""
    cache = FindingsCache()
    for _ in range(2):
        tree = tree_of(ENCODED)
        add_derived_texts(tree, (3, 0, 10_000), cache.entry)
        assert [entry.reason for entry, _ in tree.unchecked] == ["more encoded payloads than are decoded"]
