"""Lists of terms of a policy, with the place of each entry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guardrails.detectors import read_list_file
from guardrails.detectors.terms.term_matcher import form
from guardrails.detectors.terms.terms_detector import TermsConfig
from guardrails.policy.lints.issue import Fix
from guardrails.policy.loading.items import Policy
from guardrails.policy.loading.source import Mark


@dataclass(frozen=True, slots=True)
class ListedTerm:
    """A term as it is written, where, in the form in which it is looked for, and how to take it out."""

    text: str
    mark: Mark
    form: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class TermList:
    """A list of terms: the detector's name, its configuration, and all its entries, those of its file too."""

    name: str
    config: TermsConfig
    entries: tuple[ListedTerm, ...]


def read_term_lists(policy: Policy) -> Iterator[TermList]:
    """Yield the lists of a policy."""
    for name, declared in policy.detectors.items():
        config, item = declared.config, declared.item
        if not isinstance(config, TermsConfig):
            continue
        source, path = item.place(("terms",))
        marks = (
            (item.mark(("terms", at)), term, Fix(source, path, at)) for at, term in enumerate(config.terms)
        )
        named = read_list_file(item, config.file) if config.file is not None else ()
        every = (*marks, *((Mark(*place), term, None) for place, term in named))
        fold = config.case == "ignore"
        entries = (ListedTerm(term, mark, form(term, fold=fold), fix) for mark, term, fix in every)
        yield TermList(name, config, tuple(entries))
