"""Whatever a site's overlay says, a verdict under a floor is no weaker than by the floor alone, and nothing of what the floor
replaces is left; and lint tells of an overlay what makes it weaker than the floor, and nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.authoring.lint.lint_run import lint_policy
from guardrails.types import Action
from tests.cases import scale

FLOOR = """\
format: 1
name: org
detectors:
  words: {use: terms, terms: [blasters, rats], category: profanity}
  names: {use: terms, terms: [falcon, osprey], category: custom.name, score: 0.6}
  mail: {use: pii, entities: [email]}
rules:
  - {id: words, on: [input, output], when: profanity > 0, then: block}
  - {id: names, on: [input, output], when: custom.name >= 0.5, then: redact}
  - {id: mail, on: input, when: pii.email > 0, then: redact}
  - {id: many, on: output, when: 'count("custom.name") >= 2', then: flag}
unchecked: {language: flag}
"""
IDS = ("words", "names", "mail", "many")
REPLACED = ("falcon", "osprey", "jo@acme.example")
"""What the floor takes out of a text."""
PIECES = ("blasters", "rats", *REPLACED, "jo", "hello", "Where are my", ".", "\n", "é")
STAGES = st.sampled_from(["input", "output"])
TEXTS = st.lists(st.sampled_from(PIECES), max_size=7).map(" ".join)

CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "words": (
        "profanity > 0",
        "profanity > 0 && content.length > 30",
        'profanity > 0 && request.tenant == "b"',
    ),
    "names": ("custom.name >= 0.5", "custom.name >= 0.9", "custom.name >= 0.5 || profanity > 0"),
    "mail": ("pii.email > 0", 'pii.email > 0 && message.role == "tool"'),
    "many": ('count("custom.name") >= 2', 'count("custom.name") >= 9'),
}


def override(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return changes of a rule: none, some or all of these fields."""
    fields: dict[str, st.SearchStrategy[Any]] = {
        "when": st.sampled_from(CONDITIONS[name]),
        "then": st.sampled_from(["flag", "block"]),
        "on": st.lists(STAGES, min_size=1, max_size=2, unique=True),
        "mode": st.sampled_from(["enforce", "shadow"]),
        "scope": st.sampled_from(["part", "message"]),
        "on_error": st.sampled_from(["allow", "flag", "block"]),
        "severity": st.sampled_from(["low", "critical"]),
    }
    return st.fixed_dictionaries({"id": st.just(name)}, optional=fields)


EXCEPTIONS = st.fixed_dictionaries(
    {
        "reason": st.just("a product"),
        "matches": st.lists(st.sampled_from(PIECES[:5]), min_size=1, max_size=3),
    },
    optional={
        "rules": st.just(["own"]),
        "on": STAGES,
        "tenants": st.just(["a"]),
        "categories": st.sampled_from([["profanity"], ["custom.name"], ["pii.email"]]),
        "expires": st.sampled_from(["2025-01-31", "9999-12-31"]),
        "when": st.sampled_from(['request.tenant == "a"', "content.length < 40"]),
    },
)
OWN = {"id": "own", "on": ["input", "output"], "when": "profanity > 0 || custom.name > 0", "then": "flag"}
PART = {
    "id": "part",
    "on": ["input", "output"],
    "when": "custom.part > 0",
    "then": "redact",
    "severity": "critical",
}
"""What a site replaces overlaps what the floor does."""


@st.composite
def overlays(draw: st.DrawFn) -> dict[str, Any]:
    """Overlays of a site: rules changed and left out, exceptions, lists of words, settings."""
    disabled = draw(st.lists(st.sampled_from(IDS), unique=True))
    changed = [name for name in IDS if name not in disabled and draw(st.booleans())]
    overlay: dict[str, Any] = {
        "override": {"rules": [draw(override(name)) for name in changed]},
        "disable": disabled,
        "detectors": {
            "parts": {"use": "terms", "terms": ["jo", "acme", "my falcon"], "category": "custom.part"}
        },
        "rules": [
            OWN,
            PART | {"with": draw(st.sampled_from(["placeholder", "mask", "hash", "fake", "vault"]))},
        ],
        "exceptions": [
            {"id": f"e{at}", **each} for at, each in enumerate(draw(st.lists(EXCEPTIONS, max_size=3)))
        ],
    }
    if draw(st.booleans()):
        overlay["override"]["detectors"] = {"words": {"terms": ["other"]}, "names": {"score": 0.1}}
    if draw(st.booleans()):
        overlay |= {"unchecked": {"language": "allow", "limit": "allow"}, "limits": {"characters": 5}}
    return overlay


WIDER = (
    "profanity > 0 || custom.name > 0",
    "custom.name >= 0.2",
    "pii > 0 || custom.name > 0",
    "custom.name > 0.7",
)


@st.composite
def changes(draw: st.DrawFn) -> dict[str, Any]:
    """Overlays that change or leave out one rule, and have one of their own, which may make up for that."""
    name = draw(st.sampled_from(IDS))
    one = draw(override(name)) | draw(st.sampled_from([{}, {"when": draw(st.sampled_from(WIDER))}]))
    own = OWN | {
        "when": draw(st.sampled_from([*WIDER, *CONDITIONS[name]])),
        "then": draw(st.sampled_from(["flag", "block"])),
    }
    change: dict[str, Any] = draw(st.sampled_from([{"override": {"rules": [one]}}, {"disable": [name]}]))
    return change | {"rules": draw(st.sampled_from([[], [own], [own | {"on": "input"}]]))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the floor."""
    made = tmp_path_factory.mktemp("overlays")
    (made / "org.yaml").write_text(FLOOR)
    return made


NUMBERS = itertools.count()


def written(folder: Path, overlay: Mapping[str, Any]) -> Path:
    """Write an overlay beside the floor; return its path."""
    path = folder / f"{next(NUMBERS)}.yaml"
    path.write_text(yaml.safe_dump({"format": 1, "name": "site", "extends": ["org.yaml"], **overlay}))
    return path


@settings(max_examples=scale(120), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    overlay=overlays(),
    texts=st.lists(TEXTS, min_size=1, max_size=4),
    stage=STAGES,
    tenant=st.sampled_from([None, "a", "b"]),
)
def test_no_overlay_weakens_a_verdict(
    folder: Path, overlay: dict[str, Any], texts: list[str], stage: str, tenant: str | None
) -> None:
    """Under the floor the action is at least that of the floor alone, and what the floor takes out of a text is not in it."""
    path = written(folder, overlay)
    floor, both = Guard.load(folder / "org.yaml"), Guard.load(path, floor=folder / "org.yaml")
    for text in texts:
        alone, under = (guard.check(text, stage, tenant=tenant) for guard in (floor, both))

        assert under.action >= alone.action
        if isinstance(under.content, str):
            assert [
                each for each in REPLACED if each in under.content and each not in str(alone.content)
            ] == []
        if alone.action is Action.BLOCK:
            assert under.content is None


TELLING = (
    "blasters",
    "falcon",
    "falcon osprey",
    "jo@acme.example",
    "rats, and a text that is longer than that",
    "hello",
)
ELSEWHERE = ("on_error", "scope")
"""What no text shows by itself: a detector that fails, parts of one message."""


@settings(max_examples=scale(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(overlay=changes())
def test_lint_tells_what_is_weaker_and_nothing_else(folder: Path, overlay: dict[str, Any]) -> None:
    """An overlay by itself does less than the floor with some text where `weaker_than_floor` says so, and nowhere else."""
    path = written(folder, overlay)
    report = lint_policy(path, floor=folder / "org.yaml", tests=False)
    told = [each.message for each in report.issues if each.code == "weaker_than_floor"]
    floor, alone = Guard.load(folder / "org.yaml"), Guard.load(path)

    weaker = [
        (text, stage, tenant)
        for text, stage, tenant in itertools.product(TELLING, ("input", "output"), ("a", "b"))
        if alone.check(text, stage, tenant=tenant).action < floor.check(text, stage, tenant=tenant).action
    ]

    assert bool(weaker) == any(not each.startswith(ELSEWHERE) for each in told)


@settings(max_examples=scale(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(overlay=changes(), exception=EXCEPTIONS)
def test_an_exception_that_is_told_has_no_effect(
    folder: Path, overlay: dict[str, Any], exception: dict[str, Any]
) -> None:
    """No verdict under the floor is another with it than without it."""
    mine = {name: value for name, value in exception.items() if name != "rules" or overlay["rules"]}
    paths = [written(folder, overlay), written(folder, overlay | {"exceptions": [{"id": "mine", **mine}]})]
    report = lint_policy(paths[1], floor=folder / "org.yaml", tests=False)
    if not any((each.code, each.subject) == ("weaker_than_floor", "mine") for each in report.issues):
        return
    without, with_it = (Guard.load(path, floor=folder / "org.yaml") for path in paths)
    for text, stage, tenant in itertools.product(TELLING, ("input", "output"), ("a", "b")):
        one, other = (guard.check(text, stage, tenant=tenant) for guard in (without, with_it))
        assert (one.action, one.content) == (other.action, other.content)
