"""Loading: by shipped name or path, numbers that are texts, defaults, and nothing but `PolicyErrors`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.detectors.terms.terms_detector import KIND as TERMS
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.compose import MAX_CHARACTERS
from guardrails.policy.loading.items import Policy
from guardrails.policy.loading.load import load, locate
from guardrails.policy.shipped import shipped_folder
from guardrails.registry.sources import PluginSources
from tests.cases import each_case, scale

HEAD = "format: 1\nname: t\n"


def loaded(folder: Path, text: str) -> Policy:
    """Load a policy of this text."""
    (folder / "p.yaml").write_text(text)
    return load(folder / "p.yaml")


@each_case(
    ("written", "version"),
    [("1.10", "1.10"), ("1", "1"), ("1.4.0", "1.4.0"), ('"1.10"', "1.10"), ("0x10", "0x10"), ("1e3", "1e3"), ("2027-01-01", "2027-01-01")],
)  # fmt: skip
def test_a_version_is_the_text_that_was_written(tmp_path: Path, written: str, version: str) -> None:
    """Version 1.10 is not 1.1, in quotes or without."""
    policy = loaded(tmp_path, f"{HEAD}version: {written}\n")
    assert (policy.version, policy.problems.errors) == (version, [])


def test_what_is_not_written_has_its_default(tmp_path: Path) -> None:
    """The smallest policy has no rules and the defaults that the fields declare."""
    policy = loaded(tmp_path, HEAD)
    assert (policy.name, policy.version, policy.rules, policy.history) == ("t", "0", (), "remove")
    assert (policy.unchecked.limit, policy.limits.characters) == ("block", 200_000)


def test_words_of_old_yaml_are_texts(tmp_path: Path) -> None:
    """`on` is a key, and `no` a term: nobody's Norway is false here."""
    policy = loaded(
        tmp_path,
        HEAD + "detectors:\n  t: {use: terms, terms: [no, yes, on, off, 12:30:45, 2027-01-01]}\n"
        "rules:\n  - {id: r, on: input, when: custom.t > 0, then: block}\n",
    )
    assert policy.problems.errors == []
    assert policy.detectors["t"].config is not None
    assert policy.detectors["t"].config.terms == ["no", "yes", "on", "off", "12:30:45", "2027-01-01"]


@each_case("name", ["nope", "nope.yaml", "a\0b", "x" * 5000, "defualt", ""])
def test_a_name_that_leads_nowhere_is_a_policy_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such file, or no possible name of a file: an error that offers the shipped policies."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PolicyErrors) as caught:
        load(name)
    (error,) = caught.value.errors
    assert (error.line, error.col) == (0, 0)
    assert error.code == ("unknown_policy" if name else "unreadable_file")
    assert "default" in error.hint or not name


def test_a_folder_is_not_a_policy(tmp_path: Path) -> None:
    """A folder says what to name instead."""
    with pytest.raises(PolicyErrors, match="is a folder; name the policy file in it"):
        load(tmp_path)


def test_a_shipped_name_wins_over_a_file_in_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`default` is the shipped policy wherever one stands; a path means the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").write_text(HEAD)
    assert locate("default") == shipped_folder() / "default.yaml"
    assert load("./default").name == "t"


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    """A file beyond the limit costs no memory: here 20 GB of nothing."""
    with (tmp_path / "p.yaml").open("wb") as file:
        file.truncate(20 << 30)
    with pytest.raises(PolicyErrors) as caught:
        load(tmp_path / "p.yaml")
    assert [error.code for error in caught.value.errors] == ["too_large"]
    (tmp_path / "q.yaml").write_text(HEAD + "extends: p.yaml\n")
    assert [error.code for error in load(tmp_path / "q.yaml").problems.errors] == ["too_large"]
    assert MAX_CHARACTERS < 20 << 30


def test_a_policy_behind_a_link_reads_beside_its_target(tmp_path: Path) -> None:
    """Mounted configurations are links: files are looked for where the policy really lies."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "t.txt").write_text("foo\n")
    (tmp_path / "data" / "p.yaml").write_text(HEAD + "detectors:\n  t: {use: terms, file: t.txt}\n")
    (tmp_path / "p.yaml").symlink_to(tmp_path / "data" / "p.yaml")
    assert [bound.name for bound in compile_policy(load(tmp_path / "p.yaml")).detectors] == ["t"]


def test_kinds_of_the_caller_can_be_used(tmp_path: Path) -> None:
    """`use:` may name a kind that the caller brings along, and only then."""
    text = HEAD + "detectors:\n  m: {use: mine, terms: [foo]}\n"
    assert [error.code for error in loaded(tmp_path, text).problems.errors] == ["unknown_detector"]
    policy = load(
        tmp_path / "p.yaml", PluginSources().with_own("detectors", {"mine": replace(TERMS, version=2)})
    )
    assert policy.problems.errors == []
    assert policy.detectors["m"].kind is not None


PIECES = st.sampled_from(
    [
        "hate > 0",
        "5",
        "~",
        "[]",
        "{}",
        "[a, 1]",
        "{a: [b]}",
        "true",
        "input",
        "block",
        "'x'",
        "r",
        "terms",
        "[r]",
        "1.5",
    ]
)
KEYS = st.sampled_from(
    ["rules", "detectors", "tests", "exceptions", "override", "disable", "extends", "unchecked", "limits", "history", "parallel",
     "version", "id", "on", "when", "then", "with", "redact", "message", "tags", "use", "terms", "patterns", "expect"]
)  # fmt: skip


@given(
    st.dictionaries(KEYS, st.one_of(PIECES, st.dictionaries(KEYS, PIECES, max_size=4), st.lists(st.dictionaries(KEYS, PIECES, max_size=5), max_size=3)), max_size=5)
)  # fmt: skip
@settings(max_examples=scale(300), deadline=None)
def test_whatever_stands_in_a_policy_only_policy_errors_come_of_it(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, object]
) -> None:
    """Values of any shape in any place load, or are explained with their places; nothing crashes."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"

    def flow(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
        return "[" + ", ".join(map(flow, value)) + "]" if isinstance(value, list) else str(value)

    path.write_text(HEAD + "".join(f"{key}: {flow(value)}\n" for key, value in data.items()))
    try:
        assert compile_policy(load(path)).ref.name == "t"
        found = []
    except PolicyErrors as raised:
        found = raised.errors
    assert all(error.line > 0 and error.col > 0 and error.message for error in found)
