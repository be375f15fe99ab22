"""The stream of patterns and names as one: for every cut what the detector finds in the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors import PolicyFolder
from guardrails.detectors.pii.pii_detector import KIND, PiiConfig, PiiDetector
from guardrails.detectors.pii.pii_stream import PiiStream, drop_contained
from guardrails.detectors.pii.shipped_names.name_reader import NameReader, NamesFound
from guardrails.types import Detection, Finding, Text
from tests.cases import scale

ENTITIES = ["person", "location", "organization", "street_address", "email", "phone", "credit_card"]
DETECTOR = KIND.build("pii", PiiConfig(use="pii", entities=ENTITIES), PolicyFolder(Path()))
PARTS = [
    "My name is Ann Lee. ", "Mail ann@example.com ", "or ring +49 30 901820, ", "12 Main Street, Springfield", "\n", "4111 1111 ",
    "1111 1111 ", "Dr. ", "Smith", " Ray ", "Acme Ltd", ", ", "Гость пришёл сюда вчера. ", "\ud800", "e\u0301", "so " * 50,
]  # fmt: skip


@settings(max_examples=scale(50), deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=12).map("".join), st.data())
def test_a_text_that_grows_has_the_findings_of_the_whole(text: str, data: st.DataObject) -> None:
    """What is settled was found by then, and no finding goes on over it."""
    assert isinstance(DETECTOR, PiiDetector)
    assert DETECTOR.stream is not None
    stream = DETECTOR.stream(None)
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=7)))
    found: list[Finding] = []
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        before = stream.settled
        said = stream.feed(text[start:end])
        assert said.settled == stream.settled >= before
        assert all(each.span is not None and each.span[0] >= before for each in said.findings)
        found += said.findings
        assert not any(each.span[0] < stream.settled < each.span[1] for each in found if each.span)
    found += stream.flush().findings
    assert stream.settled == len(text)
    (whole,) = DETECTOR.detect([Text(text)])
    assert found == [*whole.findings]


def test_what_streams_is_said_before_a_text_begins() -> None:
    """Names by the shipped model stream, with patterns or alone; what presidio finds waits for the end."""

    def build(**fields: object) -> object:
        return KIND.build("pii", PiiConfig.model_validate({"use": "pii", **fields}), PolicyFolder(Path()))

    for fields, streams in [
        ({"entities": ["person"]}, True),
        ({"entities": ["person", "email"]}, True),
        ({"entities": ["person", "email"], "engine": "presidio"}, False),
    ]:
        detector = build(**fields)
        assert isinstance(detector, PiiDetector)
        assert (detector.stream is not None) is streams
        assert detector.cancellable is streams


class Broken:
    """The stream of patterns that have failed."""

    settled = 0

    def feed(self, delta: str) -> Detection:
        """Return the failure."""
        return Detection((), 0, error="too slow", reason="timeout")

    flush = feed  # type: ignore[assignment]


def test_a_failure_of_patterns_is_one_of_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands in the detection, whatever the model says."""
    assert isinstance(DETECTOR, PiiDetector)
    assert DETECTOR._names is not None
    stream = PiiStream("p", Broken(), DETECTOR._names.begin())
    said = stream.feed("My name is Ann Lee. And so on. ")
    assert (said.error, said.reason, stream.settled) == ("too slow", "timeout", 0)
    monkeypatch.setattr(NameReader, "add", lambda self, text: NamesFound())
    assert stream.feed("x").error == "too slow"


def test_a_finding_within_another_of_its_category_adds_its_score() -> None:
    """The widest stays, with the highest score; those of other categories and those that only touch stay, too."""
    given_ = [
        Finding("pii.person", 0.6, "p", (0, 8)),
        Finding("pii.person", 0.9, "p", (2, 8)),
        Finding("pii.email", 1.0, "p", (2, 4)),
        Finding("pii.person", 0.7, "p", (8, 12)),
    ]
    assert [(each.category, each.score, each.span) for each in drop_contained(given_)] == [
        ("pii.person", 0.9, (0, 8)),
        ("pii.email", 1.0, (2, 4)),
        ("pii.person", 0.7, (8, 12)),
    ]
