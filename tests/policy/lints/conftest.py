"""What the tests of checks share: scenes of small policies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.lints.issue import Scene
from guardrails.policy.load import load

DETECTORS = """\
detectors:
  words: {use: terms, terms: [zqxbomb, zqxgun], category: custom.w}
  soft: {use: terms, terms: [zqxsoft], category: custom.soft, score: 0.8}
  mail: {use: pii, entities: [email]}
"""


@pytest.fixture
def scene_of(tmp_path: Path) -> Callable[..., Scene]:
    """Return a function: the text of a policy in, its scene on 26 November 2026 out. Without detectors it gets some."""

    def make(text: str) -> Scene:
        path = tmp_path / "policy.yaml"
        own = "" if "detectors:" in text else DETECTORS
        path.write_text(f'format: 1\nname: tested\nversion: "1"\n{own}{text}', encoding="utf-8")
        policy = load(path, tests=())
        return Scene(policy, compile_policy(policy), date(2026, 11, 26))

    return make


@pytest.fixture
def rules_of(scene_of: Callable[..., Scene]) -> Callable[..., Scene]:
    """Return a function: conditions in, the scene of a policy with a rule `r0`, `r1`, … for each, at stage input, out."""

    def make(*conditions: str, then: str = "flag") -> Scene:
        rules = "".join(
            f"  - {{id: r{at}, on: input, when: {condition!r}, then: {then}}}\n"
            for at, condition in enumerate(conditions)
        )
        return scene_of(f"rules:\n{rules}")

    return make
