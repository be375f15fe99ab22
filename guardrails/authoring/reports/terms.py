"""Explains the terms of reports where they stand, for people who are no statisticians."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from guardrails.authoring.markup import Html, join_markup, tag

TERMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Rows of it": "Labelled rows that are meant: the rule should fire for them, or they are of the category.",
        "Other rows": "Labelled rows that are not meant.",
        "Number": "The score from which on the rule acts (its threshold): the higher it is, the less the rule finds.",
        "Precision": "Of what was found, the share that is right. 90 %: one alarm in ten is false.",
        "Recall": "Of what should be found, the share that was. 90 %: one in ten is missed.",
        "False alarms (FPR)": "Of what is not meant, the share that was found all the same (false positive rate).",
        "F1": "Precision and recall in one number, 0 to 1: high only where both are high.",
        "AUPRC": "How well scores tell rows apart whatever the number in the rule, 0 to 1 (area under the precision-recall "
        "curve). Blind guessing gets the share of rows that are meant.",
        "Calibration error": "How far scores are from what they say: at 0.05 a score of 0.80 is right about 75 to 85 times in "
        "a hundred.",
        "Brier score": "The mean squared distance of scores from the truth, 0 to 1: the lower, the better.",
        "Range in brackets": "With 95 % certainty the figure is within it; the more rows, the narrower it is.",
        "Found from": "The scores from which on rules of the policy act.",
        "To be expected": "Measured on rows that the number was not chosen by, so that it tells of rows to come.",
        "allow": "It passes as it is.",
        "flag": "It passes, and is recorded.",
        "redact": "What was found is replaced, and the rest passes.",
        "block": "It does not pass.",
        "Severity": "How grave the policy calls it, from low to critical; it orders rules that act alike, and "
        "stops nothing by itself.",
        "Shadow": "A rule on trial: what it would do is recorded, and nothing is done.",
        "Score": "How sure the detector is, 0 to 1.",
        "Tier": "Detectors of one tier run together; a later tier is asked only where the earlier ones do not settle it.",
        "+block": "It passed before, and is blocked now.",
        "+redact": "It passed before, and is redacted now.",
        "-stopped": "It was stopped or redacted before, and is less so now.",
        "±flag": "It passes in both, and only one of the two records it.",
        "content": "The action is the same, and what goes on differs.",
        "Gate": "A limit that was given to the command; the change is ready where all are kept.",
        "Level": "How much a change means to those who use the policy: patch, minor or major, as in its version.",
    }
)
"""Term → what it means."""

ACTIONS: Final = ("allow", "flag", "redact", "block")


def explain_terms(*names: str) -> Html:
    """Return a list of terms with what each means, to stand under the table that uses them."""
    return tag(
        "dl",
        join_markup(part for name in names for part in (tag("dt", name), tag("dd", TERMS[name]))),
        class_="terms",
    )
