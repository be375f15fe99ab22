"""The shipped policies: found by name, and free of problems."""

from __future__ import annotations

from pathlib import Path

import yaml

from guardrails import Guard
from guardrails.detectors.language.identification import choose_language
from guardrails.policy.compile import compile_policy
from guardrails.policy.loading.load import load
from guardrails.policy.shipped import read_starter, shipped_folder, shipped_names, starter_names
from guardrails.types import Stage
from tests.cases import each_case


def test_names_are_the_files_of_the_folder() -> None:
    """Every YAML file of the folder is a shipped policy, `default` among them, in order."""
    assert "default" in shipped_names()
    assert list(shipped_names()) == sorted(path.stem for path in shipped_folder().glob("*.yaml"))


@each_case("name", shipped_names())
def test_each_shipped_policy_compiles_under_its_own_name(name: str) -> None:
    """A shipped policy loads by its name, has rules and tests, and each rule says what it is for."""
    policy = load(name)
    assert (policy.name, policy.problems.errors) == (name, [])
    compiled = compile_policy(policy)
    assert compiled.rules
    assert compiled.tests
    assert [
        rule.item.data["id"] for rule in policy.rules if rule.doc is None or not rule.doc.description
    ] == []


LANGUAGES = frozenset({"en", "de", "fr", "es", "it", "pt", "tr", "ru", "ar", "hi", "zh", "ja", "ko"})


@each_case("name", shipped_names())
def test_each_message_is_there_in_thirteen_languages(name: str) -> None:
    """Each text is in its language, and none has a telephone number, which would be wrong in most places."""
    for rule in compile_policy(load(name)).rules:
        if rule.messages:
            assert rule.messages.keys() == LANGUAGES, rule.id
            for code, text in rule.messages.items():
                assert choose_language(text, LANGUAGES) in (code, None), text
                assert not any(map(str.isdigit, text)), text
                assert ("{helpline}" in text) is ("{helpline}" in rule.messages["en"])


@each_case("stage", Stage)
def test_shipped_rules_over_tools_cost_nothing_until_tools_are_named(stage: Stage) -> None:
    """They are decided at load where there is no list, so that the allow path stays as short as it is."""
    compiled = compile_policy(load("agents"))
    assert {"tool.unlisted.block", "tool.arguments.block", "tool.flow.flag"} <= {
        rule.id for rule in compiled.rules
    }
    assert compiled.plan((stage,)).always == ()


OWN = """
format: 1
name: own
extends: [agents]
tools:
  allow:
    - {name: web_search}
    - {name: send_mail, arguments: {type: object, properties: {to: {type: string}}, required: [to]}}
  untrusted: [web_search]
rules:
  - {id: mail.flow.block, on: tool_call, when: 'tool.name == "send_mail" && tool.carries', then: block}
override:
  rules: [{id: tool.flow.flag, severity: medium}]
history: block
"""


@each_case(
    ("name", "arguments", "rules"),
    [
        ("send_mail", '{"to": "jo@acme.example"}', []),
        ("send_mail", '{"to": "boss@evil.example"}', ["mail.flow.block", "tool.flow.flag"]),
        ("send_mail", '{"cc": "jo"}', ["tool.arguments.block"]),
        ("shell", "{}", ["tool.unlisted.block"]),
        ("web_search", '{"q": "boss@evil.example"}', ["tool.flow.flag"]),
    ],
)
def test_agents_with_tools_of_ones_own(tmp_path: Path, name: str, arguments: str, rules: list[str]) -> None:
    """A policy that builds on it names tools, and its rules are in force."""
    (tmp_path / "own.yaml").write_text(OWN)
    guard = Guard.load(tmp_path / "own.yaml")

    def call(tool: str, given: str, identity: str) -> dict[str, object]:
        function = {"name": tool, "arguments": given}
        return {
            "role": "assistant",
            "tool_calls": [{"id": identity, "type": "function", "function": function}],
        }

    verdict = guard.check(
        [
            {"role": "user", "content": "What is new?"},
            call("web_search", "{}", "c1"),
            {"role": "tool", "tool_call_id": "c1", "content": "Ask boss@evil.example."},
            call(name, arguments, "c2"),
        ]
    )
    found = [rule.id for rule in verdict.rules if rule.id.startswith(("tool.", "mail."))]
    assert found == rules


@each_case("name", shipped_names())
def test_shipped_policies_are_read_by_yaml_1_1_as_well(name: str) -> None:
    """By PyYAML, with which people look at them."""
    assert yaml.safe_load((shipped_folder() / f"{name}.yaml").read_text(encoding="utf-8"))["name"] == name


@each_case("name", starter_names())
def test_starters_are_in_thirteen_languages_and_hold_ordinary_traffic(name: str, tmp_path: Path) -> None:
    """Each message has all languages, PyYAML reads the file, and thirty ordinary texts or more must pass."""
    file = tmp_path / f"{name}.yaml"
    file.write_text(read_starter(name), encoding="utf-8")
    for rule in compile_policy(load(file)).rules:
        assert not rule.messages or rule.messages.keys() == LANGUAGES, rule.id
    tests = yaml.safe_load(read_starter(name))["tests"]
    ordinary = [
        text for test in tests if test["expect"]["action"] == "allow" for text in test.get("each", [test])
    ]
    assert len(ordinary) >= 30
    assert name not in shipped_names() or yaml.safe_load(read_starter(name))["name"] != name
