"""Words of elsewhere: what they are said to mean exists here."""

from __future__ import annotations

from typing import get_args

from guardrails.detectors.kinds import BUILTIN, find_kind
from guardrails.policy.loading.cures.field_names import fields_by_name
from guardrails.policy.loading.cures.habit_words import ACTIONS, FIELDS, KINDS, VALUES
from guardrails.policy.schema import ExceptionDoc, PolicyDoc, RuleDoc
from guardrails.policy.testing.test_fields import ActionWord, TestDoc


def test_what_a_word_means_exists() -> None:
    """Each action, kind of detector and field that a message proposes is one."""
    kinds = [found.config for kind in BUILTIN if (found := find_kind(kind))]
    fields = {
        name
        for model in (PolicyDoc, RuleDoc, ExceptionDoc, TestDoc, *kinds)
        for name in fields_by_name(model)
    }
    assert {*ACTIONS.values()} == {*get_args(ActionWord)}
    assert {*KINDS.values()} <= {*BUILTIN}
    assert {meant for each in FIELDS.values() for meant in each} <= fields
    assert {*VALUES} <= fields


def test_no_word_is_what_it_stands_for() -> None:
    """What is right needs no other word."""
    assert not {*KINDS} & {*BUILTIN}
    assert not [word for word, meant in FIELDS.items() if word in meant]
