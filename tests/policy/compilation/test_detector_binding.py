"""Detectors of a policy: those that cannot be built are errors at their place, and building many takes little time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from guardrails.detectors import PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.patterns.patterns_detector import KIND as PATTERNS
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.registry.sources import PluginSources
from guardrails.types import Detector
from tests.policy.compile_kit import compiled


@pytest.mark.parametrize(("terms", "patterns", "most_s"), [(4_000, 200, 6)])
def test_long_lists_load_fast(tmp_path: Path, terms: int, patterns: int, most_s: int) -> None:
    """20,000 terms and 1,000 patterns, used by nobody, load in under three seconds: shorter lists in as much less."""
    (tmp_path / "t.txt").write_text("\n".join(f"term number {at}" for at in range(terms)))
    (tmp_path / "r.txt").write_text("\n".join(rf"\bword{at}\s+[a-z]{{3,8}}\d+\b" for at in range(patterns)))
    text = (
        "format: 1\nname: t\ndetectors:\n  a: {use: terms, file: t.txt}\n  b: {use: patterns, file: r.txt}\n"
    )
    begun = time.process_time()
    assert len(compiled(tmp_path, text).detectors) == 2
    assert time.process_time() - begun < most_s


def test_a_pattern_too_many_is_an_error_of_its_detector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patterns too large together are refused at the detector, not found missing at run time."""
    monkeypatch.setattr("guardrails.detectors.patterns.table.MEMORY", 1 << 10)
    with pytest.raises(PolicyErrors) as caught:
        compiled(tmp_path, "format: 1\nname: t\ndetectors:\n  b: {use: patterns, patterns: [abc]}\n")
    assert [(error.line, error.col, error.code) for error in caught.value.errors] == [
        (4, 3, "invalid_pattern")
    ]
    assert PATTERNS.name == "patterns"


@pytest.mark.parametrize(
    ("own", "limits", "expected"),
    [("", "", 400), ("", "limits: {windows: 7}\n", 7), (", windows: 3", "limits: {windows: 7}\n", 3)],
)
def test_a_detector_takes_limits_that_it_does_not_set_itself(
    tmp_path: Path, own: str, limits: str, expected: int
) -> None:
    """A kind names them; its digest changes with them."""

    class Limited(Config):
        use: str
        """The kind."""
        windows: int = 400
        """The limit."""

    built: list[Any] = []

    def build(name: str, config: Any, files: PolicyFiles) -> Detector:
        built.append(config)
        return TERMS.build(name, TERMS.config.model_validate({"use": "terms", "terms": ["foo"]}), files)

    given = frozenset({"custom.own"})
    own_kind = Kind("own", "A test's own.", Limited, lambda _name, _config: given, build, limits=("windows",))
    path = tmp_path / "p.yaml"
    rule = "rules: [{id: r, on: input, when: custom.own > 0, then: block}]\n"
    path.write_text(f"format: 1\nname: p\ndetectors: {{own: {{use: own{own}}}}}\n{rule}{limits}")
    compile_policy(load(path, PluginSources().with_own("detectors", {"own": own_kind})))
    assert [config.windows for config in built] == [expected]
