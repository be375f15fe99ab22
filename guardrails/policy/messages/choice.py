"""Chooses one of several texts by its language: of a rule's message, of a redaction's own text, of the built-in messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from guardrails.detectors.language.scripts import match_language


def choose_language_tag(languages: Iterable[str], offered: Collection[str]) -> str:
    """Return the tag under which a text is best read.

    Args:
        languages: in which it is best said, the best first. They are looked for one by one: none where there is one text alone.
        offered: the tags of the languages in which there is the text; one at least.

    Returns:
        The first of `languages` in which there is a text, else `en`, else the first of `offered`.
    """
    if len(offered) > 1:
        for language in languages:
            tag = match_language(language, offered)
            if tag is not None:
                return tag
    return "en" if "en" in offered else next(iter(offered))
