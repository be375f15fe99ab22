"""Lists of terms: entries that are the same as another, that another stands in, or that are too short to mean anything."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.detectors import lines
from guardrails.detectors.terms import Terms, TermsConfig
from guardrails.policy.items import Item
from guardrails.policy.lints.issue import Fix, Found, Scene
from guardrails.policy.source import Mark

SHORT = {"substring": 2, "word": 1}
"""Characters of a term up to which it is found nearly everywhere, by how it is looked for."""

MOST = 5_000
"""Terms up to which one that stands in another is looked for."""


def _entries(name: str, item: Item, config: TermsConfig) -> list[tuple[Mark, str, Fix | None]]:
    """Return the terms of a detector, those of its file too, with their places."""
    found: list[tuple[Mark, str, Fix | None]] = []
    for index, term in enumerate(config.terms):
        source, path = item.place(("terms",))
        found.append((item.mark(("terms", index)), term, Fix(source, path, index)))
    if config.file is not None:
        found += [(Mark(*place), term, None) for place, term in lines(item, config.file)]
    return found


def _lists(scene: Scene) -> Iterator[tuple[str, TermsConfig, list[tuple[Mark, str, Fix | None]]]]:
    for name, declared in scene.policy.detectors.items():
        if isinstance(declared.config, TermsConfig):
            yield name, declared.config, _entries(name, declared.item, declared.config)


def duplicate_term(scene: Scene) -> Iterator[Found]:
    """A term is the same as another once case, accents and look-alike characters are undone."""
    for name, config, entries in _lists(scene):
        first: dict[str, tuple[str, Mark]] = {}
        for mark, term, fix in entries:
            form = Terms.form(term, fold=config.case == "ignore")
            before, at = first.setdefault(form, (term, mark))
            if at != mark:
                same = "is there already" if before == term else f"is the same as {before!r} here"
                yield Found(mark, f"term {term!r} {same} ({at.file}:{at.line})", "remove it", name, fix)


def short_term(scene: Scene) -> Iterator[Found]:
    """A term is so short that it is found nearly everywhere."""
    for name, config, entries in _lists(scene):
        for mark, term, _ in entries:
            form = Terms.form(term, fold=config.case == "ignore")
            if len(form) <= SHORT[config.match] and form.isascii() and form.isalnum():
                where = "within words" if config.match == "substring" else "as a word of its own"
                cure = "write more of it" + (", or match: word" if config.match == "substring" else "")
                yield Found(
                    mark,
                    f"term {term!r} has {len(form)} character{'s' * (len(form) > 1)} and is found {where}",
                    cure,
                    name,
                )


def contained_term(scene: Scene) -> Iterator[Found]:
    """A term holds another one of its list, which is found wherever it is."""
    for name, config, entries in _lists(scene):
        if len(entries) > MOST:
            continue
        forms = {Terms.form(term, fold=config.case == "ignore"): term for _, term, _ in entries}
        for mark, term, _ in entries:
            form = Terms.form(term, fold=config.case == "ignore")
            inner = _inside(form, forms, words=config.match == "word")
            if inner is not None:
                message = f"term {term!r} holds {forms[inner]!r}, which is found wherever it is"
                yield Found(mark, message, "leave it out, unless all of it is to be replaced", name)


def _inside(form: str, forms: dict[str, str], *, words: bool) -> str | None:
    """Return a shorter form that stands in one."""
    if words:
        parts = form.split(" ")
        size = len(parts)
        spans = ((start, end) for start in range(size) for end in range(start + 1, size + 1))
        pieces = (" ".join(parts[start:end]) for start, end in spans if end - start < size)
    else:
        longest = min(len(form), 64)
        spans = ((s, e) for s in range(len(form)) for e in range(s + 1, min(len(form), s + longest) + 1))
        pieces = (form[start:end] for start, end in spans if end - start < len(form))
    return next((piece for piece in pieces if piece in forms), None)
