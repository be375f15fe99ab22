"""What a policy says of all contents beside the floor: told where it is written, and only where the floor's holds instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails.policy.compile import compile_policy
from guardrails.policy.lints.floors.floor_pairs import FloorPair
from guardrails.policy.lints.floors.floor_settings import find_undone_settings, tools, unkept_by_floor
from guardrails.policy.lints.scene.scene import LintContext
from guardrails.policy.loading.load import load

RULES = "rules: [{id: a, on: input, when: custom.w > 0, then: block}]\n"


@pytest.mark.parametrize(
    ("own", "floor", "told"),
    [
        ("unchecked: {language: allow}", "", ["unchecked.language: allow has no effect: under the floor it is flag"]),
        ("unchecked: {language: block}", "", []),
        ("", "unchecked: {language: block}", []),
        ("unchecked: {part: allow, audio: allow}", "unchecked: {audio: allow}", ["unchecked.part: allow"]),
        ("history: remove", "history: block", ["history: remove has no effect: under the floor it is block"]),
        ("history: block", "history: remove", []),
        ("history: remove", "", []),
        ("", "history: block", []),
        ("limits: {characters: 1000}", "", ["limits.characters: 1000 has no effect: under the floor it is 200000"]),
        ("limits: {characters: 300000}", "", []),
        ("limits: {encoding_depth: 0, max_hold: 9000}", "", ["limits.encoding_depth: 0", "limits.max_hold: 9000"]),
        ("limits: {max_hold: 1000, windows: 5}", "", []),
        ("limits: {on_limit: hold}", "", ["limits.on_limit: hold"]),
        ("limits: {on_limit: hold}", "limits: {on_limit: hold}", []),
        ("limits: {on_limit: block}", "limits: {on_limit: hold}", []),
        ("films: {fps: 0.5, hard: 0.99, leave: 0.6}", "", ["films.fps: 0.5", "films.hard: 0.99", "films.leave: 0.6"]),
        ("films: {fps: 2, hard: 0.9, of: 5}", "", []),
        ("media: {metadata: keep}", "media: {metadata: strip}", ["media.metadata: keep has no effect"]),
        ("media: {mistyped: read}", "", ["media.mistyped: read has no effect: under the floor it is block"]),
        ("films: {max_gap_ms: 500}", "", ["films.max_gap_ms: 500 has no effect: under the floor it is None"]),
        ("films: {max_gap_ms: 500}", "films: {max_gap_ms: 900}", []),
        ("films: {max_gap_ms: 900}", "films: {max_gap_ms: 500}", ["films.max_gap_ms: 900"]),
        ("parallel: true\nhistory: block", "history: block", ["parallel: true has no effect: under the floor it is false"]),
        ("parallel: true\nhistory: block", "parallel: true\nhistory: block", []),
    ],
)  # fmt: skip
def test_what_is_written_and_does_not_hold_is_told(
    own: str, floor: str, told: list[str], scene_of: Callable[..., LintContext]
) -> None:
    """Defaults that nobody wrote are nobody's attempt."""
    below = scene_of(f"{RULES}{floor}\n")
    found = [*find_undone_settings(FloorPair(scene_of(f"{RULES}{own}\n"), below))]

    assert [each.message.startswith(start) for each, start in zip(found, told, strict=True)] == [True] * len(
        told
    )
    assert {each.mark.line for each in found} <= {9}
    assert all(each.cure for each in found)


@pytest.mark.parametrize(
    ("own", "floor", "kept"),
    [
        ("", "true", "nothing is kept"),
        ("", "flagged", "nothing is kept"),
        ("false", "true", "nothing is kept"),
        ("flagged", "true", "what is flagged alone is kept"),
        ("flagged", "flagged", None),
        ("true", "true", None),
        ("true", "flagged", None),
        ("true", "false", None),
        ("true", "", None),
        ("", "", None),
    ],
)
def test_a_floor_has_no_contents_kept(
    own: str, floor: str, kept: str | None, scene_of: Callable[..., LintContext]
) -> None:
    """Which is told where the policy says otherwise, or at its name where it says nothing."""
    scene, below = (
        scene_of(f"{RULES}{'records: {content: ' + word + '}' if word else ''}\n") for word in (own, floor)
    )
    found = [*unkept_by_floor(LintContext(scene.policy, scene.compiled, scene.today, floor=below))]

    message = (
        f"the floor's records: {{content: {floor}}} has no effect: of what is judged under this policy {kept}"
    )
    assert [each.message for each in found] == ([] if kept is None else [message])
    assert all(each.cure and each.subject == "records.content" for each in found)
    assert [*unkept_by_floor(scene)] == []


def test_the_nearest_file_counts(scene_of: Callable[..., LintContext], tmp_path: Path) -> None:
    """What a parent says is told there, unless the policy says otherwise."""
    below = scene_of(f"{RULES}history: block\n")
    (tmp_path / "team.yaml").write_text("format: 1\nname: team\nhistory: remove\nunchecked: {part: flag}\n")
    path = tmp_path / "site.yaml"
    path.write_text("format: 1\nname: site\nextends: [team.yaml]\nunchecked: {part: block}\n")
    policy = load(path)

    (found,) = find_undone_settings(
        FloorPair(LintContext(policy, compile_policy(policy), below.today), below)
    )

    assert (Path(found.mark.file).name, found.mark.line, found.subject) == ("team.yaml", 3, "history")


TOOLS = """\
rules:
  - {id: listed, on: tool_call, when: '!tool.listed', then: block}
  - {id: tainted, on: tool_call, when: tool.tainted, then: flag}
"""


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ("allow: [{name: search}]", []),
        ("allow: [{name: search, server: web}, {name: shell}]", ["shell"]),
        ("allow: [{name: search_a, server: web}, {name: 'search_*'}, {name: read, server: 'd*'}]", []),
        ("allow: [{name: read}, {name: 's*'}]", ["read", "s*"]),
        ("untrusted: [web_search, mail/*]", []),
        ("untrusted: [mail/*]", ["untrusted"]),
        ("untrusted: [mail/*, web_search, other]", []),
        ("untrusted: ['*']", []),
        ("untrusted: [mail/inbox, 'web_*']", ["untrusted"]),
    ],
)
def test_lists_of_tools_are_compared(own: str, told: list[str], scene_of: Callable[..., LintContext]) -> None:
    """A tool that is listed, or is not distrusted, in the policy alone: the floor asks its own lists."""
    floor = scene_of(
        f"{TOOLS}tools: {{allow: [{{name: 'search*'}}, {{name: read, server: 'd*'}}], untrusted: [web_search, mail/*]}}\n"
    )
    mine = scene_of(f"{TOOLS}tools: {{{own}}}\n")

    found = [*tools(FloorPair(mine, floor))]

    assert [each.subject for each in found] == told
    assert all(
        "still blocks at !tool.listed" in each.message for each in found if each.subject != "untrusted"
    )
    assert {each.mark.line for each in found} <= {11}


def test_lists_that_no_rule_of_the_floor_asks_for_are_not_told(scene_of: Callable[..., LintContext]) -> None:
    """They have no effect in the floor either."""
    floor = scene_of(f"{RULES}tools: {{allow: [{{name: search}}]}}\n")
    assert [*tools(FloorPair(scene_of(f"{TOOLS}tools: {{allow: [{{name: shell}}]}}\n"), floor))] == []
