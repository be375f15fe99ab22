"""One guarded call of a tool, as a flow (`guarded_call.py`): its name and arguments are judged at `tool_call`, its result at
`tool_result`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from guardrails.engine.content.value_reader import is_readable, read_unread
from guardrails.engine.values.plain import to_plain
from guardrails.types import Stage, ToolCall, Verdict
from guardrails.wrapping.guarded_call import Call, Check, Flow, message_of
from guardrails.wrapping.sdk.exchange import Terms

Reader = Callable[[Any, Stage], Any]
"""Reads what a tool returned; returns what is judged."""


def read_result(value: Any, stage: Stage) -> Any:
    """Return what is judged of a result of any type: what nobody can read is unchecked."""
    return value if is_readable(value) else read_unread(value, stage, "part")


def keep_content(verdict: Verdict[Any]) -> Any:
    """Return what a verdict leaves of a result that was judged as it is."""
    return verdict.content


def write_arguments(arguments: object) -> str:
    """Return the arguments of a call as JSON text; raises `TypeError` for what is none."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(to_plain(arguments), ensure_ascii=False, allow_nan=False, default=_write_value)


def _write_value(value: object) -> str:
    """Return what JSON has no type for as a text."""
    if isinstance(value, date | time | Decimal | UUID | PurePath):
        return str(value)
    raise TypeError(f"cannot check an argument of type {type(value).__name__!r} of a tool: give JSON values")


def call_tool(
    terms: Terms,
    name: str,
    arguments: Any,
    refuse: Callable[[str], Any] = str,
    read: Reader = read_result,
    left: Callable[[Verdict[Any]], Any] = keep_content,
) -> Flow:
    """Describe the call of a tool, which is given its arguments as the policy leaves them.

    Args:
        terms: by which guard, and whether blocks are answered.
        name: of the tool.
        arguments: a mapping, or a text of JSON.
        refuse: makes the answer to a block of the policy's message.
        read: reads the result.
        left: returns what a verdict leaves of what was read.
    """
    text = write_arguments(arguments)
    asked: Verdict[Any] = yield Check(ToolCall(name, text), Stage.TOOL_CALL)
    if asked.blocked:
        return refuse(message_of(terms, asked))
    sent = asked.content.arguments if isinstance(asked.content, ToolCall) else text
    result = yield Call((arguments if sent == text else read_arguments(arguments, sent),))
    if result is None:
        return result
    verdict: Verdict[Any] = yield Check(read(result, Stage.TOOL_RESULT), Stage.TOOL_RESULT, asked)
    if verdict.blocked:
        return refuse(message_of(terms, verdict))
    kept = left(verdict)
    return result if kept == result else kept


def read_arguments(before: Any, text: str) -> Any:
    """Return arguments that were given as a mapping, or as a text, as another text has them."""
    return text if isinstance(before, str) else restore_types(before, json.loads(text))


def restore_types(before: Any, after: Any) -> Any:
    """Return arguments as the policy leaves them, where nothing changed those that there were."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return {name: restore_types(before.get(name, inner), inner) for name, inner in after.items()}
    return before if json.loads(json.dumps(to_plain(before), default=str)) == after else after
