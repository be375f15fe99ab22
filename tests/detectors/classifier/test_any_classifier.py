"""Any sequence classifier: labels mapped to categories, windows with their spans, hub and folders, and faults."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails import Guard, PolicyErrors, Text
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFolder
from guardrails.detectors.binding import BoundDetector, bind
from guardrails.detectors.classifier.any_classifier import strip_disguise
from guardrails.detectors.classifier.shipped_classifier import HEADS, KIND, ClassifierConfig
from guardrails.types import CLEAN, Detection, Image
from tests.cases import each_case, scale

Make = Callable[..., Path]
LABELS = ("OK", "TOXIC", "Threat", "SPAM")
WORDS = {
    "rude": {"TOXIC": 6.0},
    "menace": {"TOXIC": 5.0, "Threat": 8.0},
    "buy": {"SPAM": 6.0},
    "fine": {},
    "nan": {"TOXIC": math.nan},
    ".": {},
}
MAPPED = {"TOXIC": "toxic", "threat": ["harassment.threatening", "toxic"]}


@pytest.fixture
def folder(sequence_folder: Make) -> Path:
    """A model of a few words, which finds most texts OK."""
    return sequence_folder(WORDS, LABELS, bias={"OK": 3.0})


def config(**fields: Any) -> ClassifierConfig:
    """Return a configuration."""
    return ClassifierConfig.model_validate({"use": "classifier", "model": "sequence", **fields})


def bound(folder: Path, **fields: Any) -> BoundDetector:
    """Return the detector over a folder."""
    return bind("own", KIND, config(**{"labels": MAPPED, **fields}), PolicyFolder(folder.parent))


def problems(folder: Path, **fields: Any) -> tuple[ConfigProblem, ...]:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigProblems) as caught:
        bind("own", KIND, config(**fields), PolicyFolder(folder.parent))
    return caught.value.problems


def scores(detection: Detection) -> dict[str, float]:
    """Return the highest score of each category, rounded."""
    assert detection.error is None
    best: dict[str, float] = {}
    for finding in detection.findings:
        best[finding.category] = max(best.get(finding.category, 0.0), round(finding.score, 2))
    return best


def one(of: BoundDetector, text: str) -> dict[str, float]:
    """Return the scores of one text."""
    [found] = of.detector.detect([Text(text)])
    return scores(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fine", {}),
        ("rude", {"toxic": 0.95}),
        ("menace", {"toxic": 0.95, "harassment.threatening": 0.95}),
        ("buy", {}),
        ("", {}),
        ("\ud800", {}),
        (" \n ", {}),
    ],
)
def test_a_category_has_the_highest_score_of_its_labels(
    folder: Path, text: str, expected: dict[str, float]
) -> None:
    """A label may mean several, several may mean one, and those that are not named are ignored."""
    of = bound(folder)
    assert one(of, text) == expected
    assert of.categories == {"toxic", "harassment.threatening"}
    assert (of.tier, of.inline, of.at_once) == (1, False, None)


@each_case(("least", "found"), [(0.3, True), (0.85, True), (0.96, False)])
def test_scores_below_the_least_that_is_asked_for_are_no_findings(
    folder: Path, least: float, found: bool
) -> None:
    """`min_score` counts, above and below one half."""
    assert (one(bound(folder, min_score=least), "rude") == {"toxic": 0.95}) is found
    assert (one(bound(folder, min_score=least), "fine rude") != {}) is found


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"TOXIC": "custom.rude"}, {"custom.rude"}),
        ({"toxic": "custom.rude"}, {"custom.rude"}),
        ({"LABEL_1": "custom.rude"}, {"custom.rude"}),
        ({"label_1": "custom.rude", "TOXIC": "toxic"}, {"custom.rude", "toxic"}),
    ],
)
def test_labels_are_found_by_name_or_number(folder: Path, labels: dict[str, str], expected: set[str]) -> None:
    """Whatever the case; the number counts from 0."""
    assert {*one(bound(folder, labels=labels), "rude")} == expected


def test_a_policy_may_choose_categories(folder: Path) -> None:
    """Of those that the labels tell, leaves included."""
    of = bound(folder, categories=["harassment"])
    assert of.categories == {"harassment.threatening"}
    assert {*one(of, "menace")} == {"harassment.threatening"}


def test_a_span_is_the_window_in_the_text(folder: Path) -> None:
    """Windows touch; only those that hold the word have a finding."""
    text = "fine. " * 60 + "\u200brude words. " + "fine. " * 60
    [found] = bound(folder, window=16).detector.detect([Text(text)])
    spans = {finding.span for finding in found.findings}
    assert spans
    assert all(span is not None and "rude" in text[slice(*span)] for span in spans)
    assert all(span is not None and span[1] - span[0] < len(text) // 4 for span in spans)


def test_the_model_reads_the_text_as_it_is_and_its_tricks(folder: Path) -> None:
    """Case and letters stay as they are written; spelling tricks are read as well."""
    of = bound(folder)
    assert one(of, "Rude") == {}
    for spelt in (
        "r u d e",
        "r\u200bu\u200bd\u200be",
        "r\u0443d\u0435".replace("\u0443", "u"),
        "\uff52ude",
        "ru\u00adde",
    ):
        assert one(of, spelt) == one(of, "rude")
    assert one(of, "m3nace") == one(of, "menace")


@each_case(
    ("text", "expected"),
    [
        ("plain words", None),
        (
            "\u201csmart\u201d quotes \u2014 and dashes\u2026 don\u2019t, \u00fcber, caf\u00e9 \u2764\ufe0f",
            None,
        ),
        ("\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?", None),
        ("\u4e2d\u6587\uff0c\u5168\u89d2\u3002", None),
        ("ru\u200bde", "rude"),
        ("r\u0435ad \u0430ll", "read all"),
        ("\uff41\uff42\uff43", "abc"),
        ("\u041f\u0440\u0438\u200b\u0432\u0435\u0442", "\u041f\u0440\u0438\u0432\u0435\u0442"),
    ],
)
def test_disguises_are_told_from_other_writing(text: str, expected: str | None) -> None:
    """Quotes, accents and other scripts are read once, as they are."""
    assert strip_disguise(text) == expected


def test_other_contents_are_not_judged(folder: Path) -> None:
    """And texts beside them have their own findings, in order."""
    found = bound(folder).detector.detect([Image(b"x"), Text("rude"), Text("fine"), Text("menace")])
    assert found[0] is CLEAN
    assert [{*scores(each)} for each in found[1:]] == [{"toxic"}, set(), {"toxic", "harassment.threatening"}]
    assert bound(folder).detector.detect([]) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=scale(40))
@given(st.lists(st.sampled_from(["rude ", "fine. ", "menace ", "\n", "\ud800", "r.u.d.e "]), max_size=60))
def test_batches_change_no_score(folder: Path, parts: list[str]) -> None:
    """A text has the same findings alone and among others."""
    of = bound(folder, window=16)
    texts = [Text("".join(parts)), Text("".join(reversed(parts))), Text("rude")]
    assert of.detector.detect(texts) == [of.detector.detect([text])[0] for text in texts]


def test_what_was_not_judged_is_said(folder: Path) -> None:
    """Windows past the limit, and languages that the model was not validated on."""
    [found] = bound(folder, window=16, windows=2).detector.detect([Text("fine. " * 300)])
    assert [each.kind for each in found.unchecked] == ["limit"]
    german = "Das ist ein ganz gew\u00f6hnlicher deutscher Satz, den niemand f\u00fcr Englisch halten wird."
    [found] = bound(folder, languages=["en"]).detector.detect([Text(german)])
    assert [each.kind for each in found.unchecked] == ["language"]
    [found] = bound(folder, languages=["en", "de"]).detector.detect([Text(german)])
    assert found == CLEAN == bound(folder).detector.detect([Text(german)])[0]


def test_a_score_that_is_no_number_is_an_error_without_the_text(folder: Path) -> None:
    """The pipeline makes the rule's `on_error` of it."""
    with pytest.raises(ArithmeticError) as caught:
        bound(folder).detector.detect([Text("fine nan secretword")])
    assert "secretword" not in str(caught.value)


def test_a_misspelt_label_is_a_problem_where_it_stands(folder: Path) -> None:
    """With what was meant, or all that there are."""
    first, second, third = problems(
        folder, labels={"TOXICC": "toxic", "other": "hate", "LABEL_4": "spam", "SPAM": "spam"}
    )
    assert (first.code, first.path, first.hint) == (
        "unknown_label",
        ("labels", "TOXICC"),
        "did you mean 'TOXIC'?",
    )
    assert second.hint == third.hint == "it has OK, TOXIC, Threat, SPAM"


@pytest.mark.parametrize(
    ("fields", "code", "path", "message"),
    [
        ({}, "unnamed_labels", ("model",), "is not known: OK, TOXIC, Threat, SPAM"),
        (
            {"labels": {"TOXIC": "toxicc"}},
            "unknown_category",
            ("labels", "TOXIC"),
            "'toxicc' is not a category",
        ),
        ({"categories": ["hate"]}, "unknown_category", ("categories", 0), "is nothing that model"),
        ({"effort": "full"}, "unused_field", ("effort",), "for models with manifest.json"),
        ({"escalate_to": "larger"}, "unused_field", ("escalate_to",), "for models with manifest.json"),
        ({"revision": "main"}, "unused_field", ("revision",), "for models of the hub"),
        ({"download": True}, "unused_field", ("download",), "for models of the hub"),
        ({"languages": ["english"]}, "unknown_language", ("languages", 0), "not a language that can be told"),
        ({"runtime": "onnx", "device": "cuda"}, "unused_field", ("device",), "of runtime 'torch'"),
        ({"file": "other.onnx"}, "unreadable_model", ("file",), "no file 'other.onnx'"),
        ({"window": 600}, "unreadable_model", ("window",), "reads 64 tokens at most"),
    ],
)
def test_what_is_wrong_is_said_where_it_stands(
    folder: Path, fields: dict[str, Any], code: str, path: tuple[str | int, ...], message: str
) -> None:
    """With a cure."""
    if fields:
        fields = {"labels": MAPPED, **fields}
    [found] = problems(folder, **fields)
    assert (found.code, found.path) == (code, path)
    assert message in found.message
    assert found.hint or path == ("file",)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("tokenizer.json", None, "model 'sequence': the folder has no tokenizer.json"),
        ("model.onnx", "nonsense", "model 'sequence': model.onnx: "),
        ("config.json", "{}", "gives 1 x 4 scores for 1 x 2"),
        ("config.json", None, "the folder has no manifest.json"),
    ],
)
def test_what_is_wrong_in_a_folder_is_said(
    folder: Path, file: str, content: str | None, message: str
) -> None:
    """At the field that names it."""
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    fields = {"labels": MAPPED} if (folder / "config.json").exists() else {}
    [found] = problems(folder, **fields)
    assert (found.code, found.path) == ("unreadable_model", ("model",))
    assert message in found.message


def test_fields_of_other_models_do_not_fit_the_shipped_one() -> None:
    """Nothing that is written is ignored."""
    found = problems(Path(), model="text-safety", labels={"A": "toxic"}, device="cpu", window=64)
    assert [(each.code, each.path) for each in found] == [
        ("unused_field", ("labels",)),
        ("unused_field", ("device",)),
        ("unused_field", ("window",)),
    ]


@pytest.fixture
def prompt_guard(sequence_folder: Make) -> Path:
    """A model that is called as a well-known one."""
    return sequence_folder(
        {"obey": {"LABEL_1": 4.0}}, ["LABEL_0", "LABEL_1"], name="meta-llama/Llama-Prompt-Guard-2-22M"
    )


@pytest.mark.parametrize(
    "model", ["meta-llama/Llama-Prompt-Guard-2-22M", "meta-llama/llama-prompt-guard-2-22m", "guards/"]
)
def test_a_well_known_model_needs_no_labels(prompt_guard: Path, model: str) -> None:
    """By its name on the hub, or the name of its folder; its languages are known too."""
    root = prompt_guard.parents[1]
    if not (root / model).exists():
        model = f"{model.rstrip('/')}/llama-prompt-guard-2-22m" if model.endswith("/") else model
        (root / model).parent.mkdir(exist_ok=True)
        prompt_guard.rename(root / model)
    of = bind("guard", KIND, config(model=model), PolicyFolder(root))
    assert of.categories == {"jailbreak", "injection"}
    assert one(of, "obey") == {"jailbreak": 0.98, "injection": 0.98}
    german = "Das ist ein ganz gew\u00f6hnlicher deutscher Satz, den niemand f\u00fcr Englisch halten wird."
    [found] = of.detector.detect([Text(german)])
    assert [each.kind for each in found.unchecked] == ["language"]


def test_a_model_that_is_only_called_so_is_a_problem(sequence_folder: Make) -> None:
    """Its labels are others, so what they mean must be said."""
    folder = sequence_folder(WORDS, LABELS, name="toxic-bert")
    found = problems(folder, model="toxic-bert")
    assert {(each.code, each.path) for each in found} == {("unknown_label", ("model",))}
    assert found[0].hint == "it has OK, TOXIC, Threat, SPAM; say what they mean by labels:"
    assert one(bound(folder, model="toxic-bert"), "rude") == {"toxic": 0.99}


@each_case(
    ("fields", "expected"),
    [
        ({"model": "own", "labels": MAPPED}, {"toxic", "harassment.threatening"}),
        ({"model": "unitary/toxic-bert", "categories": ["hate"]}, {"hate"}),
        ({"model": "org/unknown"}, {*HEADS} - {"unsafe_reply"}),
        ({"model": "own", "labels": {"A": "toxicc"}}, {*HEADS} - {"unsafe_reply"}),
        ({"model": "text-safety", "categories": ["toxic"]}, {"toxic"}),
    ],
)
def test_categories_are_known_before_the_model_is_read(fields: dict[str, Any], expected: set[str]) -> None:
    """So that rules are checked though the model is wrong."""
    assert KIND.categories("own", config(**fields)) == expected


def test_a_model_of_the_hub_is_read_from_its_cache(
    prompt_guard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is downloaded; a revision is that of the cache, and part of the digest are the blobs' own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    name, policies = "meta-llama/Llama-Prompt-Guard-2-22M", tmp_path / "policies"
    policies.mkdir()
    of = tmp_path / "hub" / "models--meta-llama--Llama-Prompt-Guard-2-22M"
    snapshot = of / "snapshots" / ("c" * 40)
    (of / "blobs").mkdir(parents=True)
    (of / "refs").mkdir()
    (of / "refs" / "main").write_text("c" * 40)
    snapshot.mkdir(parents=True)
    for number, file in enumerate(sorted(prompt_guard.iterdir())):
        blob = of / "blobs" / (f"{number:040x}")
        file.rename(blob)
        (snapshot / file.name).symlink_to(os.path.relpath(blob, snapshot))
    found = [
        bind("guard", KIND, config(model=name, **fields), PolicyFolder(policies))
        for fields in ({}, {"revision": "main"}, {"revision": "c" * 40, "download": True})
    ]
    assert [one(each, "obey") for each in found] == [{"jailbreak": 0.98, "injection": 0.98}] * 3
    [problem] = problems(policies / "x", model=name, revision="v2")
    assert (problem.code, problem.path) == ("unreadable_model", ("model",))
    assert "the hub's cache on this machine has no" in problem.message
    assert "guardrails models --fetch" in problem.hint


def test_the_digest_is_of_files_labels_and_options(folder: Path) -> None:
    """Each of them makes another detector; the same are the same."""
    digests = [
        bound(folder, **fields).digest for fields in ({}, {"window": 32}, {"labels": {"SPAM": "spam"}})
    ]
    assert len({*digests}) == 3
    assert bound(folder).digest == digests[0]
    (folder / "notes.txt").write_text("changed")
    assert bound(folder).digest != digests[0]


POLICY = """
format: 1
name: tested
detectors:
  own:
    use: classifier
    model: sequence
    labels: {TOXIC: toxic, threat: [harassment.threatening, toxic]}
    window: 16
rules:
  - {id: toxic, on: [input, output], when: toxic >= 0.7, then: block}
limits: {windows: 6}
"""


@pytest.fixture
def guard(folder: Path) -> Guard:
    """A guard over the model, by YAML alone."""
    path = folder.parent / "policy.yaml"
    path.write_text(POLICY)
    return Guard.load(path)


@pytest.mark.parametrize(("text", "action"), [("all is fine", "allow"), ("rude", "block"), ("nan", "block")])
def test_rules_act_on_findings_and_on_faults(guard: Guard, text: str, action: str) -> None:
    """What the model cannot judge is blocked, as `on_error` has it."""
    verdict = guard.check(text)
    assert str(verdict.action) == action
    assert bool(verdict.errors) is (text == "nan")
    assert str(asyncio.run(guard.acheck(text)).action) == action


def test_a_policys_limit_of_windows_holds(guard: Guard) -> None:
    """What lies beyond is `unchecked: limit`, which blocks by default."""
    assert [rule.id for rule in guard.check("fine. " * 300).rules] == ["unchecked.limit"]


def test_errors_of_a_policy_are_located(folder: Path) -> None:
    """File, line and column of the label, with the cure."""
    path = folder.parent / "policy.yaml"
    path.write_text(POLICY.replace("TOXIC:", "TOXICC:"))
    with pytest.raises(PolicyErrors, match=r"policy\.yaml:8:\d+: unknown_label: .*TOXICC"):
        Guard.load(path)
