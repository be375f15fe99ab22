"""What a conversation handed out: numbers, made-up values, and whose they are."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from guardrails import Text, ToolCall
from guardrails.engine.redaction.vault import Vault, escape_placeholders, find_texts
from guardrails.types import Place, Stage
from tests.cases import each_case

OWN = Place(Stage.INPUT, role="user", message=0)
MODELS = Place(Stage.OUTPUT, role="assistant")


def test_each_kind_counts_for_itself_and_each_value_once() -> None:
    """All credentials are one kind; the first writing of the user's is the one that comes back."""
    vault = Vault()
    given = [
        vault.number_for("pii.email", "A@x.org", MODELS),
        vault.number_for("pii.email", "a@X.org", OWN),
        vault.number_for("pii.email", "a@x.org", OWN),
        vault.number_for("secret.github", "t1", OWN),
        vault.number_for("secret.aws", "t2", MODELS),
        vault.number_for("pii.email", "b@x.org", MODELS),
    ]
    assert given == ["[EMAIL_1]", "[EMAIL_1]", "[EMAIL_1]", "[SECRET_1]", "[SECRET_2]", "[EMAIL_2]"]
    assert vault.values == {"[EMAIL_1]": "a@X.org", "[SECRET_1]": "t1"}
    assert vault.restore("[EMAIL_1] [EMAIL_2] [SECRET_1] [SECRET_2]") == "a@X.org [EMAIL_2] t1 [SECRET_2]"


def test_a_reserved_number_is_never_given() -> None:
    """Nor is one taken away that was given already."""
    vault = Vault()
    vault.reserve("see [EMAIL_1], [EMAIL_3], [PHONE_12] and [email_2]")
    assert [vault.number_for("pii.email", f"{n}@x.org", OWN) for n in range(2)] == ["[EMAIL_2]", "[EMAIL_4]"]
    vault.reserve("[EMAIL_2]")
    assert vault.number_for("pii.email", "0@x.org", OWN) == "[EMAIL_2]"


def test_only_what_was_handed_out_can_be_mistaken() -> None:
    """And is then written with a hyphen."""
    vault = Vault()
    vault.number_for("custom.a_b", "x", OWN)
    found = list(vault.find_mistakable("[A_B_1] [A_B_2] [A_B_11] [[A_B_1]]"))
    assert found == [((0, 7), "[A_B-1]"), ((26, 33), "[A_B-1]")]


def test_a_vault_goes_on_from_another_and_leaves_it_as_it_is() -> None:
    """A verdict is a value: a later check changes nothing in it."""
    prompt = Vault()
    prompt.number_for("pii.email", "a@x.org", OWN)
    fake = prompt.fake_for("pii.phone", "555-0142", OWN, "en_US")
    reply = Vault(prompt)
    assert reply.number_for("pii.email", "a@x.org", MODELS) == "[EMAIL_1]"
    assert reply.number_for("pii.email", "b@x.org", OWN) == "[EMAIL_2]"
    assert reply.fake_for("pii.phone", fake, MODELS, "en_US") == fake
    assert prompt.values == {"[EMAIL_1]": "a@x.org"}
    assert Vault(prompt).number_for("pii.email", "c@x.org", OWN) == "[EMAIL_2]"


def test_made_up_values_are_never_taken_twice_nor_the_value_itself() -> None:
    """Of a single digit there are ten: where they run out, a digest stands in."""
    vault = Vault()
    made = [vault.fake_for("custom.digit", str(n), OWN, "en_US") for n in range(10)]
    assert len(set(made)) == 10
    assert all(new != str(n) for n, new in enumerate(made))
    assert all(new.isdecimal() or new.startswith("[DIGIT:") for new in made)
    assert [vault.fake_for("custom.digit", str(n), OWN, "en_US") for n in range(10)] == made
    assert vault.fake_for("custom.mark", "!!!", OWN, "en_US").startswith("[MARK:")


def test_a_made_up_value_that_comes_back_stays() -> None:
    """A model repeats it, a tool gets it; a user who has it as a real value gets another."""
    vault = Vault()
    fake = vault.fake_for("pii.email", "a@x.org", OWN, "en_US")
    assert vault.fake_for("pii.email", fake, MODELS, "en_US") == fake
    assert vault.fake_for("pii.email", fake, Place(Stage.TOOL_RESULT), "en_US") == fake
    assert vault.fake_for("pii.email", fake, OWN, "en_US") != fake


def test_a_vault_shows_no_value() -> None:
    """Not by what logs print of it."""
    vault = Vault()
    vault.number_for("pii.email", "a@x.org", OWN)
    assert "a@x.org" not in repr(vault)


@each_case(
    ("value", "found"),
    [
        ("a", ["a"]),
        ([{"role": "user", "content": ["b", {"c": 1}]}, ("d",)], ["role", "user", "content", "b", "c", "d"]),
        (Text("e"), ["e"]),
        (ToolCall("f", '{"g": 1}'), ['{"g": 1}']),
        (b"h", ["h"]),
        (b"\xff", []),
        ({"i"}, ["i"]),
        (object(), []),
    ],
)
def test_texts_are_found_in_any_form(value: Any, found: list[str]) -> None:
    """Keys too; what is no text has none."""
    assert list(find_texts(value)) == found


@each_case(
    ("value", "new"),
    [
        ("[A_1][A_1] [A_2]", "[A-1][A-1] [A_2]"),
        (Text("[A_1]"), Text("[A-1]")),
        (
            [{"role": "user", "content": ["[A_1]"]}, ("[A_1]",)],
            [{"role": "user", "content": ["[A-1]"]}, ("[A-1]",)],
        ),
        (b"[A_1]", b"[A-1]"),
        (SimpleNamespace(a={"[A_1]"}), SimpleNamespace(a={"[A-1]"})),
    ],
)
def test_words_are_told_apart_from_what_was_handed_out_before(value: Any, new: Any) -> None:
    """In any form of content."""
    vault = Vault()
    vault.number_for("custom.a", "x", OWN)
    assert escape_placeholders(value, vault) == new


@each_case(
    "value",
    ["[A_2]", [{"role": "assistant", "content": "[A_1]"}], ("a",), Text("a"), b"\xff", 5, None, object()],
)
def test_what_a_model_wrote_or_nobody_can_mistake_stays_the_same_object(value: Any) -> None:
    """So that a caller sees that nothing changed."""
    vault = Vault()
    vault.number_for("custom.a", "x", OWN)
    assert escape_placeholders(value, vault) is value
