"""Policies that lie in no file: YAML text and mappings."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from guardrails.enums import Action
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.inline_policies import is_policy_text, read_inline
from guardrails.policy.loading.load import load
from guardrails.policy.loading.source import Mark
from tests.cases import each_case

POLICY: Mapping[str, Any] = {
    "format": 1,
    "name": "t",
    "version": "1.2",
    "detectors": {"w": {"use": "terms", "terms": ["zqx", 'é\u2028😀\x7f\\"'], "category": "custom.w"}},
    "rules": [{"id": "w", "on": ["input", "output"], "when": "custom.w > 0", "then": "block"}],
}


def changed(change: Callable[[Any], object]) -> dict[str, Any]:
    """Return the policy, changed."""
    policy = copy.deepcopy(dict(POLICY))
    change(policy)
    return policy


def problems(policy: Any) -> list[str]:
    """Return what is wrong with a policy."""
    with pytest.raises(PolicyErrors) as caught:
        compile_policy(load(policy))
    return [str(error) for error in caught.value]


def test_a_policy_is_the_same_in_each_form(tmp_path: Path) -> None:
    """A file, its text, and what the text says as a mapping have one digest; tuples and actions are what they look like."""
    text = yaml.safe_dump(dict(POLICY))
    file = tmp_path / "p.yaml"
    file.write_text(text)
    mapping = changed(lambda policy: policy["rules"][0].update(then=Action.BLOCK, on=("input", "output")))
    digests = {compile_policy(load(form)).ref.digest for form in (file, text, POLICY, mapping)}
    assert len(digests) == 1


@each_case(
    ("text", "expected"),
    [
        ("default", False),
        ("policy.yaml", False),
        ("c:/policy.yaml", False),
        ("no-such-policy", False),
        ("format: 1", True),
        ("format: 1\nname: x", True),
        ("format:\n 1", True),
        ("a\0: b", True),
        (Path("a: b"), False),
    ],
)
def test_a_text_is_told_from_a_name(text: str | Path, expected: bool) -> None:
    """By a line break, or a colon and a space."""
    assert is_policy_text(text) is expected


def test_a_file_is_a_file_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that could be the text of a policy."""
    (tmp_path / "a: b.yaml").write_text(yaml.safe_dump(dict(POLICY)))
    monkeypatch.chdir(tmp_path)
    assert not is_policy_text("a: b.yaml")
    assert load("a: b.yaml").name == "t"


@each_case(
    ("change", "found"),
    [
        (
            lambda policy: policy["rules"][0].update(when="custom.w >\n 0 && custm.w > 0"),
            ["<mapping>#/rules/0/when:2:7: unknown_category: 'custm.w' is not a category - did you mean 'custom.w' or 'custom'?"],
        ),
        (
            lambda policy: policy["rules"][0].update(thn="block"),
            ["<mapping>#/rules/0/thn:1:1: unknown_field: 'thn' is not a field of rule 'w' - did you mean 'then'?"],
        ),
        (
            lambda policy: policy["rules"].append(policy["rules"][0]),
            ["<mapping>#/rules/1/id:1:1: duplicate_rule: rule 'w' is already defined in <mapping>#/rules/0/id:1 - give each its own"],
        ),
        (
            lambda policy: policy.pop("name"),
            ["<mapping>:1:1: missing_field: the policy needs 'name' - such as name: support-chat"],
        ),
        (
            lambda policy: policy.update(version=date(2026, 1, 2)),
            ["<mapping>#/version:1:1: wrong_type: YAML has no date - give a text"],
        ),
        (lambda policy: policy.update({5: 1}), ["<mapping>:1:1: invalid_key: key 5 is no text - quote it: '5'"]),
        (
            lambda policy: policy["detectors"]["w"].update(file="x.txt"),
            ["<mapping>#/detectors/w/file:1:1: unreadable_file: detector 'w': file 'x.txt': a policy that lies in no file names none: put it into one"],
        ),
    ],
)  # fmt: skip
def test_problems_of_a_mapping_stand_at_pointers(change: Callable[[Any], object], found: list[str]) -> None:
    """Line and column count inside the value."""
    assert problems(changed(change)) == found


def test_values_without_an_end_are_a_problem() -> None:
    """A mapping that holds itself, and a text that no file can hold."""
    [endless] = problems(changed(lambda policy: policy.update(rules=policy)))
    assert "too_deep: nested deeper than 32 levels" in endless
    [surrogate] = problems(changed(lambda policy: policy.update(name="\ud800")))
    assert surrogate.startswith("<mapping>:0:0: yaml_syntax:")


def test_problems_of_a_text_stand_at_lines_and_columns() -> None:
    """As in a file."""
    assert problems("format: 1\nname: x\nruls: []\n") == [
        "<text>:3:1: unknown_field: 'ruls' is not a field of the policy - did you mean 'rules'?"
    ]
    assert problems("a: [")[0].startswith("<text>:1:4: yaml_syntax:")


def test_a_policy_in_no_file_builds_on_shipped_ones_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file beside the current folder is none beside the policy."""
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(dict(POLICY)))
    monkeypatch.chdir(tmp_path)
    built = load({"format": 1, "name": "own", "extends": ["secrets"]})
    assert {item.item.source.file.rpartition("/")[2] for item in built.rules} == {"secrets.yaml"}
    [problem] = problems({"format": 1, "name": "own", "extends": ["mine.yaml"]})
    assert "'mine.yaml' is no shipped policy, and a policy that lies in no file names none" in problem


@each_case("wrong", [None, 3, b"format: 1", ["format"]])
def test_nothing_else_is_a_policy(wrong: Any) -> None:
    """The error names what may be given."""
    with pytest.raises(TypeError, match="must be a name, a path, YAML text or a mapping, not"):
        load(wrong)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc: #'\"\n", max_size=4), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.text("ab<", min_size=1, max_size=3), VALUES, max_size=4))
def test_every_value_is_read_as_it_is(values: dict[str, Any]) -> None:
    """Whatever a mapping holds that YAML can say."""
    values.pop("<<", None)  # a merge key of older YAML
    source = read_inline(values)
    if not source.problems:
        assert source.data == values
    assert source.mark(("nowhere", 3)) == Mark("<mapping>", 1, 1)
