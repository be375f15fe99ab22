"""What all tests share: guards from small policies, and detectors of a test's own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import settings

from guardrails import Content, Detection, Guard
from guardrails.detectors import Kind
from guardrails.detectors.config import Config

# The same examples in every run: what is found by chance is kept as an `@example`, and a red build means a change.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


class OwnConfig(Config):
    """The configuration of a test's own detector: none but its kind."""

    use: str
    """The kind of detector."""


class Own:
    """A detector that is a function of one content; it counts the contents that it sees."""

    def __init__(self, judge: Callable[[Content], Any]) -> None:
        self.judge = judge
        self.seen: list[Content] = []

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each content by the function."""
        self.seen += batch
        return [self.judge(content) for content in batch]


@pytest.fixture(scope="session")
def guard_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Guard]:
    """Return a function: the text of a policy (and of a floor) in, a guard out."""
    folder = tmp_path_factory.mktemp("policies")
    numbers = itertools.count()

    def make(text: str, *, floor: str | None = None, detectors: Mapping[str, Kind] | None = None) -> Guard:
        paths = []
        for policy in (text, floor):
            if policy is not None:
                path = folder / f"{next(numbers)}.yaml"
                path.write_text(policy if "format:" in policy else f"format: 1\nname: tested\n{policy}")
                paths.append(path)
        return Guard.load(paths[0], floor=paths[1] if floor is not None else None, detectors=detectors)

    return make


@pytest.fixture(scope="session")
def kind_of() -> Callable[..., Kind]:
    """Return a function: a detector, or a function of one content, in, the kind that a policy can use out."""

    def make(detector: Any, *categories: str, **more: Any) -> Kind:
        built = detector if hasattr(detector, "detect") else Own(detector)
        given = frozenset(categories or ("custom.own",))
        return Kind("own", "A test's own.", OwnConfig, lambda _n, _c: given, lambda _n, _c, _f: built, **more)

    return make


@pytest.fixture(scope="session")
def own() -> type[Own]:
    """Return the class of detectors that count what they see."""
    return Own


EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"


@pytest.fixture(scope="session")
def bomb_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks the word `zqxbomb`, at every stage."""
    return guard_of(f"""
detectors:
  words: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block}}
history: block
""")


@pytest.fixture(scope="session")
def bomb_redactor(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that redacts the word `zqxbomb`, at every stage, wherever in a word it stands."""
    return guard_of(f"""
detectors:
  words: {{use: terms, terms: [zqxbomb], category: custom.bomb, match: substring}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: redact}}
""")
