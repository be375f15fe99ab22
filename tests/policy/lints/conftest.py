"""What the tests of checks share: scenes of small policies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.lints.floors.floor_pairs import FloorPair
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.load import load

DETECTORS = """\
detectors:
  words: {use: terms, terms: [zqxbomb, zqxgun], category: custom.w}
  soft: {use: terms, terms: [zqxsoft], category: custom.soft, score: 0.8}
  mail: {use: pii, entities: [email]}
"""


MODELS = """\
detectors:
  words: {use: terms, terms: [zqxbomb, zqxgun], category: custom.w}
  safety: {use: classifier}
  mail: {use: pii, entities: [email]}
"""
FLOOR = f"""\
format: 1
name: org
version: "1"
{MODELS}rules:
  - {{id: hate, on: [input, output], when: hate >= 0.8, then: block}}
  - {{id: words, on: [input, output], when: custom.w > 0, then: block, scope: message}}
  - {{id: mail, on: output, when: pii.email > 0, then: redact}}
  - {{id: shell, on: tool_call, when: 'tool.name == "shell"', then: flag}}
  - {{id: trial, on: input, when: violence >= 0.5, then: block, mode: shadow}}
"""
TODAY = date(2026, 11, 26)


@pytest.fixture
def scene_of(tmp_path: Path) -> Callable[..., LintContext]:
    """Return a function: the text of a policy in, its scene on 26 November 2026 out. Without detectors it gets some."""

    def make(text: str) -> LintContext:
        path = tmp_path / "policy.yaml"
        own = "" if "detectors:" in text else DETECTORS
        path.write_text(f'format: 1\nname: tested\nversion: "1"\n{own}{text}', encoding="utf-8")
        policy = load(path, tests=())
        return LintContext(policy, compile_policy(policy), TODAY)

    return make


@pytest.fixture
def rules_of(scene_of: Callable[..., LintContext]) -> Callable[..., LintContext]:
    """Return a function: conditions in, the scene of a policy with a rule `r0`, `r1`, … for each, at stage input, out."""

    def make(*conditions: str, then: str = "flag") -> LintContext:
        rules = "".join(
            f"  - {{id: r{at}, on: input, when: {condition!r}, then: {then}}}\n"
            for at, condition in enumerate(conditions)
        )
        return scene_of(f"rules:\n{rules}")

    return make


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> CompiledPolicy:
    """Keep the floor: the models that all policies of a file share are loaded once."""
    path = tmp_path_factory.mktemp("kept") / "org.yaml"
    path.write_text(FLOOR)
    return compile_policy(load(path))


@pytest.fixture
def pair_of(tmp_path: Path, kept: CompiledPolicy) -> Callable[..., FloorPair]:
    """Return a function: a policy in, which builds on the floor `org.yaml` unless it is `apart`, with the floor's detectors or
    its own; both beside one another out. `more` is what the floor has beside its rules.
    """

    def make(
        text: str, *, more: str = "", apart: bool = False, head: str = "extends: [org.yaml]\n"
    ) -> FloorPair:
        under, path = tmp_path / "org.yaml", tmp_path / "site.yaml"
        under.write_text(FLOOR + more, encoding="utf-8")
        own = (MODELS if "detectors:" not in text else "") if apart else head
        path.write_text(f'format: 1\nname: site\nversion: "1"\n{own}{text}', encoding="utf-8")
        policies = [load(each) for each in (under, path)]
        floor, scene = (LintContext(each, compile_policy(each), TODAY) for each in policies)
        return FloorPair(LintContext(scene.policy, scene.compiled, TODAY, floor=floor), floor)

    return make
