"""What the operator says of a policy beside the one that is served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import load_settings
from guardrails.proxy.shadow.shadow_settings import ShadowDoc, shadow_policies
from tests.cases import each_case

UP = "http://127.0.0.1:9/v1"


@each_case(
    ("given", "expected"),
    [
        ({}, {}),
        ({"shadow": "strict"}, {"default": "strict"}),
        ({"shadow": {"policy": "strict", "log": "x"}}, {"default": "strict"}),
        (
            {"policies": [{"policy": "agents", "models": ["a"], "shadow": "strict"}, {"policy": "pii-only", "models": ["b"]}]},
            {"agents": "strict"},
        ),
        (
            {"policies": [{"policy": "agents", "models": ["a"], "shadow": "strict"}], "shadow": {"log": "x"}},
            {"agents": "strict"},
        ),
        (
            {"policies": [{"policy": "default", "models": ["a"], "shadow": "strict"}], "shadow": "strict"},
            {"default": "strict"},
        ),
    ],
)  # fmt: skip
def test_each_policy_has_one_at_most(given: dict[str, Any], expected: dict[str, str]) -> None:
    """The setting is for the policy of all others, a row has its own."""
    assert shadow_policies(Settings(UP, **given)) == expected


@each_case(
    ("given", "message"),
    [
        ({"shadow": {}}, "no policy is named that judges beside another"),
        ({"shadow": {"log": "x"}}, "no policy is named"),
        ({"shadow": ""}, "shadow"),
        ({"shadow": {"policy": "strict", "sample": 0}}, "sample"),
        ({"shadow": {"policy": "strict", "sample": 1.5}}, "sample"),
        ({"shadow": {"policy": "strict", "queue": 0}}, "queue"),
        ({"shadow": {"policy": "strict", "path": "x"}}, "path"),
        ({"shadow": ["strict"]}, "shadow"),
        (
            {"policies": [{"policy": "default", "models": ["a"], "shadow": "agents"}], "shadow": "strict"},
            "this policy has another shadow elsewhere",
        ),
        (
            {"policies": [{"policy": "agents", "models": [each], "shadow": shadow} for each, shadow in (("a", "strict"), ("b", "default"))]},
            "this policy has another shadow elsewhere",
        ),
    ],
)  # fmt: skip
def test_all_else_is_an_error(given: dict[str, Any], message: str) -> None:
    """Two shadows of one policy would be one by chance; a log of nothing is a mistake."""
    with pytest.raises(SettingsError, match=message):
        Settings(UP, **given)


def test_files_are_relative_to_that_of_the_settings(tmp_path: Path) -> None:
    """Policy and log, in the setting and in rows; shipped policies have no path."""
    path = tmp_path / "settings.yaml"
    path.write_text(
        f"upstream: {UP}\nshadow: {{policy: next.yaml, log: log.jsonl}}\n"
        "policies: [{policy: agents, models: [a], shadow: other.yaml}, {policy: pii-only, models: [b], shadow: strict}]\n"
    )
    settings = load_settings(path, {}, {}).settings
    assert settings.shadow == ShadowDoc(policy=str(tmp_path / "next.yaml"), log=str(tmp_path / "log.jsonl"))
    assert [row.shadow for row in settings.policies] == [str(tmp_path / "other.yaml"), "strict"]
    path.write_text(f"upstream: {UP}\nshadow: next.yaml\n")
    assert shadow_policies(load_settings(path, {}, {}).settings) == {"default": str(tmp_path / "next.yaml")}


@each_case(
    ("file", "environment", "flag", "expected"),
    [
        ("shadow: {policy: agents, log: /l}", {}, "strict", ("strict", "/l")),
        ("shadow: agents", {}, {"log": "/m"}, ("agents", "/m")),
        ("", {"GUARDRAILS_SHADOW": "agents"}, {"log": "/m"}, ("agents", "/m")),
        ("", {"GUARDRAILS_SHADOW": "{policy: agents, log: /l}"}, "strict", ("strict", "/l")),
        ("shadow: agents", {"GUARDRAILS_SHADOW": "strict"}, None, ("strict", None)),
        ("", {}, {"policy": "strict", "log": "/m"}, ("strict", "/m")),
    ],
)
def test_a_flag_changes_what_it_names(
    file: str, environment: dict[str, str], flag: object, expected: tuple[str, str | None], tmp_path: Path
) -> None:
    """`--shadow` on the command line keeps the log that the file names."""
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: {UP}\n{file}\n")
    found = load_settings(path, {"shadow": flag}, environment).settings.shadow
    assert found is not None
    assert (found.policy, found.log) == expected


def test_what_is_wrong_has_its_place(tmp_path: Path) -> None:
    """As all settings have."""
    path = tmp_path / "settings.yaml"
    path.write_text(
        f"upstream: {UP}\npolicies:\n  - {{policy: default, models: [a], shadow: agents}}\nshadow: strict\n"
    )
    with pytest.raises(PolicyErrors, match=r"settings\.yaml:3:44: two_shadows"):
        load_settings(path, {}, {})
