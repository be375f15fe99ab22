"""One taxonomy: valid names, what counts as harm, who is worth at least as much, and the names of others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrails import taxonomy
from guardrails.taxonomy import (
    AZURE,
    BEDROCK,
    CATEGORIES,
    LLAMA_GUARD,
    MLCOMMONS,
    OPEN,
    OPENAI,
    OWASP,
    SEEN_WITH,
    VISIBLE,
    describe_not_seen,
    find_not_seen,
    is_depicted,
    is_harm,
    is_valid,
    with_ancestors,
)
from tests.cases import each_case

TABLES = {
    "openai": OPENAI, "azure": AZURE, "bedrock": BEDROCK, "mlcommons": MLCOMMONS, "llama_guard": LLAMA_GUARD,
    "owasp": OWASP,
}  # fmt: skip
LEAF = st.from_regex(r"[a-z0-9][a-z0-9_]{0,8}", fullmatch=True)


@each_case("category", CATEGORIES)
def test_every_category_is_valid_documented_and_has_its_parents(category: str) -> None:
    """The table is closed: each name is valid, says what it is, and its parents are in it."""
    assert is_valid(category)
    assert CATEGORIES[category].endswith(".")
    assert {*with_ancestors(category)} <= {*CATEGORIES}


@each_case("table", TABLES)
def test_names_of_others_lead_to_categories(table: str) -> None:
    """Every name of another system stands for a category of ours."""
    assert TABLES[table]
    assert [name for name in TABLES[table].values() if name not in CATEGORIES] == []


@given(st.sampled_from(OPEN), st.lists(LEAF, min_size=1, max_size=3))
def test_open_roots_take_any_leaf(root: str, leaves: list[str]) -> None:
    """Below pii, secret, url and custom any lower-case name is valid, and worth its parents."""
    category = ".".join([root, *leaves])
    assert is_valid(category)
    assert with_ancestors(category) == tuple(
        ".".join([root, *leaves[:end]]) for end in range(len(leaves), -1, -1)
    )


@each_case(
    "name",
    ["", "hat", "hate.mild", "Hate", "hate.", ".hate", "custom.", "custom.A", "custom..x", "custom x", "custom.x ",
     "custom.x\n", "self-harm", "blocklist", "pii.é"],
)  # fmt: skip
def test_other_names_are_not_valid(name: str) -> None:
    """Misspelt names, other roots, capitals and broken dots are no categories."""
    assert not is_valid(name)


@each_case(
    ("category", "names"),
    [
        ("hate.threatening", ("hate.threatening", "hate", "unsafe")),
        ("hate", ("hate", "unsafe")),
        ("unsafe", ("unsafe",)),
        ("injection", ("injection", "unsafe")),
        ("pii.email", ("pii.email", "pii")),
        ("secret.aws_access_key", ("secret.aws_access_key", "secret")),
        ("spam", ("spam",)),
        ("custom.a.b", ("custom.a.b", "custom.a", "custom")),
    ],
)
def test_ancestors_are_worth_at_least_as_much(category: str, names: tuple[str, ...]) -> None:
    """A category counts for its parents, a harm for `unsafe` too."""
    assert with_ancestors(category) == names
    assert ("unsafe" in names) is is_harm(category)


@each_case(
    ("label", "category"),
    [
        ("hate", "hate"),
        ("sexual_minors", "sexual.minors"),
        ("hate_threatening", "hate.threatening"),
        ("self_harm_intent", "self_harm.intent"),
        ("self-harm/instructions", "self_harm.instructions"),
        ("Self Harm", "self_harm"),
        ("SelfHarm", "self_harm"),
        ("S10", "hate"),
        ("PROMPT_ATTACK", "jailbreak"),
        ("custom.word", "custom.word"),
        ("custom_word", "custom.word"),
        ("misinformation", "misinformation"),
        ("", None),
    ],
)
def test_names_are_of_the_taxonomy_or_of_others(label: str, category: str | None) -> None:
    """Separators do not matter, and neither do other systems' names."""
    assert taxonomy.find_meant(label) == category


@each_case(
    ("category", "depicted"),
    [("violence.graphic", True), ("profanity", True), ("intellectual_property", True), ("unsafe", True),
     ("injection", False), ("jailbreak", False), ("pii.credit_card", False), ("secret.key", False), ("custom.x", False)],
)  # fmt: skip
def test_what_a_text_shows_is_told_from_what_it_is(category: str, *, depicted: bool) -> None:
    """A list of what is not to be seen may name the former."""
    assert is_depicted(category) is depicted


def test_what_pictures_can_show_are_categories() -> None:
    """Each has words for people; what a coarser category holds is seen with it, a minor is not."""
    assert {*VISIBLE, *SEEN_WITH, *SEEN_WITH.values()} <= {*CATEGORIES}
    assert find_not_seen({*VISIBLE}) == ()
    assert find_not_seen({"sexual", "violence"}) == ("sexual.minors", "weapons", "hate", "self_harm", "drugs")
    assert find_not_seen({"unsafe", "hate.threatening"}) == (*VISIBLE,)
    assert (
        describe_not_seen(["violence.graphic", "weapons", "self_harm"])
        == "violence.graphic (gore), weapons, self_harm"
    )
