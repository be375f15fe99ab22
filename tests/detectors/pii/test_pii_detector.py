# ruff: noqa: RUF001 - characters that look alike are what is tested
"""Personal data: published forms are found in any surroundings, near misses are not; both engines and a model share
one set of names, views and messages.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.detectors import MODELS_VARIABLE, ConfigProblem, ConfigProblems, PolicyFolder
from guardrails.detectors.binding import bind, narrow_detector
from guardrails.detectors.patterns.patterns_detector import PatternsDetector
from guardrails.detectors.pii.names import EntityHit
from guardrails.detectors.pii.pii_detector import KIND, SHIPPED, PiiConfig, PiiDetector
from guardrails.inference.safety.folder import ModelError
from guardrails.types import Detection, Place, Stage, Text, ToolCall
from tests.cases import each_case

ALL = KIND.build("pii", PiiConfig(use="pii"), PolicyFolder(Path()))
HITS = {
    "email": ["jo@example.com", "j.o+x@mail.example.co.uk", "A_B-c%d@x-y.museum"],
    "credit_card": ["4111 1111 1111 1111", "4111111111111111", "378282246310005", "5555-5555-5555-4444"],
    "phone": ["+49 30 901820", "+1 (555) 010-9999", "0044 20 7946 0958", "(555) 010-9999", "555-010-9999"],
    "us_ssn": ["123-45-6789", "123 45 6789"],
    "iban": ["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"],
    "ip_address": ["192.168.0.1", "8.8.8.8"],
}
MISSES = [
    "jo at example dot com", "jo@example", "@example.com", "4111 1111 1111 1112", "0000000000000000",
    "000-45-6789", "123-45-67890", "GB83 WEST 1234 5698 7654 32", "256.1.1.1", "1.2.3",
    "2024-01-02", "12:34:56", "price 1,234.56", "order 12345",
]  # fmt: skip


def found(text: str) -> list[tuple[str, str]]:
    """Return category and text of each finding."""
    return [(each.category, text[slice(*each.span)]) for each in ALL.detect([Text(text)])[0].findings]


@each_case(("entity", "text"), [(entity, text) for entity in HITS for text in HITS[entity]])
@each_case(
    "around",
    ["{}", "see {}, ok", "({})", "\u4fe1\u606f{}\u8c22\u8c22", "«{}»", "é {} é", "2024 {} 7", "\ud800{}"],
)
def test_published_forms_are_found_in_any_surroundings(entity: str, text: str, around: str) -> None:
    """Each form is found whole, at the ends of a text, in brackets, and touching Chinese characters."""
    if around[0].isdigit() and entity in {"phone", "ip_address"}:
        around = "{}"  # with a number before it, it may be another one
    assert (f"pii.{entity}", text) in found(around.format(text))


@each_case("text", MISSES)
def test_near_misses_are_not_found(text: str) -> None:
    """Wrong checks, fragments, dates and prices are no personal data."""
    assert found(text) == []


@each_case(
    ("text", "category"),
    [
        ("ｊｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "pii.email"),
        ("jo@exam\u200bple.com", "pii.email"),
        ("４１１１ １１１１ １１１１ １１１１", "pii.credit_card"),
        ("٤١١١ ١١١١ ١١١١ ١١١١", "pii.credit_card"),
        ("123\u201145\u20116789", "pii.us_ssn"),
    ],
)
def test_dressed_forms_are_found_whole(text: str, category: str) -> None:
    """Wide forms, invisible characters, other hyphens and the digits of other scripts do not hide anything."""
    assert (category, text) in found(text)


@each_case("entity", HITS)
def test_only_the_wanted_entities_are_looked_for(entity: str) -> None:
    """`entities` chooses, and the declared categories are just those."""
    config = PiiConfig(use="pii", entities=[entity])
    detector = KIND.build("pii", config, PolicyFolder(Path()))
    text = " ; ".join(forms[0] for forms in HITS.values())
    assert {each.category for each in detector.detect([Text(text)])[0].findings} == {f"pii.{entity}"}
    assert KIND.categories("pii", config) == {f"pii.{entity}"}


@each_case(
    ("entity", "hint"),
    [("emial", "did you mean 'email'?"), ("pii.email", "did you mean 'email'?"), ("zzz", "one of: email, ")],
)
def test_an_unknown_entity_is_a_located_problem(entity: str, hint: str) -> None:
    """A misspelt entity says what was meant; rules that name any entity are not blamed for it."""
    config = PiiConfig(use="pii", entities=["email", entity])
    with pytest.raises(ConfigProblems) as caught:
        KIND.build("pii", config, PolicyFolder(Path()))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("unknown_entity", ("entities", 1))
    assert problem.hint.startswith(hint)
    assert "pii.phone" in KIND.categories("pii", config)


@each_case(
    ("given_", "code", "path"),
    [
        ({"exclude": ["email", "emial"]}, "unknown_entity", ("exclude", 1)),
        ({"entities": ["email"], "exclude": ["email"]}, "nothing_left", ("exclude",)),
    ],
)
def test_what_cannot_be_excluded_is_a_located_problem(
    given_: dict[str, Any], code: str, path: tuple[str | int, ...]
) -> None:
    """A misspelt kind, and kinds that leave nothing to look for."""
    with pytest.raises(ConfigProblems) as caught:
        KIND.build("pii", PiiConfig(use="pii", **given_), PolicyFolder(Path()))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == (code, path)


def test_what_is_excluded_is_not_looked_for() -> None:
    """All kinds but some."""
    config = PiiConfig(use="pii", exclude=["email"])
    found = KIND.build("pii", config, PolicyFolder(Path())).detect([Text("jo@example.com, +49 30 901820")])[0]
    assert {each.category for each in found.findings} == {"pii.phone"}
    assert "pii.email" not in KIND.categories("pii", config)


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    """No text makes the detector fail, and every span lies within it."""
    detection = ALL.detect([Text(text)])[0]
    assert detection.error is None
    assert all(0 <= each.span[0] < each.span[1] <= len(text) for each in detection.findings)


Make = Callable[..., Path]
WORDS = {"Ann": "B-PER", "Lee": "I-PER", "Bonn": "B-LOC", "mail": "O", "Jo": {"B-PER": 0.6}, "in": "O"}


def judged(folder: Path, text: str, **fields: Any) -> Detection:
    """Return what a configuration says of a text."""
    config = PiiConfig.model_validate({"use": "pii", **fields})
    (detection,) = KIND.build("pii", config, PolicyFolder(folder)).detect([Text(text)])
    return detection


def pairs(detection: Detection, text: str) -> list[tuple[str, str]]:
    """Return category and text of each finding."""
    return [(each.category, text[slice(*each.span)]) for each in detection.findings]


def problems(folder: Path, **fields: Any) -> list[ConfigProblem]:
    """Return what is wrong with a configuration."""
    with pytest.raises(ConfigProblems) as caught:
        judged(folder, "", **fields)
    return list(caught.value.problems)


@each_case("engine", ["fast", "presidio"])
@each_case(
    ("text", "category"),
    [
        ("jo@example.com", "pii.email"),
        ("\uff4a\uff4f\uff20\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45\uff0e\uff43\uff4f\uff4d", "pii.email"),
        ("jo@exam\u200bple.com", "pii.email"),
        ("4111 1111\u200b 1111 1111", "pii.credit_card"),
        ("536\u201190\u20114399", "pii.us_ssn"),
    ],
)
def test_both_engines_use_the_same_names_and_views(
    tmp_path: Path, engine: str, text: str, category: str
) -> None:
    """What is dressed up is found whole in the coordinates of the text, also beside a lone surrogate."""
    around = f"\ud800 ssn {text} \u4fe1"
    entities = ["email", "credit_card", "us_ssn"]
    detection = judged(tmp_path, around, engine=engine, entities=entities)
    assert (category, text) in pairs(detection, around)
    assert all(0 < each.score <= 1 and each.detector == "pii" for each in detection.findings)


@each_case("text", ["jo&#64;example.com", r"jo\u0040example.com"])
def test_what_is_written_in_codes_is_found(tmp_path: Path, text: str) -> None:
    """Searchers see the readings of a text too, and their hits are the characters that were read so."""
    detection = judged(tmp_path, f"to {text} now", engine="presidio", entities=["email"])
    assert pairs(detection, f"to {text} now") == [("pii.email", text)]


@each_case(("min_score", "expected"), [(0.4, ["pii.phone"]), (0.41, [])])
def test_presidio_scores_are_the_scores_of_findings(
    tmp_path: Path, min_score: float, expected: list[str]
) -> None:
    """`min_score` leaves out what is weaker; the default keeps what a word of context would lift anything to."""
    detection = judged(tmp_path, "(212) 555-0100", engine="presidio", entities=["phone"], min_score=min_score)
    assert [each.category for each in detection.findings] == expected
    assert [each.score for each in detection.findings] == [0.4] * len(expected)


@pytest.mark.parametrize("engine", ["fast", "presidio"])
def test_a_model_finds_names_beside_either_engine(tmp_path: Path, ner_folder: Make, engine: str) -> None:
    """Findings of both stand in order; what a model says has the probability of all its labels for a score."""
    ner_folder(WORDS)
    text = "Ann Lee in Bonn mail jo@example.com"
    detection = judged(
        tmp_path, text, engine=engine, entities=["person", "location", "email"], ner={"model": "ner"}
    )
    assert pairs(detection, text) == [
        ("pii.person", "Ann Lee"),
        ("pii.location", "Bonn"),
        ("pii.email", "jo@example.com"),
    ]
    assert detection.findings[0].score == pytest.approx(0.9 + 0.1 / 7, abs=1e-4)


def test_a_model_alone_needs_no_engine(tmp_path: Path, ner_folder: Make) -> None:
    """With entities that only a model finds, nothing else runs."""
    ner_folder(WORDS)
    text = "Ann jo@example.com \uff21\uff4e\uff4e"
    detection = judged(tmp_path, text, entities=["person"], ner={"model": "ner"})
    assert pairs(detection, text) == [("pii.person", "Ann"), ("pii.person", "\uff21\uff4e\uff4e")]


def test_a_model_below_the_operators_folder_is_found(
    tmp_path: Path, ner_folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment names a folder of models for all policies."""
    ner_folder(WORDS)
    policies = tmp_path / "policies"
    policies.mkdir()
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    assert pairs(judged(policies, "Ann", ner={"model": "ner"}), "Ann") == [("pii.person", "Ann")]


class Fixed:
    """Finds always the same."""

    def __init__(self, *hits: EntityHit) -> None:
        self.hits = [*hits]

    def search(self, text: str) -> list[EntityHit]:
        """Return the hits."""
        return self.hits


def test_what_is_found_twice_is_one_finding() -> None:
    """A stretch within another of its category adds its score alone; other categories and overlaps stay."""
    searchers = [
        Fixed(EntityHit("person", 0.6, 0, 8), EntityHit("email", 0.5, 2, 4)),
        Fixed(EntityHit("person", 0.9, 2, 8), EntityHit("person", 0.7, 6, 12), EntityHit("phone", 0.5, 3, 3)),
    ]
    (detection,) = PiiDetector("p", None, searchers).detect([Text("x" * 12)])
    assert [(each.category, each.score, each.span) for each in detection.findings] == [
        ("pii.person", 0.9, (0, 8)),
        ("pii.email", 0.5, (2, 4)),
        ("pii.person", 0.7, (6, 12)),
    ]


def test_other_contents_are_left_alone() -> None:
    """A tool's call is judged as the texts in it."""
    call = ToolCall(name="t", arguments="{}")
    assert PiiDetector("p", None, [Fixed(EntityHit("person", 1.0, 0, 1))]).detect([call]) == [Detection()]


@pytest.mark.parametrize(
    ("fields", "path", "message", "hint"),
    [
        ({"entities": ["us_claim"]}, ("entities", 0), "engine 'fast' does not find 'us_claim'", "found by engine: presidio with 'en'"),
        ({"entities": ["uuid"]}, ("entities", 0), "engine 'fast' does not find 'uuid'", "found by engine: presidio"),
        ({"entities": ["email", "age"]}, ("entities", 1), "'fast' does not find 'age'", "found by a model under 'ner:'"),
        ({"entities": ["person", "age"]}, ("entities", 1), "'fast' does not find 'age'", "found by a model under 'ner:'"),
        ({"ner": {}, "entities": ["email"]}, ("ner",), "a model finds none of the entities", "add one"),
        ({"ner": {"window": 128}}, ("ner", "window"), "'window' is for other models than the shipped one", ""),
        ({"ner": {"labels": {"PER": "person"}}}, ("ner", "labels"), "'labels' is for other models than the shipped one", ""),
        ({"engine": "presidio", "entities": ["mx_curp"]}, ("entities", 0), "engine 'presidio' does not find", "found by engine: fast"),
        (
            {"engine": "presidio", "entities": ["de_tax_id"]},
            ("entities", 0),
            "engine 'presidio' does not find",
            "found by engine: fast or by engine: presidio with 'de' among its languages",
        ),
        ({"engine": "presidio", "entities": ["emial"]}, ("entities", 0), "not a kind of personal data", "did you mean 'email'?"),
        ({"entities": ["persn"]}, ("entities", 0), "not a kind of personal data", "did you mean 'person'?"),
        ({"min_score": 0.5}, ("min_score",), "for engine 'presidio' only", ""),
        ({"languages": ["de"]}, ("languages",), "for engine 'presidio' only", ""),
        ({"engine": "presidio", "phone_regions": ["USA"]}, ("phone_regions", 0), "'USA' is no region", "two capital letters"),
        ({"ner": {"model": "none"}}, ("ner", "model"), "folder 'none': no such folder below the policy's folder", ""),
        ({"ner": {"model": "../x"}}, ("ner", "model"), "lies outside the policy's own folder", ""),
        ({"ner": {"model": "ner"}, "entities": ["us_itin"]}, ("ner",), "a model finds none of the entities", "add one"),
        ({"ner": {"model": "ner"}, "entities": ["person", "age"]}, ("entities", 1), "has no label for 'age'", "it finds person;"),
        ({"ner": {"model": "ner", "labels": {"MISC": "A b"}}}, ("ner", "labels", "MISC"), "'pii.A b' is not", "lower-case"),
        ({"ner": {"model": "ner", "labels": {"PRE": "person"}}}, ("ner", "labels", "PRE"), "no label 'PRE'", "did you mean 'PER'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_found_as_asked_is_a_problem_with_its_cure(
    tmp_path: Path,
    ner_folder: Make,
    fields: dict[str, Any],
    path: tuple[str | int, ...],
    message: str,
    hint: str,
) -> None:
    """Nothing that a policy asks for is left out silently: the message says who would find it."""
    ner_folder(WORDS)
    (problem,) = problems(tmp_path, **fields)
    assert problem.path == path
    assert message in problem.message
    assert problem.hint.startswith(hint)


def test_all_problems_of_the_parts_are_reported_at_once(tmp_path: Path) -> None:
    """A wrong region does not hide a missing model."""
    found = problems(tmp_path, engine="presidio", phone_regions=["USA"], ner={"model": "none"})
    assert [problem.path for problem in found] == [("phone_regions", 0), ("ner", "model")]


def test_a_missing_extra_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem stands at `engine` and says what to install."""
    monkeypatch.delitem(sys.modules, "guardrails.detectors.pii.presidio", raising=False)
    monkeypatch.delattr("guardrails.detectors.pii.presidio", raising=False)
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    (problem,) = problems(tmp_path, engine="presidio")
    assert (problem.code, problem.path) == ("missing_extra", ("engine",))
    assert "'presidio_analyzer', which is not installed" in problem.message
    assert problem.hint == "pip install 'guardrails-middleware[pii]'"


def test_categories_are_known_before_anything_is_built() -> None:
    """They follow from the engine, its languages and the model's labels; a misspelt entity may be any."""

    def given(**fields: Any) -> frozenset[str]:
        return KIND.categories("p", PiiConfig.model_validate({"use": "pii", **fields}))

    assert "pii.uuid" not in given()
    assert {"pii.uuid", "pii.us_claim"} <= given(engine="presidio")
    assert "pii.de_lanr" in given(engine="presidio", languages=["de"])
    assert "pii.us_claim" not in given(engine="presidio", languages=["de"])
    assert given(entities=["email", "person"]) == {"pii.email", "pii.person"}
    assert "pii.person" not in given()
    assert {"pii.email", "pii.person", "pii.organization"} <= given(ner={})
    assert "pii.age" not in given(ner={})
    assert {"pii.email", "pii.person", "pii.title"} <= given(ner={"model": "m", "labels": {"TITLE": "title"}})
    assert given(engine="presidio", entities=["email"]) == {"pii.email"}
    assert "pii.email" in given(entities=["emial"])


def test_a_bound_detector_knows_what_it_costs_and_which_model_it_has(
    tmp_path: Path, ner_folder: Make
) -> None:
    """Slow parts make it a detector of the second tier, off the caller's thread; another model is another digest."""

    def bound(**fields: Any) -> Any:
        return bind("p", KIND, PiiConfig.model_validate({"use": "pii", **fields}), PolicyFolder(tmp_path))

    folder = ner_folder(WORDS)
    assert (bound().tier, bound().inline) == (0, True)
    assert (bound(engine="presidio").tier, bound(engine="presidio").inline) == (1, False)
    first = bound(ner={"model": "ner"})
    assert (first.tier, first.inline) == (1, False)
    assert bound(ner={"model": "ner"}).digest == first.digest
    ner_folder({**WORDS, "in": "B-LOC"})
    assert bound(ner={"model": "ner"}).digest != first.digest
    assert folder.is_dir()


LETTER = (
    "I am Ann Lee (ann@example.com), of 12 Main Street, Springfield, and work for Acme Widgets Ltd. Ring me."
)
FOUND = [
    ("pii.person", "Ann Lee"),
    ("pii.email", "ann@example.com"),
    ("pii.street_address", "12 Main Street"),
    ("pii.location", "Springfield"),
    ("pii.organization", "Acme Widgets Ltd"),
]


@each_case(
    ("fields", "names"),
    [
        (
            {"entities": ["person", "location", "organization", "street_address", "email"]},
            [each for each, _ in FOUND],
        ),
        ({"entities": ["email", "person"]}, ["pii.person", "pii.email"]),
        ({"entities": ["street_address"]}, ["pii.street_address"]),
        ({"entities": ["organization"]}, ["pii.organization"]),
        ({"entities": ["person"], "engine": "presidio"}, ["pii.person"]),
        (
            {"ner": {}, "exclude": ["location", "email"]},
            ["pii.person", "pii.street_address", "pii.organization"],
        ),
        ({"entities": ["person"], "ner": {"min_score": 1.0}}, []),
        ({"exclude": ["street_address"]}, ["pii.email"]),
    ],
)
def test_the_shipped_model_finds_what_entities_name(
    tmp_path: Path, fields: dict[str, Any], names: list[str]
) -> None:
    """No folder, no extra and no download: to name an entity is enough; whoever names none gets what patterns find."""
    expected = [each for each in FOUND if each[0] in names]
    assert pairs(judged(tmp_path, LETTER, **fields), LETTER) == expected


def test_the_shipped_model_is_loaded_with_the_first_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy that is only looked at does not load it; a text does, and what is wrong with the model is the detector's failure."""

    def fail(folder: Path) -> None:
        raise ModelError(f"no model in {folder.name}")

    monkeypatch.setattr("guardrails.detectors.pii.shipped_names.shipped_searcher.load_entity_model", fail)
    config = PiiConfig.model_validate({"use": "pii", "entities": ["person"]})
    detector = KIND.build("pii", config, PolicyFolder(tmp_path))
    with pytest.raises(ModelError, match="no model in pii_names"):
        detector.detect([Text("Ann")])


def test_another_manifest_is_a_problem_of_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the model's files is told when the policy is loaded."""
    monkeypatch.setitem(SHIPPED, "pii-names", tmp_path / "none")
    (problem,) = problems(tmp_path, entities=["person"])
    assert (problem.code, problem.path) == ("unreadable_model", ("ner", "model"))
    assert "manifest.json" in problem.message


def test_the_shipped_model_runs_where_its_findings_are_asked_for(tmp_path: Path) -> None:
    """Of a detector of both, each stage gets what its rules ask for; where no stage asks for names, there is no model."""
    bound = bind(
        "p",
        KIND,
        PiiConfig.model_validate({"use": "pii", "entities": ["email", "person"]}),
        PolicyFolder(tmp_path),
    )
    email, person = frozenset({"pii.email"}), frozenset({"pii.person"})
    text = "Ann Lee, ann@example.com"
    at = {stage: Text(text, Place(stage=stage)) for stage in (Stage.INPUT, Stage.OUTPUT)}
    narrow = narrow_detector(bound, {Stage.INPUT: person | email, Stage.OUTPUT: email})
    found = [pairs(each, text) for each in narrow.detector.detect([*at.values()])]
    assert found == [
        [("pii.person", "Ann Lee"), ("pii.email", "ann@example.com")],
        [("pii.email", "ann@example.com")],
    ]
    alone = narrow_detector(bound, {Stage.INPUT: email, Stage.OUTPUT: email})
    assert isinstance(alone.detector, PatternsDetector)
    assert alone.digest != bound.digest


def test_what_is_in_another_script_is_unchecked(tmp_path: Path) -> None:
    """The model reads Latin letters: the rest is named, and what patterns find in it is found all the same."""
    text = "Меня зовут Анна Иванова, пишите мне: ann@example.com"
    detection = judged(tmp_path, text, entities=["person", "email"])
    assert pairs(detection, text) == [("pii.email", "ann@example.com")]
    assert [(each.kind, each.span) for each in detection.unchecked] == [("language", (0, len(text)))]


NAMES = """
format: 1
name: names
limits: {deadline_ms: 60000}  # the first text waits for the model, on a busy machine for seconds
detectors:
  pii: {use: pii, entities: [person, location, street_address, email]}
rules:
  - {id: names, on: [input, output], when: pii.person > 0 || pii.email > 0 || pii.street_address > 0, then: redact}
"""


def test_a_policy_redacts_names_without_any_folder(tmp_path: Path) -> None:
    """The whole way, and back from pickle."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(NAMES)
    for guard in (Guard.load(policy), pickle.loads(pickle.dumps(Guard.load(policy)))):
        verdict = guard.check(LETTER, stage="input")
        assert verdict.content == (
            "I am [PERSON] ([EMAIL]), of [STREET_ADDRESS], Springfield, and work for Acme Widgets Ltd. Ring me."
        )


def test_a_reply_is_shown_sentence_by_sentence(tmp_path: Path) -> None:
    """What a rule redacts by the model's findings goes out once its sentence is over, and not at the end of the text."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(NAMES)
    guard = Guard.load(policy)
    text = "I saw Dr. Smith in Bonn yesterday. She asked for Ann Lee, who was out. They will meet on Monday at noon."
    stream = guard.stream(stage="output")
    shown = [stream.feed(text[at : at + 5]) for at in range(0, len(text), 5)]
    shown.append(stream.flush())
    assert "".join(shown) == guard.check(text, stage="output").content
    assert "".join(shown).count("[PERSON]") == 2
    assert next(each for each in shown if each) == "I saw Dr. [PERSON] in Bonn yesterday. "


def test_a_child_process_finds_names_too(tmp_path: Path) -> None:
    """A process that was forked with the model loaded runs it."""
    assert pairs(judged(tmp_path, "I am Ann Lee.", entities=["person"]), "I am Ann Lee.")
    program = (
        "import os\n"
        "from guardrails import Guard\n"
        f"guard = Guard.load({NAMES!r})\n"
        "first = guard.check('I am Ann Lee.', stage='input').content\n"
        "child = os.fork()\n"
        "said = guard.check('We saw Bob Ray in Rome.', stage='input').content\n"
        "if not child:\n"
        "    os._exit(0 if said == 'We saw [PERSON] in Rome.' else 1)\n"
        "print(first, said, os.waitpid(child, 0)[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "I am [PERSON]. We saw [PERSON] in Rome. 0\n"


def test_a_policy_names_its_model_from_its_own_folder(tmp_path: Path, ner_folder: Make) -> None:
    """The whole way: a file of a policy, a folder beside it, a redaction."""
    ner_folder(WORDS)
    policy = tmp_path / "policy.yaml"
    policy.write_text("""
format: 1
name: names
detectors:
  pii: {use: pii, entities: [person, email], ner: {model: ner}}
rules:
  - {id: names, on: input, when: pii.person >= 0.8 || pii.email > 0, then: redact}
""")
    verdict = Guard.load(policy).check("mail Ann Lee in Bonn: jo@example.com", stage="input")
    assert verdict.content == "mail [PERSON] in Bonn: [EMAIL]"


@given(st.text(max_size=60))
def test_presidio_judges_any_text(text: str) -> None:
    """No text makes it fail, and every span lies within it."""
    (detection,) = PRESIDIO.detect([Text(text)])
    assert detection.error is None
    assert all(0 <= each.span[0] < each.span[1] <= len(text) for each in detection.findings)


PRESIDIO = KIND.build("pii", PiiConfig(use="pii", engine="presidio"), PolicyFolder(Path()))
