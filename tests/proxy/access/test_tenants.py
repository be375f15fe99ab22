"""Keys and policies of clients in a settings file: what is wrong is told at its place."""

from __future__ import annotations

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.access.keys import hash_key
from guardrails.proxy.access.tenants import KeyDoc
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import load_settings
from tests.cases import each_case

A, B = hash_key("a"), hash_key("b")
KEY = f"{{id: shop, sha256: {A}, team: retail}}"


@each_case(
    ("text", "place", "code", "hint"),
    [
        (f"keys: [{KEY}, {{id: shop, sha256: {B}}}]", (2, 113), "duplicate_key", "of its own"),
        (f"keys:\n- {KEY}\n- {{id: other, sha256: {A}}}", (4, 23), "duplicate_key", "of its own"),
        (f"keys: [{KEY}]\npolicies: [{{policy: strict}}]", (3, 12), "selects_nothing", "setting 'policy'"),
        (f"keys: [{KEY}]\npolicies: [{{policy: strict, keys: [shp]}}]", (3, 36), "unknown_name", "'shop'"),
        (f"keys: [{KEY}]\npolicies: [{{policy: strict, teams: [retial]}}]", (3, 37), "unknown_name", "'retail'"),
        (f"workers: 2\nkeys: [{{id: a, sha256: {A}, requests_per_minute: 5}}]", (3, 8), "counts_in_memory", "set workers to 1"),
        (f"workers: 2\nkeys: [{{id: a, sha256: {A}, max_concurrent: 5}}]", (3, 8), "counts_in_memory", "set workers to 1"),
        ("keys: [{id: a}]", (2, 8), "missing_field", ""),
        ("keys: [{id: a, sha256: 12ab}]", (2, 24), "invalid_value", ""),
        (f"keys: [{{id: A b, sha256: {A}}}]", (2, 13), "invalid_value", ""),
        (f"keys: [{{id: a, sha256: {A}, key: gk_x}}]", (2, 90), "unknown_field", ""),
        (f"keys: [{{id: a, sha256: {A}, not_after: 2026-02-30}}]", (2, 101), "invalid_value", ""),
        (f"keys: [{{id: a, sha256: {A}, requests_per_minute: 0}}]", (2, 111), "invalid_value", ""),
        (f"keys: [{{id: a, sha256: {A}, requests_per_minute: '5'}}]", (2, 111), "wrong_type", "quotes"),
        ("policies: [{keys: [a]}]", (2, 12), "missing_field", "policies/retail.yaml"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path, text, place, code, hint) -> None:
    """With a cure where there is one; never with a value, which may be a key in the wrong place."""
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: http://h:1/v1\n{text}\n")

    with pytest.raises(PolicyErrors) as raised:
        load_settings(str(path), {}, {})

    [error] = raised.value.errors
    assert ((error.line, error.col), error.code) == (place, code)
    assert hint in error.hint
    assert "gk_x" not in str(error)


def test_settings_made_in_python_are_checked_too() -> None:
    """By the same words."""
    with pytest.raises(SettingsError, match="another key has the same id"):
        Settings("http://h", keys=[{"id": "a", "sha256": A}, {"id": "a", "sha256": B}])


def test_a_policy_of_a_row_lies_beside_the_file(tmp_path) -> None:
    """Like that for all."""
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: http://h\nkeys: [{KEY}]\npolicies: [{{policy: shop.yaml, keys: [shop]}}]\n")

    rows = load_settings(str(path), {}, {}).settings.policies

    assert [row.policy for row in rows] == [str(tmp_path / "shop.yaml")]


def test_teams_are_open_where_a_trusted_key_names_them() -> None:
    """A gateway's tenants are known to the gateway alone."""
    row = {"policy": "strict", "teams": ["whoever"]}
    assert (
        Settings("http://h", keys=[{"id": "a", "sha256": A, "trusted": True}], policies=[row])
        .policies[0]
        .selects
    )
    with pytest.raises(SettingsError, match="no key has this team"):
        Settings("http://h", keys=[{"id": "a", "sha256": A}], policies=[row])


def test_a_keys_tenant_is_its_team_or_itself() -> None:
    """What rules read as `request.tenant`."""
    assert (KeyDoc(id="a", sha256=A).tenant, KeyDoc(id="a", sha256=A, team="t").tenant) == ("a", "t")
