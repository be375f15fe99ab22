"""Terms of reports, explained where they stand."""

from __future__ import annotations

import pytest

from guardrails.authoring.reports.terms import ACTIONS, TERMS, explain_terms
from guardrails.types import Action
from tests.cases import each_case


def test_a_list_has_the_terms_that_are_asked_for_in_their_order() -> None:
    """Each with what it means, as markup."""
    written = str(explain_terms("Recall", "F1"))
    assert written.startswith('<dl class="terms"><dt>Recall</dt><dd>Of what should be found, ')
    assert written.index("<dt>Recall</dt>") < written.index("<dt>F1</dt>")
    assert written.count("<dt>") == 2


def test_what_would_be_markup_is_text() -> None:
    """A `>` of an explanation is shown as it is."""
    assert "<script" not in str(explain_terms(*TERMS))


def test_every_action_is_explained() -> None:
    """Reports show all of them."""
    assert {name.lower() for name in Action.__members__} == set(ACTIONS)
    assert set(ACTIONS) <= set(TERMS)


def test_a_term_that_nobody_wrote_about_is_a_mistake() -> None:
    """It is found where the report is written."""
    with pytest.raises(KeyError, match="Recal"):
        explain_terms("Recal")


@each_case("name", TERMS)
def test_an_explanation_is_a_sentence(name: str) -> None:
    """It begins with a capital and ends with a full stop."""
    assert TERMS[name][0].isupper()
    assert TERMS[name].endswith(".")
