"""Which settings make a server judge less than it did, by the policies that its requests meet."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guardrails import Guard
from guardrails.proxy.access.admission import Client, select_policy
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.reloading.loaded_policies import LoadedPolicies
from guardrails.proxy.server.reloading.weakening import WeakerPolicy, possible_choices, served_weakenings
from tests.cases import each_case

SHOP, BANK = (
    {"id": name, "sha256": letter * 64, "team": name} for name, letter in (("shop", "a"), ("bank", "b"))
)
TRUSTED = {**SHOP, "trusted": True}


def settings(*rows: Mapping[str, Any], policy: str = "main", **more: Any) -> Settings:
    """Return settings with rows of policies."""
    return Settings("http://h", policy=policy, policies=[*rows], **more)


CASES: Mapping[str, tuple[Settings, Settings, set[tuple[str, str]]]] = {
    "nothing": (settings(), settings(), {("main", "main")}),
    "another policy": (settings(), settings(policy="new"), {("main", "new")}),
    "another policy in a row": (
        settings({"policy": "a", "paths": ["/x"]}, {"policy": "b", "models": ["m"]}),
        settings({"policy": "c", "paths": ["/x"]}, {"policy": "b", "models": ["m"]}),
        {("main", "main"), ("a", "c"), ("b", "b")},
    ),
    "a row removed": (
        settings({"policy": "a", "paths": ["/x"]}),
        settings(),
        {("main", "main"), ("a", "main")},
    ),
    "a row added": (
        settings(),
        settings({"policy": "a", "paths": ["/x"]}),
        {("main", "main"), ("main", "a")},
    ),
    "a row for other models added": (
        settings({"policy": "a", "models": ["gpt-*"]}),
        settings({"policy": "a", "models": ["gpt-*"]}, {"policy": "b", "models": ["claude-*"]}),
        {("main", "main"), ("a", "a"), ("main", "b")},
    ),
    "a row for more models": (
        settings({"policy": "a", "models": ["gpt-4"]}),
        settings({"policy": "a", "models": ["gpt-4", "gpt-5"]}),
        {("main", "main"), ("a", "a"), ("main", "a")},
    ),
    "rows in another order": (
        settings({"policy": "a", "models": ["gpt-*"]}, {"policy": "b", "paths": ["/x"]}),
        settings({"policy": "b", "paths": ["/x"]}, {"policy": "a", "models": ["gpt-*"]}),
        {("main", "main"), ("a", "a"), ("a", "b"), ("b", "b")},
    ),
    "a new client with a policy of its own": (
        settings(keys=[SHOP]),
        settings({"policy": "a", "keys": ["bank"]}, keys=[SHOP, BANK]),
        {("main", "main")},
    ),
    "a client that is gone": (
        settings({"policy": "a", "keys": ["bank"]}, keys=[SHOP, BANK]),
        settings(keys=[SHOP]),
        {("main", "main")},
    ),
    "a client that changes its team": (
        settings({"policy": "a", "teams": ["shop"]}, keys=[SHOP]),
        settings({"policy": "a", "teams": ["shop"]}, keys=[{**SHOP, "team": "new"}, {**BANK, "team": "shop"}]),
        {("a", "main")},
    ),
    "a row for a team, of a client that is not trusted": (
        settings(keys=[SHOP]),
        settings({"policy": "a", "teams": ["bank"]}, keys=[SHOP, BANK]),
        {("main", "main")},
    ),
    "a row for a team, of a client that may speak for any": (
        settings(keys=[TRUSTED]),
        settings({"policy": "a", "teams": ["bank"]}, keys=[TRUSTED]),
        {("main", "main"), ("main", "a")},
    ),
    "a client that spoke for others than its own team": (
        settings({"policy": "a", "teams": ["shop"]}, keys=[TRUSTED]),
        settings(policy="b", keys=[TRUSTED]),
        {("a", "b"), ("main", "b")},
    ),
}  # fmt: skip


@each_case(("before", "after", "pairs"), CASES.values(), ids=[*CASES])
def test_policies_that_may_judge_the_same_request(
    before: Settings, after: Settings, pairs: set[tuple[str, str]]
) -> None:
    """Before and after, by client, model and route."""
    assert possible_choices(before, after) == pairs


KEYS = st.lists(
    st.sampled_from([SHOP, BANK, TRUSTED, {**SHOP, "team": "new"}]), max_size=2, unique_by=lambda key: key["id"]
)  # fmt: skip
ROW = st.fixed_dictionaries(
    {"policy": st.sampled_from("abc")},
    optional={
        "keys": st.sampled_from([["shop"], ["bank"]]),
        "teams": st.just(["shop"]),
        "models": st.sampled_from([["m*"], ["m-1"], ["*1"], ["M*1", "n"]]),
        "paths": st.sampled_from([["/v1/*"], ["/v1/check"]]),
    },
).filter(lambda row: len(row) > 1)


def declared(rows: list[dict[str, Any]], keys: list[dict[str, Any]], policy: str) -> Settings:
    """Return settings with those rows that name keys and teams which there are."""
    teams = {key["team"] for key in keys}
    open_ = not keys or any("trusted" in key for key in keys)
    kept = [
        row
        for row in rows
        if {*row.get("keys", ())} <= {key["id"] for key in keys}
        and (open_ or {*row.get("teams", ())} <= teams)
    ]
    return settings(*kept, keys=keys, policy=policy)


SETTINGS = st.builds(declared, st.lists(ROW, max_size=3), KEYS, st.sampled_from("ab"))


def policy_of(
    each: Settings, sha256: str | None, tenant: str | None, model: str | None, path: str
) -> str | None:
    """Return the policy that judges a request; None where it is refused."""
    key = next((key for key in each.keys if key.sha256 == sha256), None)
    if each.keys and key is None:
        return None
    client = Client(key)
    return (
        select_policy(
            each.policies, client, client.resolve_identity({"tenant": tenant})["tenant"], model, path
        )
        or each.policy
    )


@given(SETTINGS, SETTINGS)
def test_no_request_meets_policies_that_were_not_compared(before: Settings, after: Settings) -> None:
    """Whatever settings were and are, and whoever asks what: both policies of each request are one of the pairs."""
    pairs = possible_choices(before, after)
    for request in product(
        (None, "a" * 64, "b" * 64), (None, "shop", "x"), (None, "m-1", "M-2", "n"), ("/v1/check", "/x")
    ):
        old, new = policy_of(before, *request), policy_of(after, *request)
        assert old is None or new is None or (old, new) in pairs


POLICY = (
    "detectors: {d: {use: terms, terms: [zqx], category: custom.d}}\n"
    "rules: [{id: r, on: input, when: custom.d > 0, then: THEN}]\n"
)


def test_floors_and_settings_count(guard_of: Any) -> None:
    """A floor that is gone or weaker, keys that are gone, unknown fields that are no longer refused; each is said once."""
    block, flag = (POLICY.replace("THEN", then) for then in ("block", "flag"))
    floor, weak, bare = guard_of(block, floor=block), guard_of(block, floor=flag), guard_of(block)
    rows = [{"policy": "main", "paths": ["/x"]}]
    was = settings(*rows, keys=[SHOP], unknown_fields="refuse")

    def reasons(guard: Guard, now: Settings = was, before: Guard = floor) -> list[str]:
        found = served_weakenings(LoadedPolicies(was, {"main": before}), LoadedPolicies(now, {"main": guard}))
        return [each.label for each in found]

    assert reasons(floor) == []
    assert reasons(bare) == ["tested: floor: floor_removed"]
    assert reasons(weak) == ["tested: r: weaker_then", "tested: r: weaker_on_error"]
    assert reasons(floor, before=bare) == []
    assert reasons(floor, settings()) == [
        "settings: keys: keys_removed",
        "settings: unknown_fields: weaker_unknown_fields",
    ]


def test_the_error_names_the_cure(guard_of: Any) -> None:
    """And all that is weaker."""
    old, new = (guard_of(POLICY.replace("THEN", then)) for then in ("block", "redact"))
    found = served_weakenings(
        LoadedPolicies(settings(), {"main": old}), LoadedPolicies(settings(), {"main": new})
    )

    assert str(WeakerPolicy(found)) == (
        "it is weaker; send SIGHUP to the server to take it (or start it anew), or put back what is missing: "
        "tested: r: weaker_then (block to redact)"
    )
