"""How a block is answered."""

from __future__ import annotations

import json
from typing import Any

from guardrails.mcp.protocol.verdicts import VERDICT, render_block, render_refusal, summarize_verdict
from tests.cases import each_case


@each_case("modern", [False, True])
@each_case("tool", [False, True])
def test_a_block_is_answered_in_kind(bomb_guard: Any, tool: bool, modern: bool) -> None:
    """A call is answered as the tool would, so that the model goes on; anything else by an error. Neither quotes what was judged."""
    verdict = bomb_guard.check("zqxbomb", stage="tool_call")
    answer = render_block(1, verdict, tool=tool, modern=modern)

    where = answer["result"]["_meta"] if tool else answer["error"]["data"]
    assert where == summarize_verdict(verdict)
    assert where[VERDICT] == {
        "id": verdict.id, "action": "block", "stage": "tool_call", "policy": verdict.policy.to_dict(), "rules": ["bomb"],
    }  # fmt: skip
    if tool:
        assert answer["result"]["isError"]
        assert answer["result"]["content"] == [{"type": "text", "text": "This call was stopped by policy."}]
        assert answer["result"].get("resultType") == ("complete" if modern else None)
    else:
        assert (answer["error"]["code"], answer["error"]["message"]) == (
            403,
            "This call was stopped by policy.",
        )
    assert "zqxbomb" not in json.dumps(answer)


def test_a_result_and_a_refusal_say_which(bomb_guard: Any) -> None:
    """What came back is another matter than what was asked; a tool that must not be used says why."""
    verdict = bomb_guard.check("zqxbomb", stage="tool_result")

    assert render_block(1, verdict, tool=False, modern=False, result=True)["error"]["message"].startswith(
        "What came back"
    )
    answer = render_refusal(2, "it waits", modern=False)["result"]
    assert answer["content"][0]["text"] == "This call was stopped by policy. Reason: it waits."
    assert answer["_meta"][VERDICT] == {"action": "block", "reason": "it waits"}
