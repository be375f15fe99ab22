"""A text that grows: the windows of the whole, none judged twice, and nothing lost where a judgement fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Detection, Text
from guardrails.detectors import PolicyFolder
from guardrails.detectors.binding import BoundDetector, bind
from guardrails.detectors.capabilities import PassageStream
from guardrails.detectors.classifier.shipped_classifier import KIND, ClassifierConfig
from guardrails.inference.safety.passages import split_passages
from guardrails.inference.safety.session import Inputs, OnnxSession

WORDS: dict[str, dict[str, float]] = {
    "bomb": {"toxic": 3.0, "unsafe": 4.0},
    "grey": {"toxic": 1.0},
    "fine": {},
    ".": {},
}
FAST = {"grey": {"toxic": 1.0}, "bomb": {"toxic": 1.0, "unsafe": 1.0}}


class Asked:
    """What the encoder was asked: how many rows, and tokens in them."""

    def __init__(self) -> None:
        self.rows = self.tokens = 0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Count what the encoder is asked from here on."""
    count, run = Asked(), OnnxSession.run

    def counted(self: OnnxSession, inputs: Inputs) -> Any:
        count.rows += len(inputs[0])
        count.tokens += int(inputs[1].sum())
        return run(self, inputs)

    monkeypatch.setattr(OnnxSession, "run", counted)
    return count


@pytest.fixture(scope="module")
def safety(text_folder: Callable[..., Path]) -> Callable[..., BoundDetector]:
    """Return a function: the fields of a configuration in, a detector by a model of a few words out."""
    folder = text_folder(WORDS, FAST, languages=["en"])

    def make(**fields: Any) -> BoundDetector:
        config = ClassifierConfig(use="classifier", **{"model": folder.name, **fields})
        return bind("safety", KIND, config, PolicyFolder(folder.parent))

    return make


def begin(bound: BoundDetector, prompt: str | None = None) -> PassageStream:
    """Begin a text."""
    assert bound.passage_stream is not None
    return bound.passage_stream(None if prompt is None else {"prompt": prompt})


def follow(stream: PassageStream, text: str, at_a_time: int = 1) -> Iterator[tuple[str, Detection]]:
    """Yield passages of a text, so many at a time, and what is said of them."""
    ends = [end for _, end in split_passages(text)]
    start = 0
    for end in [*ends[at_a_time - 1 : -1 : at_a_time], *ends[-1:]]:
        [found] = stream.detect([Text(text[start:end])])
        yield text[start:end], found
        start = end


def best(*detections: Detection) -> dict[str, float]:
    """Return the highest score of each category."""
    found: dict[str, float] = {}
    for finding in (finding for each in detections for finding in each.findings):
        found[finding.category] = max(found.get(finding.category, 0.0), finding.score)
    return found


@pytest.mark.parametrize("prompt", [None, "", "is it fine?"])
@pytest.mark.parametrize("at_a_time", [1, 3])
def test_the_check_of_the_whole_finds_every_window_remembered(
    safety: Callable[..., BoundDetector], asked: Asked, prompt: str | None, at_a_time: int
) -> None:
    """Also where several passages came together; what the windows said is what the whole says."""
    bound = safety(effort="full")
    text = (
        "grey " * at_a_time
        + "".join(f"fine {'fine ' * (at % 5)}fine{'.' * (1 + at % 3)} " for at in range(40))
        + "a bomb."
    )
    said = [found for _, found in follow(begin(bound, prompt), text, at_a_time)]
    before, texts = asked.rows, [None, "", "is it fine?"]
    assert (
        before > 0 or texts.index(prompt) > 0
    )  # a reply is read as a prompt is, but for what stands beside it
    [whole] = bound.detector.detect([Text(text, context=None if prompt is None else {"prompt": prompt})])
    assert asked.rows == before
    assert best(whole) == best(*said)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["fine. ", "grey fine ", "bomb. ", "b0mb ", "f1ne. ", "\ud800", "\n", "\u200b "])
    )
)
def test_every_window_of_the_whole_is_judged(safety: Callable[..., BoundDetector], parts: list[str]) -> None:
    """No score of the whole is higher than that of some passages, whatever is disguised."""
    bound, text = safety(effort="full"), "".join(parts)
    streamed = best(*[found for _, found in follow(begin(bound), text)])
    for category, score in best(*bound.detector.detect([Text(text)])).items():
        assert streamed.get(category, 0.0) >= score - 1e-6


def test_a_window_that_is_full_is_asked_for_once(safety: Callable[..., BoundDetector], asked: Asked) -> None:
    """The last one alone is read again, with what follows."""
    stream = begin(safety(effort="full", categories=["toxic"]))
    rows = []
    for nth in range(40):
        before = asked.rows
        stream.detect([Text("grey grey" + " fine" * (nth % 3) + ". ")])
        rows.append(asked.rows - before)
    assert {*rows} == {0, 1}  # there are only so many windows of these


def test_what_the_fast_tier_settles_is_due_at_once(safety: Callable[..., BoundDetector]) -> None:
    """Passages wait for one another only where the encoder reads, and never for long."""
    settled, unsure = begin(safety()), begin(safety(effort="full"))
    for stream in (settled, unsure):
        for _ in range(20):
            stream.detect([Text("all is fine here. ")])
    assert settled.is_due(1, busy=False)
    assert [settled.is_due(size, busy=True) for size in (1, 320)] == [False, True]
    assert [unsure.is_due(size, busy=False) for size in (1, 320)] == [False, True]


def test_spans_are_in_what_follows(safety: Callable[..., BoundDetector]) -> None:
    """A window that began before stands for the part of it that is new."""
    for passage, found in follow(begin(safety()), "fine. grey bomb. " * 30, 4):
        assert found.findings
        for finding in found.findings:
            assert finding.span is not None
            assert 0 <= finding.span[0] < finding.span[1] <= len(passage)


def test_a_fork_changes_nothing(safety: Callable[..., BoundDetector]) -> None:
    """What fails is judged again as if it had not been."""
    stream, text = begin(safety()), Text("fine. ")
    for passage in ("grey. ", "bomb. ") * 20:
        first, second = stream.fork(), stream.fork()
        assert first.detect([Text(passage)]) == second.detect([Text(passage)])
        first.detect([text])
        stream = second


def test_windows_past_the_limit_are_unchecked(safety: Callable[..., BoundDetector]) -> None:
    """As in the check of the whole text."""
    said = [found for _, found in follow(begin(safety(windows=2)), "fine. " * 100)]
    kinds = [[entry.kind for entry in found.unchecked] for found in said]
    assert kinds[0] == []
    assert kinds[-1] == ["limit"]
    assert kinds == sorted(kinds)


def test_a_foreign_window_is_unchecked(safety: Callable[..., BoundDetector]) -> None:
    """The language is told of each window by itself, once there is enough of it; of neighbours each is named."""
    text = "Der Fluss entspringt in den Bergen und fliesst neunzig Meilen weit, bevor er das Meer erreicht. "
    [found] = begin(safety()).detect([Text(text)])
    assert {entry.kind for entry in found.unchecked} == {"language"}
    [short] = begin(safety()).detect([Text("Fluss. ")])
    assert not short.unchecked


def test_a_disguise_is_read_as_what_it_stands_for(safety: Callable[..., BoundDetector]) -> None:
    """Where it is new, not again behind its window."""
    stream = begin(safety())
    said = [
        best(*stream.detect([Text(text)])) for text in ("fine fine. ", "a b0mb is h3re. ", *["fine. "] * 200)
    ]
    assert said[0] == said[-1] == {}
    assert "toxic" in said[1]
