"""Finds personal data with presidio-analyzer: no model, no network, no file written.

All predefined recognizers of the languages run in one pass, also those of countries that are off by default. Their
scores: weak alone (0.01 to 0.5), 1 where a checksum holds, 0.35 more and at least 0.4 with a word of context among the
five before. Importing this module imports presidio-analyzer (the extra `pii`), which takes about a second.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from time import perf_counter
from typing import Any, Final, cast

import phonenumbers
import regex
import tldextract
from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, predefined_recognizers
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer, PhoneRecognizer

from guardrails.cancellation import check, current
from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.pii.names import EntityHit, presidio_entities

CHUNK: Final = 4_000
"""Characters that are analyzed at once: Presidio compares each result with each token and with each other result."""

OVERLAP: Final = 400
"""Characters that two chunks share. What begins in the first half is the first chunk's, with its context words."""

SECONDS: Final = 5.0
"""For one pattern over one chunk, in the process's CPU time; Presidio's own patterns take about a millisecond."""

FLAGS: Final = int(regex.DOTALL | regex.MULTILINE | regex.IGNORECASE)
"""What Presidio's own configuration gives every recognizer, also those that declare others."""

_TOKEN: Final = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
_SPACE: Final = re.compile(r"\s")


class _TooSlow(RuntimeError):
    """A pattern ran out of time. Presidio catches `TimeoutError`, logs it, and goes on without the pattern."""


class _Email(EmailRecognizer):
    """Knows the public suffixes by the list in the package: the parent's first text fetches it over the network."""

    _suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool:
        return self._suffixes(pattern_text).fqdn != ""


LEAST_S: Final = 0.001
"""Time of a search that is hardly begun when its time is up."""


class BoundedPattern:
    """A compiled pattern of the `regex` package whose search fails for good when it takes more than `seconds`, and stops when
    nobody waits any more.
    """

    def __init__(self, compiled: Any, seconds: float = SECONDS) -> None:
        self._compiled = compiled
        self._seconds = seconds

    def finditer(self, text: str, **_presidios: object) -> Iterator[Any]:
        check()
        seconds = min(self._seconds, max(LEAST_S, current().deadline - perf_counter()))
        try:
            yield from self._compiled.finditer(text, timeout=seconds)
        except TimeoutError as error:
            check()
            raise _TooSlow(f"a pattern of Presidio took more than {self._seconds:g} s") from error


class _Words(NlpEngine):
    """Words in lower case in the place of lemmas, without which Presidio's context words do nothing.

    A blank spaCy pipeline would do as well, but keeps every word that it has ever seen, and has a longest text.
    """

    def __init__(self, languages: Iterable[str]) -> None:
        self._languages = list(languages)
        self._stop: set[str] = set()

    def load(self) -> None:
        for language in self._languages:
            self._stop |= importlib.import_module(f"spacy.lang.{language}.stop_words").STOP_WORDS

    def is_loaded(self) -> bool:
        return bool(self._stop)

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        found = list(_TOKEN.finditer(text))
        tokens = [match[0] for match in found]
        lemmas = [token.lower() for token in tokens]
        starts = [match.start() for match in found]
        # Presidio asks nothing of a token but its length.
        artifacts = NlpArtifacts([], cast("Any", tokens), starts, lemmas, self, language)
        artifacts.keywords = cast(
            "Any", frozenset(artifacts.keywords)
        )  # only searched, for each word of context
        return artifacts

    def process_batch(self, texts: Iterable[str], language: str, *_: Any, **__: Any) -> Any:
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        return word in self._stop

    def is_punct(self, word: str, language: str) -> bool:
        return not any(map(str.isalnum, word))

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return self._languages[:1]


def presidio_classes() -> dict[str, tuple[type[Any], str]]:
    """Return Presidio's entities that need no model and no service: the class that finds each, and its language."""
    found: dict[str, tuple[type[Any], str]] = {}
    for of in vars(predefined_recognizers).values():
        if inspect.isclass(of):
            takes = inspect.signature(of).parameters
            entity = takes["supported_entity"].default if "supported_entity" in takes else None
            if isinstance(entity, str):
                found[entity] = (of, str(takes["supported_language"].default))
    return found


def _recognizer(of: type[Any], language: str, regions: tuple[str, ...]) -> EntityRecognizer:
    """Make a recognizer; whatever its own language is, it serves in the one pass over a text."""
    if of is PhoneRecognizer:
        return PhoneRecognizer(supported_language=language, supported_regions=regions)
    made: Any = (_Email if of is EmailRecognizer else of)(supported_language=language)
    made.global_regex_flags = FLAGS
    made.patterns = [copy.copy(pattern) for pattern in getattr(made, "patterns", ())]
    for pattern in made.patterns:
        pattern.compiled_regex = BoundedPattern(regex.compile(pattern.regex, FLAGS))
        pattern.compiled_with_flags = FLAGS
    return cast("EntityRecognizer", made)


@lru_cache(maxsize=16)
def _analyzer(
    languages: tuple[str, ...], entities: tuple[str, ...], regions: tuple[str, ...]
) -> AnalyzerEngine:
    """Return the engine of a configuration, one for the process, warm: nothing is left to the first text."""
    known, language = presidio_classes(), languages[0]
    registry = RecognizerRegistry(
        [_recognizer(known[entity][0], language, regions) for entity in entities],
        supported_languages=[language],
    )
    engine = AnalyzerEngine(registry, _Words(languages), supported_languages=[language])
    engine.analyze("call +1 212 555 0100 or jo@example.com", language)
    return engine


class PresidioSearcher:
    """The engine over the recognizers for `names`. Raises `ConfigProblems` for what the installed version lacks."""

    def __init__(
        self, names: Iterable[str], *, languages: Iterable[str], min_score: float, regions: Iterable[str]
    ) -> None:
        self._languages, wanted, regions = tuple(languages), frozenset(names), tuple(regions)
        table = presidio_entities(self._languages)
        known = presidio_classes()
        self._names = {entity: name for entity, name in table.items() if name in wanted and entity in known}
        problems = [
            ConfigProblem(
                "unknown_region",
                f"{region!r} is no region with telephone numbers",
                ("phone_regions", index),
                hint="two capital letters, such as 'US'",
            )
            for index, region in enumerate(regions)
            if region not in phonenumbers.SUPPORTED_REGIONS
        ]
        lacking = sorted(wanted - {*self._names.values()})
        if lacking:
            message = f"the installed presidio-analyzer does not find {', '.join(lacking)}"
            problems.append(
                ConfigProblem(
                    "missing_extra",
                    message,
                    ("engine",),
                    hint="pip install --upgrade 'guardrails-middleware[pii]'",
                )
            )
        if problems:
            raise ConfigProblems(problems)
        self._min_score = min_score
        self._analyzer = _analyzer(self._languages, tuple(self._names), regions)

    def search(self, text: str) -> list[EntityHit]:
        """Return what is found in a text of any length, in no certain order; raise `TimeoutError` with the reason."""
        hits: list[EntityHit] = []
        owned = 0
        for start, end in split_chunks(text):
            check()
            # What begins here the next chunk sees whole, unless it is longer than half of what they share.
            until = end - OVERLAP // 2 if end < len(text) else end
            hits += [
                hit if hit.end < end else hit._replace(end=_word_end(text, end))
                for hit in self._chunk(text[start:end], start)
                if owned <= hit.start < until
            ]
            owned = until
        return hits

    def _chunk(self, text: str, offset: int) -> list[EntityHit]:
        try:
            results = self._analyzer.analyze(text, self._languages[0], score_threshold=self._min_score)
        except _TooSlow as error:
            raise TimeoutError(str(error)) from error
        return [
            EntityHit(
                self._names[each.entity_type], min(each.score, 1.0), each.start + offset, each.end + offset
            )
            for each in results
        ]


def _word_end(text: str, at: int) -> int:
    match = _SPACE.search(text, at)
    return match.start() if match else len(text)


def split_chunks(text: str) -> Iterator[tuple[int, int]]:
    """Return stretches of at most `CHUNK` characters that cover the text, the next one from at most `OVERLAP` before
    the end of one, cut at white space where there is some: a pattern that ends at the cut might have gone on.
    """
    start = 0
    while len(text) - start > CHUNK:
        end = _last_space(text, start + CHUNK // 2, start + CHUNK)
        yield start, end
        start = _last_space(text, end - OVERLAP, end - 3 * OVERLAP // 4, otherwise=end - OVERLAP)
    yield start, len(text)


def _last_space(text: str, low: int, high: int, otherwise: int | None = None) -> int:
    """Return the last place in a range that has white space, or the end of the range, or `otherwise`."""
    for at in range(high, low, -1):
        if text[at].isspace():
            return at
    return high if otherwise is None else otherwise
