"""Detectors bound to a policy, with the digest of all that their findings depend on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import BoundDetector, bind
from guardrails.detectors.patterns.patterns_detector import KIND as PATTERNS
from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.types import CLEAN, Content, Detection, Text
from tests.cases import each_case


def build(folder: Path, name: str = "t", of: object = TERMS, **fields: object) -> BoundDetector:
    """Bind a list of terms."""
    config = of.config.model_validate({"use": "terms", **fields})
    return bind(name, of, config, PolicyFolder(folder))


def test_a_bound_detector_says_what_it_gives(tmp_path: Path) -> None:
    """Name, categories and costs come along; linear patterns may run on the caller's thread, others may not."""
    bound = build(tmp_path, terms=["a"], category="hate")
    assert (bound.name, bound.categories, bound.spans, bound.tier, bound.inline) == (
        "t",
        {"hate"},
        True,
        0,
        True,
    )
    assert len(bound.detector.detect([Text("a")])[0].findings) == 1
    for pattern, inline in (("ab", True), ("a(?=b)", False)):
        config = PATTERNS.config.model_validate({"use": "patterns", "patterns": [pattern]})
        assert bind("p", PATTERNS, config, PolicyFolder(tmp_path)).inline is inline


@each_case(("said", "inline"), [({}, False), ({"tier": 0}, False), ({"inline": True}, True)])
def test_a_detector_of_others_runs_on_a_worker_unless_it_says_otherwise(
    said: dict[str, Any], inline: bool, tmp_path: Path
) -> None:
    """On the caller's thread no deadline could stop it, and a server would serve nobody meanwhile."""
    detector = type("Other", (), {"detect": lambda self, batch: [CLEAN] * len(batch), **said})()
    of = replace(TERMS, name="other", build=lambda _name, _config, _files: detector)
    assert build(tmp_path, of=of, terms=["a"]).inline is inline


def test_a_digest_names_everything_that_findings_depend_on(tmp_path: Path) -> None:
    """Name, configuration, version of the kind and contents of files change the digest; nothing else does."""
    path = tmp_path / "t.txt"
    path.write_text("a\n")
    base = {"file": "t.txt"}
    digests = [
        build(tmp_path, **base).digest,
        build(tmp_path, name="u", **base).digest,
        build(tmp_path, score=0.5, **base).digest,
        build(tmp_path, of=replace(TERMS, version=TERMS.version + 1), **base).digest,
    ]
    path.write_text("b\n")
    digests.append(build(tmp_path, **base).digest)
    assert len(set(digests)) == len(digests)
    path.write_text("a\n")
    assert build(tmp_path, **base).digest == digests[0]


def test_a_detector_may_answer_at_once_and_have_an_identity(tmp_path: Path) -> None:
    """Both are its own attributes; another identity is another digest."""

    class Detector:
        inline = False

        def __init__(self, identity: str | None) -> None:
            if identity is not None:
                self.identity = identity

        def at_once(self, batch: Sequence[Content]) -> list[Detection] | None:
            return None

        def detect(self, batch: Sequence[Content]) -> list[Detection]:
            return [CLEAN] * len(batch)

    def bound(identity: str | None) -> BoundDetector:
        of = replace(TERMS, build=lambda _name, _config, _files: Detector(identity))
        return build(tmp_path, of=of, terms=["a"])

    assert len({bound(identity).digest for identity in (None, "one", "two")}) == 3
    found = bound("one")
    assert (found.inline, found.at_once is not None) == (False, True)
    assert build(tmp_path, terms=["a"]).at_once is None
