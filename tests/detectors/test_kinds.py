"""Kinds of detectors: the table of the built-in ones, and what a caller or a plugin may register."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from guardrails import Guard
from guardrails.detectors import ConfigProblem, ConfigProblems
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import BUILTIN, Kind, NoSettings, find_kind, kind_names, read_kind
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.errors import PolicyErrors
from guardrails.registry.sources import PluginError, PluginSources
from guardrails.types import CLEAN, Content, Detection, Finding, Text
from tests.cases import each_case

POLICY = """
detectors:
  loud: {use: shouting%s}
rules:
  - {id: loud.block, on: input, when: custom.shouting > 0, then: block}
"""


class ShoutingConfig(Config):
    """How loud is loud."""

    least: int = 3
    """Capitals that are too many."""


class Shouting:
    """Texts in capitals.

    More is said here.
    """

    config = ShoutingConfig

    def __init__(self, name: str, config: ShoutingConfig) -> None:
        self._name, self._least = name, config.least

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find capitals."""
        return [self._judge(each.text) if isinstance(each, Text) else CLEAN for each in batch]

    def _judge(self, text: str) -> Detection:
        loud = sum(map(str.isupper, text)) >= self._least
        return Detection((Finding("custom.shouting", 1.0, self._name, (0, len(text))),)) if loud else CLEAN


class Bare:
    """A detector that is made of nothing."""

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Find nothing."""
        return [CLEAN for _ in batch]


@each_case("name", BUILTIN)
def test_every_kind_of_the_table_describes_itself(name: str) -> None:
    """What `use:` may name has a description for people and a documented field for each setting."""
    found = find_kind(name)
    assert found is not None
    assert found.name == name
    assert found.doc.endswith(".")
    fields = found.config.model_json_schema()["properties"].values()
    assert all(field["description"] for field in fields)


def test_names_are_those_of_the_table_and_the_callers_own() -> None:
    """In the order of letters."""
    own = PluginSources.read([]).with_own("detectors", {"mine": TERMS})
    assert kind_names(own) == sorted([*BUILTIN, "mine"])
    assert find_kind("mine", PluginSources()) is None


@each_case(
    ("given", "more", "text", "blocked"),
    [
        (Shouting, "", "QUIET", True),
        (Shouting, "", "QUiet", False),
        (Shouting, ", least: 2", "QUiet", True),
        (Shouting("x", ShoutingConfig()), "", "QUIET", True),
        (Kind("any", "Loud.", ShoutingConfig, ("custom.shouting",), Shouting), ", least: 2", "QUiet", True),
        (
            Kind("any", "Loud.", ShoutingConfig, lambda name, config: {"custom.shouting"}, lambda n, c, f: Shouting(n, c)),
            "", "QUIET", True,
        ),
    ],
)  # fmt: skip
def test_a_class_a_detector_and_a_kind_can_be_registered(
    given: Any, more: str, text: str, blocked: bool, guard_of: Callable[..., Guard]
) -> None:
    """Each is used by a policy under the name that the caller gives it; its configuration is read there."""
    guard = guard_of(POLICY % more, detectors={"shouting": given})
    assert guard.check(text).blocked is blocked


def test_a_class_says_what_its_kind_is() -> None:
    """The first sentence of its docstring, its configuration with the field `use`, `custom.` and its name, a `Kind`'s fields."""
    kind = read_kind(
        "shouting",
        type("Own", (Shouting,), {"tier": 1, "contents": ["text"], "__doc__": Shouting.__doc__}),
        None,
    )
    assert (kind.name, kind.doc, kind.tier, kind.contents) == ("shouting", "Texts in capitals.", 1, {"text"})
    assert kind.gives("loud", None) == {"custom.shouting"}
    assert {*kind.config.model_fields} == {"least", "use"}
    assert kind.config.model_validate({"use": "shouting"}).model_dump() == {"use": "shouting", "least": 3}
    assert read_kind("a b", Bare, None).gives("x", None) == {"custom.a_b"}


@each_case(
    ("given", "code", "message"),
    [
        (3, "invalid_plugin", "is of type int, which has no method 'detect'"),
        (dict, "invalid_plugin", "is the class dict, which has no method 'detect'"),
        (Kind("x", "X.", dict, ("custom.x",), Bare), "invalid_plugin", "config of 'own' is no class"),
        (
            Kind("x", "X.", ShoutingConfig, ("shouting",), Bare),
            "unknown_category",
            "'shouting', which is not a category",
        ),
        (
            Kind("x", "X.", NoSettings, ("custom.x",), Bare, contents=frozenset({"txt"})),
            "invalid_plugin",
            "contents must be a set",
        ),
        (
            Kind("x", "X.", NoSettings, ("custom.x",), Bare, contents="text"),
            "invalid_plugin",
            "contents must be a set",
        ),
        (
            Kind("x", "X.", NoSettings, ("custom.x",), Bare, contents=frozenset()),
            "invalid_plugin",
            "contents must be a set",
        ),
        (
            Kind("x", "X.", NoSettings, ("custom.x",), Bare, tier=9),
            "invalid_plugin",
            "tier must be 0, 1 or 2",
        ),
        (
            Kind("x", "X.", NoSettings, ("custom.x",), Bare, reads=("sytem",)),
            "invalid_plugin",
            "reads must be a tuple of system",
        ),
        (
            Kind("x", "X.", NoSettings, ("custom.x",), Bare, limits=("windows",)),
            "invalid_plugin",
            "limits must be a tuple of nothing",
        ),
        (type("Own", (Bare,), {"catagories": ("custom.x",)}), "invalid_plugin", "did you mean 'categories'"),
    ],
)
def test_what_is_no_detector_is_an_error(given: Any, code: str, message: str) -> None:
    """Its message says what was given, and what can be."""
    with pytest.raises(PluginError, match=message) as caught:
        read_kind("own", given, None)
    assert caught.value.code == code


def raising(error: Exception) -> Any:
    """Return what raises when it is called."""

    def build() -> Any:
        raise error

    return build


@each_case(
    ("build", "message"),
    [
        (
            raising(RuntimeError("no disk")),
            "detector_failed: detector 'loud': shouting cannot be built: RuntimeError: no disk",
        ),
        (
            raising(ConfigProblems([ConfigProblem("too_loud", "is too loud", ("least",))])),
            "too_loud: detector 'loud': is too loud",
        ),
        (lambda: object(), "invalid_detector: detector 'loud': object.detect is missing"),
    ],
)
def test_a_detector_that_cannot_be_built_is_an_error_of_the_policy(
    build: Any, message: str, guard_of: Callable[..., Guard]
) -> None:
    """With its place; a traceback is none."""
    kind = Kind("any", "Loud.", ShoutingConfig, ("custom.shouting",), build)
    with pytest.raises(PolicyErrors, match=r":\d+:\d+: ") as caught:
        guard_of(POLICY % "", detectors={"shouting": kind})
    assert message in str(caught.value)


@each_case(
    ("policy", "message"),
    [
        (
            POLICY % ", leest: 2",
            "unknown_field: 'leest' is not a field of detector 'loud' - did you mean 'least'?",
        ),
        (POLICY % ", least: many", "wrong_type: "),
        (
            (POLICY % "").replace("use: shouting", "use: shoutin"),
            "unknown_detector: 'shoutin' is not a kind of detector",
        ),
    ],
)
def test_the_fields_of_a_registered_detector_are_checked(
    policy: str, message: str, guard_of: Callable[..., Guard]
) -> None:
    """As those of the built-in ones, with line and column."""
    with pytest.raises(PolicyErrors) as caught:
        guard_of(policy, detectors={"shouting": Shouting})
    assert message in str(caught.value)


def test_a_kind_without_settings_has_the_bare_config(guard_of: Callable[..., Guard]) -> None:
    """The class that configurations are derived from serves as one."""
    kind = Kind("any", "Nothing.", Config, "custom.shouting", Bare)
    assert guard_of(POLICY % "", detectors={"shouting": kind}).check("a text").action == "allow"


@each_case("category", ["custom.other", "Not A Cat!", "hate"])
def test_a_category_that_is_not_declared_is_a_failure(category: str, guard_of: Callable[..., Guard]) -> None:
    """No rule would look at it, so that it would pass: the rules of the detector follow `on_error`. In streams too."""

    class Wrong(Bare):
        def detect(self, batch: Sequence[Content]) -> list[Detection]:
            return [Detection((Finding(category, 1.0, "loud", (0, 1)),)) for _ in batch]

        def stream(self, context: Any) -> Any:
            return WrongStream()

    class WrongStream:
        settled = 0

        def feed(self, delta: str) -> Detection:
            self.settled += len(delta)
            return Detection((Finding(category, 1.0, "loud", (0, 1)),))

        def flush(self) -> Detection:
            return CLEAN

    kind = Kind("any", "Wrong.", Config, ("custom.shouting",), Wrong)
    guard = guard_of((POLICY % "").replace("on: input", "on: [input, output]"), detectors={"shouting": kind})
    verdict = guard.check("a text")
    assert verdict.action == "block"
    assert [each.error for each in verdict.errors] == ["gave a category that its kind does not declare"]
    stream = guard.stream()
    assert stream.feed("a text that grows and grows, ") + stream.flush() == ""
    assert stream.verdict is not None
    assert stream.verdict.action == "block"


@each_case("settled", [None, "a", 1.5])
@each_case("answer", [None, [], "nonsense"])
def test_a_stream_that_is_none_has_its_text_held(
    answer: Any, settled: Any, guard_of: Callable[..., Guard], caplog: pytest.LogCaptureFixture
) -> None:
    """The check of the whole text decides; the log names the detector."""

    class Wrong(Shouting):
        def stream(self, context: Any) -> Any:
            return type(
                "S", (), {"settled": settled, "feed": lambda self, d: answer, "flush": lambda self: answer}
            )()

    policy = (POLICY % "").replace("on: input", "on: output")
    guard = guard_of(
        policy, detectors={"shouting": Kind("any", "Loud.", ShoutingConfig, ("custom.shouting",), Wrong)}
    )
    for text, left in (("quiet words that go on, ", "quiet words that go on, "), ("LOUD WORDS", "")):
        stream = guard.stream()
        assert (stream.feed(text), stream.flush()) == ("", left)
    assert "the stream of detector loud failed: the text is held until its end" in caplog.text
