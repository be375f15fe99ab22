"""Which policies settings name, and which settings count from the moment at which their file changes."""

from __future__ import annotations

import pytest

from guardrails import Budget, Guard, PolicyErrors
from guardrails.proxy.configuration.settings import Settings, SettingsDoc
from guardrails.proxy.server.reloading.loaded_policies import HOT_SETTINGS, apply_hot_settings, load_policies
from tests.cases import each_case


def write(path, name: str, use: str = "own") -> str:
    """Write a policy over one detector, and return where it lies."""
    rule = "{id: r, on: input, when: custom.own > 0, then: block}"
    path.write_text(f"format: 1\nname: {name}\ndetectors: {{d: {{use: {use}}}}}\nrules: [{rule}]\n")
    return str(path)


def test_each_policy_is_loaded_once_with_the_kinds_of_the_guard_that_was_given(tmp_path, kind_of) -> None:
    """A policy of a row may use the caller's own detectors, as the one for all does; before and after a reload."""
    kinds = {"own": kind_of(lambda content: None)}
    main, other = write(tmp_path / "a.yaml", "a"), write(tmp_path / "b.yaml", "b")
    rows = [{"policy": other, "keys": []} | {"paths": ["/x"]}, {"policy": other, "paths": ["/y"]}]
    settings = Settings("http://h", policy=main, policies=rows)

    first = load_policies(settings, given=Guard.load(main, detectors=kinds))
    again = load_policies(settings, before=first)

    for served in (first, again):
        assert [guard.policy.ref.name for guard in served.guards.values()] == ["a", "b"]
        assert served.guard is served.guards[main]
    assert [part for part, _ in first.refs] == ["policy", "policy"]


def test_a_guard_that_settings_do_not_name_stays(guard_of, tmp_path, kind_of) -> None:
    """It was given by the caller: what settings call their policy is not loaded in its place."""
    given = guard_of("rules: []")
    settings = Settings("http://h", policy="strict")

    again = load_policies(settings, before=load_policies(settings, given=given))

    assert again.guard.policy.ref == given.policy.ref


@each_case("more", [{}, {"open": True}])
def test_keys_do_not_go_while_others_reach_the_server(more) -> None:
    """The file says to listen on the loopback, or to be open, from the next start on: until then it has the keys."""
    keys = [{"id": "a", "sha256": "0" * 64}]
    served = Settings("http://h", host="0.0.0.0", keys=keys)

    with pytest.raises(PolicyErrors, match="could ask: there are no keys"):
        apply_hot_settings(served, Settings("http://h", **more))
    assert apply_hot_settings(served.model_copy(update={"open": True}), Settings("http://h")).keys == []


def test_the_budget_counts_from_the_moment_at_which_its_file_changes(tmp_path, kind_of) -> None:
    """For each policy that settings name, and what judges beside it; a guard that was given brings its own."""
    main, other = write(tmp_path / "a.yaml", "a"), write(tmp_path / "b.yaml", "b")
    kinds = {"own": kind_of(lambda content: None)}
    settings = Settings("http://h", policy=main, policies=[{"policy": other, "paths": ["/x"]}], shadow=other)
    given = Guard.load(main, detectors=kinds, budget=Budget(contents=9))

    first = load_policies(settings, given=given)
    now = apply_hot_settings(settings, settings.model_copy(update={"max_contents": 5, "max_pixels": 6}))
    again = load_policies(now, before=first)

    assert [each.budget for each in first.guards.values()] == [given.budget, Budget()]
    everywhere = [*again.guards.values(), *again.shadows.values()]
    assert {each.budget for each in everywhere} == {Budget(contents=5, pixels=6)}
    assert len(everywhere) >= 3


def test_a_policy_of_a_row_that_is_wrong_is_an_error(tmp_path, guard_of) -> None:
    """Nothing is served then."""
    wrong = write(tmp_path / "w.yaml", "w", use="nothing_like_it")
    settings = Settings("http://h", policies=[{"policy": wrong, "paths": ["/x"]}])
    with pytest.raises(PolicyErrors, match="nothing_like_it"):
        load_policies(settings, given=guard_of("rules: []"))


def test_settings_that_need_a_new_start_are_told_and_left(caplog) -> None:
    """By name; the others count."""
    served = Settings("http://h", port=1, head_s=3.0, max_concurrent=5)
    read = Settings("http://other", port=2, head_s=4.0, max_concurrent=7, unknown_fields="refuse")

    now = apply_hot_settings(served, read)

    assert (now.upstream, now.port, now.max_concurrent, now.unknown_fields) == (
        "http://other",
        1,
        7,
        "refuse",
    )
    assert "next start" in caplog.text
    assert "port, head_s" in caplog.text
    assert {*HOT_SETTINGS} < {*SettingsDoc.model_fields}


def test_a_policy_beside_another_shares_what_that_found_and_the_floor(tmp_path, kind_of) -> None:
    """It may use the caller's own detectors, too; it serves nobody, and is named."""
    kinds = {"own": kind_of(lambda content: None)}
    main, beside = write(tmp_path / "a.yaml", "a"), write(tmp_path / "b.yaml", "b")
    settings = Settings("http://h", policy=main, floor="pii-only", shadow=beside)

    first = load_policies(settings, given=Guard.load(main, floor="pii-only", detectors=kinds))
    again = load_policies(settings, before=first)

    for served in (first, again):
        shadow = served.shadows[main]
        assert [policy.ref.name for policy in shadow.pipeline.policies] == ["b", "pii-only"]
        assert shadow.pipeline.cache is served.guard.pipeline.cache
        assert [*served.guards.values()] == [served.guard]
    assert [part for part, _ in first.refs] == ["policy", "floor", "shadow"]
