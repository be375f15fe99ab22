"""A larger model for what the classifier is not sure of: which windows it judges, what its scores change, and what stays as it was."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard, PolicyErrors, Text
from guardrails.cancellation import Cancelled, Token, within
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFolder
from guardrails.detectors.binding import BoundDetector, bind, narrow_detector
from guardrails.detectors.classifier.shipped_classifier import KIND, ClassifierConfig
from guardrails.inference.safety.model import SafetyModel
from guardrails.inference.safety.passages import split_passages
from guardrails.inference.safety.windows import TokenRow
from guardrails.types import CLEAN, Detection, Place, Stage
from tests.cases import each_case
from tests.larger_model import install_larger_model, remove_larger_model

Make = Callable[..., Path]
Bind = Callable[..., BoundDetector]

SMALLER: dict[str, dict[str, float]] = {
    "bomb": {"toxic": 3.0, "unsafe": 4.0},
    "grey": {"toxic": 1.0},
    "minor": {"sexual": 1.0, "sexual.minors": 2.0},
    "comply": {"unsafe_reply": 1.0},
    "obey": {"injection": 2.0},
    "low": {"toxic": -2.0},
    "fine": {},
    ".": {},
}
LARGER: dict[str, dict[str, float]] = {
    "bomb": {"toxic": 4.0, "unsafe": -3.0},
    "grey": {"toxic": -3.0},
    "minor": {"sexual": 3.0, "sexual.minors": -1.0},
    "comply": {"unsafe_reply": 4.0},
    "obey": {"injection": -1.0},
    "low": {"toxic": 5.0},
    "fine": {},
    ".": {},
}
# The fast tier is sure of "plain" alone.
FAST = {
    "plain": {"toxic": 3.0},
    "grey": {"toxic": 1.0},
    "bomb": {"toxic": 1.0, "unsafe": 1.0},
    "minor": {"sexual": 1.0, "sexual.minors": 1.0},
    "obey": {"injection": 1.0},
    "low": {"toxic": 1.0},
    "fine": {"unsafe_reply": 1.0},
}
FEW = {"words": 4, "agreement": 0.68, "doubted": 0.6}


@pytest.fixture(scope="module")
def root(text_folder: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both models, and variants of their manifests."""
    root = tmp_path_factory.mktemp("cascade")
    for name, words in (("smaller", SMALLER), ("larger", LARGER)):
        shutil.copytree(text_folder(words, FAST, languages=["en"]), root / name)
    for name, of, more in (
        ("wide", "larger", {"grey": [0.3, 0.9999]}),
        ("reversed", "larger", {"grey": [0.9, 0.1]}),
        ("other_view", "larger", {"view": "normalized"}),
        ("few_smaller", "smaller", {"few_words": FEW}),
    ):
        shutil.copytree(root / of, root / name)
        manifest = json.loads((root / name / "manifest.json").read_text()) | more
        (root / name / "manifest.json").write_text(json.dumps(manifest))
    (root / "sequence").mkdir()
    (root / "sequence" / "config.json").write_text("{}")
    return root


@pytest.fixture(scope="module")
def safety(root: Path) -> Bind:
    """Return a function: the fields of a configuration in, the detector out, which is made once."""
    made: dict[str, BoundDetector] = {}

    def make(**fields: Any) -> BoundDetector:
        given = {"model": "smaller", "escalate_to": "larger", **fields}
        if repr(given) not in made:
            config = ClassifierConfig(use="classifier", **given)
            made[repr(given)] = bind("safety", KIND, config, PolicyFolder(root))
        return made[repr(given)]

    return make


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[TokenRow]]:
    """The rows that each encoder runs from here on, by the digest of its file."""
    run: dict[str, list[TokenRow]] = {}
    encode = SafetyModel._encode_rows

    def count(self: SafetyModel, rows: Sequence[TokenRow]) -> Any:
        run.setdefault(self.manifest.files["encoder.onnx"], []).extend(rows)
        return encode(self, rows)

    monkeypatch.setattr(SafetyModel, "_encode_rows", count)
    return run


def rows_of(root: Path, name: str, asked: dict[str, list[TokenRow]]) -> int:
    """Return how many rows a model has run."""
    return len(
        asked.get(json.loads((root / name / "manifest.json").read_text())["files"]["encoder.onnx"], [])
    )


def best(*detections: Detection) -> dict[str, float]:
    """Return the highest score of each category, rounded."""
    found: dict[str, float] = {}
    for finding in (finding for each in detections for finding in each.findings):
        found[finding.category] = max(found.get(finding.category, 0.0), round(finding.score, 3))
    return found


def one(bound: BoundDetector, text: str, prompt: str | None = None) -> dict[str, float]:
    """Return the scores of one text."""
    [found] = bound.detector.detect([Text(text, context=None if prompt is None else {"prompt": prompt})])
    assert found.error is None
    return best(found)


@each_case(
    ("text", "alone", "escalated"),
    [
        ("all is fine", {}, {}),
        ("grey", {"toxic": 0.731}, {}),
        ("low", {"toxic": 0.119}, {"toxic": 0.119}),
        ("bomb", {"toxic": 0.953, "unsafe": 0.982}, {"toxic": 0.982, "unsafe": 0.982}),
        ("minor", {"sexual": 0.731, "sexual.minors": 0.731}, {"sexual": 0.953, "sexual.minors": 0.269}),
        ("obey", {"injection": 0.881}, {"injection": 0.269}),
        (
            "a bomb. " + "fine. " * 20 + "grey",
            {"toxic": 0.953, "unsafe": 0.982},
            {"toxic": 0.982, "unsafe": 0.982},
        ),
        ("a b0mb is h3re", {"toxic": 0.953, "unsafe": 0.982}, {"toxic": 0.982, "unsafe": 0.982}),
        ("", {}, {}),
        ("\u200b\ud800", {}, {}),
    ],
)
@each_case("effort", ["auto", "full"])
def test_what_is_grey_has_the_larger_models_score(
    safety: Bind, effort: str, text: str, alone: dict[str, float], escalated: dict[str, float]
) -> None:
    """Head by head and window by window; what is low or high stays, whatever the larger model thinks of it."""
    assert one(safety(escalate_to=None, effort=effort), text) == alone
    assert one(safety(effort=effort), text) == escalated


@each_case(
    ("text", "prompt", "alone", "escalated"),
    [
        ("comply", None, {}, {}),
        ("comply", "", {"unsafe": 0.731}, {"unsafe": 0.982}),
        ("comply", "fine", {"unsafe": 0.731}, {"unsafe": 0.982}),
        ("fine", "comply", {"unsafe": 0.731}, {"unsafe": 0.982}),
        ("fine", "grey", {}, {}),
        ("grey", "fine", {"toxic": 0.731}, {}),
        ("obey", "fine", {}, {}),
    ],
)
def test_a_reply_is_judged_beside_its_prompt(
    safety: Bind, text: str, prompt: str | None, alone: dict[str, float], escalated: dict[str, float]
) -> None:
    """By both models, and by each for the same heads: of the prompt alone nothing is found."""
    assert one(safety(escalate_to=None, effort="full"), text, prompt) == alone
    assert one(safety(effort="full"), text, prompt) == escalated


def test_only_grey_windows_are_read_again(safety: Bind, root: Path, asked: dict[str, list[TokenRow]]) -> None:
    """Of a long text those few, and of a clear one none."""
    bound = safety(effort="full", categories=["toxic"])
    bound.detector.detect([Text("all is fine. So it is. " * 40)])
    assert rows_of(root, "smaller", asked) >= 3
    assert rows_of(root, "larger", asked) == 0
    bound.detector.detect([Text("fine so far. " * 40 + "grey. " + "fine it is. " * 40)])
    assert 1 <= rows_of(root, "larger", asked) <= 2
    bound.detector.detect([Text("low. " * 3)])
    assert rows_of(root, "larger", asked) <= 2


def test_what_was_judged_is_not_judged_again(
    safety: Bind, root: Path, asked: dict[str, list[TokenRow]]
) -> None:
    """By either model; another detector over the same two finds it remembered as well."""
    text = Text("a grey bomb that nobody has seen before")
    bound, other = safety(), safety(min_score=0.2)
    first = bound.detector.detect([text])
    before = rows_of(root, "smaller", asked), rows_of(root, "larger", asked)
    assert before == (1, 1)
    assert bound.detector.detect([text]) == first
    assert best(*other.detector.detect([text])) == best(*first)
    assert (rows_of(root, "smaller", asked), rows_of(root, "larger", asked)) == before


@each_case("category", ["toxic", "unsafe", "sexual", "sexual.minors", "injection"])
def test_a_score_does_not_depend_on_what_else_is_looked_for(safety: Bind, category: str) -> None:
    """A head has the score that it has among all."""
    for text in ("bomb", "grey", "minor", "obey", "low bomb", "a minor bomb obey"):
        every, own = one(safety(effort="full"), text), one(safety(effort="full", categories=[category]), text)
        assert own == {each: score for each, score in every.items() if f"{each}.".startswith(f"{category}.")}


def test_a_stage_is_judged_for_what_is_asked_there(
    safety: Bind, root: Path, asked: dict[str, list[TokenRow]]
) -> None:
    """The larger model reads no window for what nobody looks for there, and the rest has the scores that it has elsewhere."""
    bound = safety()
    narrow = narrow_detector(
        bound, {Stage.INPUT: bound.categories, Stage.TOOL_RESULT: frozenset({"injection"})}
    )

    def find(text: str, stage: Stage) -> dict[str, float]:
        return best(*narrow.detector.detect([Text(text, Place(stage))]))

    assert find("bomb bomb for tools", Stage.TOOL_RESULT) == {}
    assert rows_of(root, "larger", asked) == 0
    assert find("obey bomb for tools", Stage.TOOL_RESULT) == {"injection": 0.269}
    assert rows_of(root, "larger", asked) == 1
    assert find("obey bomb for tools", Stage.INPUT)["injection"] == 0.269
    assert len({bound.digest, narrow.digest, safety(escalate_to=None).digest}) == 3


def test_in_a_few_words_the_fast_tier_must_agree(safety: Bind, text_folder: Make, root: Path) -> None:
    """With the larger model as well: it may find less than was found, and no more than the limit."""
    alone = safety(model="few_smaller", escalate_to=None)
    assert one(alone, "obey")["injection"] == 0.6
    assert one(safety(model="few_smaller"), "obey")["injection"] == 0.269
    assert one(alone, "bomb")["toxic"] == 0.6
    assert one(safety(model="few_smaller"), "bomb")["toxic"] == 0.6
    assert one(safety(model="few_smaller"), "a bomb and nothing else in it")["toxic"] == 0.982


def test_the_fast_tier_answers_at_once_what_is_not_grey(safety: Bind) -> None:
    """A score that it is sure of is judged again where it is grey; then a worker does it."""
    texts = [Text("all is fine"), Text("plain")]
    narrow, wide = safety(escalate_to="larger"), safety(escalate_to="wide")
    assert narrow.at_once is not None
    assert wide.at_once is not None
    assert narrow.at_once(texts) == narrow.detector.detect(texts)
    assert wide.at_once(texts[:1]) == [CLEAN]
    assert wide.at_once(texts) is None
    assert best(*narrow.detector.detect(texts))["toxic"] > 0.97
    assert best(*wide.detector.detect(texts)) == {}


@given(
    st.lists(
        st.sampled_from(["bomb ", "grey. ", "fine ", "b0mb ", "\ud800", "\n", "minor\u200b ", "low "]),
        max_size=40,
    )
)
def test_batches_and_threads_change_no_score(safety: Bind, parts: list[str]) -> None:
    """A text has the same findings alone, among others, and again."""
    bound = safety()
    texts = [
        Text("".join(parts)),
        Text("".join(reversed(parts))),
        Text("grey"),
        Text("bomb", context={"prompt": "so"}),
    ]
    together = bound.detector.detect(texts)
    assert together == [bound.detector.detect([text])[0] for text in texts]
    assert together == [*reversed(bound.detector.detect([*reversed(texts)]))]


def test_32_callers_get_the_findings_of_one(safety: Bind) -> None:
    """Nothing is shared between callers but weights and what is remembered."""
    bound = safety(effort="full")
    texts = [Text("fine. " * count + "bomb. " + "grey. " * count) for count in range(32)]
    with ThreadPoolExecutor(32) as callers:
        found = list(callers.map(lambda text: bound.detector.detect([text])[0], texts))
    assert found == bound.detector.detect(texts)


@pytest.mark.parametrize("prompt", [None, "", "is it grey?"])
@given(
    st.lists(
        st.sampled_from(["fine. ", "grey fine ", "bomb. ", "comply. ", "f1ne. ", "low ", "\n"]), max_size=30
    )
)
def test_a_stream_finds_what_the_whole_has(safety: Bind, prompt: str | None, parts: list[str]) -> None:
    """Passage by passage: no score of the whole is higher than that of some passages, by the same two models."""
    bound, text = safety(effort="full"), "".join(parts)
    context = None if prompt is None else {"prompt": prompt}
    assert bound.passage_stream is not None
    stream = bound.passage_stream(context)
    said = [stream.detect([Text(text[start:end])])[0] for start, end in split_passages(text)]
    streamed = best(*said)
    for category, score in best(*bound.detector.detect([Text(text, context=context)])).items():
        assert streamed.get(category, 0.0) >= score


def test_the_whole_of_a_stream_is_remembered(
    safety: Bind, root: Path, asked: dict[str, list[TokenRow]]
) -> None:
    """The check of the whole text at its end runs neither model again."""
    bound = safety(effort="full")
    assert bound.passage_stream is not None
    stream, text = (
        bound.passage_stream(None),
        "".join(f"grey fine {'fine ' * (at % 5)}. " for at in range(30)),
    )
    said = [stream.detect([Text(text[start:end])])[0] for start, end in split_passages(text)]
    before = rows_of(root, "smaller", asked), rows_of(root, "larger", asked)
    assert min(before) > 5
    assert best(*bound.detector.detect([Text(text)])) == best(*said)
    assert (rows_of(root, "smaller", asked), rows_of(root, "larger", asked)) == before


def test_tokens_of_both_are_counted(safety: Bind) -> None:
    """A stream waits for more text where it is dearer."""
    alone, cascade = safety(effort="full", escalate_to=None), safety(effort="full")
    counted = []
    for bound in (alone, cascade):
        assert bound.passage_stream is not None
        stream = bound.passage_stream(None)
        stream.detect([Text("grey fine. ")])
        counted.append(stream._tokens_read)  # type: ignore[attr-defined] # of a WindowStream
    assert counted[1] == 2 * counted[0] > 0


def test_what_is_unchecked_stays_so(safety: Bind) -> None:
    """Windows past the limit, and foreign ones."""
    german = (
        "Der Fluss entspringt in den Bergen und fliesst neunzig Meilen weit, bevor er das Meer erreicht. "
    )
    [found] = safety(windows=2).detector.detect([Text("a grey. " + "fine. " * 60 + "bomb")])
    assert (best(found), [each.kind for each in found.unchecked]) == ({}, ["limit"])
    [found] = safety().detector.detect([Text(german + "grey")])
    assert [each.kind for each in found.unchecked] == ["language"]


def test_the_larger_model_ends_with_its_caller(
    safety: Bind, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once nobody waits, no further row is run."""
    bound, token = safety(effort="full"), Token()
    encode = SafetyModel._encode_rows
    run: list[int] = []

    def cancel(self: SafetyModel, rows: Sequence[TokenRow]) -> Any:
        run.append(len(rows))
        if len(run) == 2:
            token.cancel()
        return encode(self, rows)

    monkeypatch.setattr(SafetyModel, "_encode_rows", cancel)
    with within(token), pytest.raises(Cancelled):
        bound.detector.detect([Text(f"grey number {at} of those. " * 3) for at in range(5)])
    assert len(run) == 2


def test_a_broken_larger_model_is_an_error(safety: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never passes for the score that was there before."""
    bound, encode = safety(), SafetyModel._encode_rows

    def fail(self: SafetyModel, rows: Sequence[TokenRow]) -> Any:
        if self.manifest.files["encoder.onnx"] != bound.detector._model.manifest.files["encoder.onnx"]:  # type: ignore[attr-defined]
            raise RuntimeError("no memory")
        return encode(self, rows)

    monkeypatch.setattr(SafetyModel, "_encode_rows", fail)
    with pytest.raises(RuntimeError):
        bound.detector.detect([Text("a grey text that nobody has seen")])
    assert bound.detector.detect([Text("all is fine here")]) == [CLEAN]


def test_the_digest_is_of_both_models(safety: Bind) -> None:
    """Another larger model, or none, is another detector."""
    found = [safety(escalate_to=name).digest for name in ("larger", "wide", None)]
    assert len({*found}) == 3
    assert safety().digest == found[0]


def test_only_models_of_this_project_are_known_to_end_soon(safety: Bind) -> None:
    """Of a larger one of somebody else's nobody knows how long a window takes."""
    assert not safety().cancellable
    assert not safety(escalate_to=None).cancellable


def problem(root: Path, **fields: Any) -> ConfigProblem:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigProblems) as caught:
        bind("safety", KIND, ClassifierConfig(use="classifier", **fields), PolicyFolder(root))
    [found] = caught.value.problems
    return found


@each_case(
    ("fields", "code", "message", "hint"),
    [
        ({"escalate_to": "largr"}, "unreadable_model", "no such folder", "text-safety, text-safety-large"),
        ({"escalate_to": "smaller"}, "unreadable_model", "is tiny itself", "leave it out"),
        (
            {"escalate_to": "text-safety"},
            "unreadable_model",
            "does not read what tiny 1 reads",
            "trained together",
        ),
        ({"escalate_to": "other_view"}, "unreadable_model", "another view", "trained together"),
        ({"escalate_to": "reversed"}, "unreadable_model", "low <= high", ""),
        ({"escalate_to": "sequence"}, "unreadable_model", "no manifest.json", ""),
        (
            {"escalate_to": "larger", "effort": "fast"},
            "unused_field",
            "effort: auto, full",
            "remove 'escalate_to'",
        ),
    ],
)
def test_what_cannot_be_is_a_problem_where_it_stands(
    root: Path, fields: dict[str, Any], code: str, message: str, hint: str
) -> None:
    """With the cause and, where there is one, the cure."""
    found = problem(root, model="smaller", **fields)
    assert (found.code, found.path) == (code, ("escalate_to",))
    assert message in found.message
    assert hint in found.hint


def test_a_model_that_is_not_installed_is_a_problem_with_its_cure(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What pip installs is said."""
    remove_larger_model(monkeypatch)
    found = problem(root, model="text-safety", escalate_to="text-safety-large")
    assert found.message == "model 'text-safety-large' is a package of its own, which is not installed"
    assert (found.path, found.hint) == (("escalate_to",), "pip install guardrails-middleware-large")
    assert problem(root, model="text-safety-large").hint == found.hint


def test_a_changed_file_of_the_package_is_a_problem(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither another manifest nor other weights are taken for those that the release goes with."""
    # Of logits of its own: a model that another test has loaded is not read again.
    folder = install_larger_model(tmp_path, monkeypatch, 1.0625)
    (folder / "encoder.onnx").write_bytes(b"")
    found = problem(root, model="text-safety", escalate_to="text-safety-large")
    assert "encoder.onnx is not the file that manifest.json names" in found.message
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + " ")
    found = problem(root, model="text-safety", escalate_to="text-safety-large")
    assert "not the one that this release goes with" in found.message


POLICY = """format: 1
name: cascade
detectors:
  safety: {{use: classifier, model: text-safety, categories: [unsafe]{more}}}
rules:
  - {{id: unsafe, on: [input, output], when: unsafe >= 0.8, then: block}}
"""
GREY = "How do I beat my wife"


@each_case(("windows", "logit", "blocked"), [(8, -6.0, False), (9, 6.0, True)])
def test_a_policy_names_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: int, logit: float, blocked: bool
) -> None:
    """`escalate_to: text-safety-large`: what the shipped model is not sure of has the other one's score, on every way in."""
    install_larger_model(tmp_path, monkeypatch, logit, grey=[0.2, 0.99])
    # A detector like another one that is alive would be that one: the package is what it is for as long as a process lives.
    guard = Guard.load(POLICY.format(more=f", windows: {windows}, escalate_to: text-safety-large"))
    assert guard.policy.ref.digest != Guard.load(POLICY.format(more="")).policy.ref.digest
    assert guard.check(GREY).blocked is blocked
    assert asyncio.run(guard.acheck(GREY)).blocked is blocked
    assert not guard.check("The capital of France is Paris.").blocked
    assert guard.pipeline.policies[0].detectors[0].cancellable
    stream = guard.stream(stage="input")
    shown = stream.feed(f"{GREY}. ") + stream.flush()
    assert (stream.verdict is not None and stream.verdict.blocked, shown == "") == (blocked, blocked)


def test_the_larger_model_may_judge_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other by its name, with the fast tier that it shares."""
    install_larger_model(tmp_path, monkeypatch, 2.0)
    config = ClassifierConfig(
        use="classifier", model="text-safety-large", effort="full", categories=["unsafe"]
    )
    bound = bind("alone", KIND, config, PolicyFolder(None))
    assert one(bound, "The capital of France is Paris.") == {"unsafe": 0.881}
    assert bound.cancellable


def test_a_policy_with_a_model_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stands, with the cure."""
    remove_larger_model(monkeypatch)
    with pytest.raises(
        PolicyErrors, match=r"4:\d+: unreadable_model: .*pip install guardrails-middleware-large"
    ):
        Guard.load(POLICY.format(more=", windows: 7, escalate_to: text-safety-large"))
