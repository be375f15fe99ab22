"""What LangChain's models and runnables are asked and what they answer, as flows of one guarded call
(`wrapping/guarded_call.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Restorer, Stage, Verdict
from guardrails.wrapping.guarded_call import Call, Check, Flow, message_of
from guardrails.wrapping.langchain.values import SPELLED, read
from guardrails.wrapping.sdk.exchange import Terms

TOOLS = ("tools", "functions")
"""Options that define tools."""


def options_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call that hold JSON; a schema that is a class is what it says. Others are the caller's code."""
    shown: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, type) and hasattr(value, "model_json_schema"):
            value = value.model_json_schema()
        if value is None or isinstance(value, str | int | float | list | tuple | Mapping):
            shown[name] = value
    return shown


def sent(options: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call as the policy leaves them."""
    changed = {
        name: value
        for name, value in content["value"]["options"].items()
        if not isinstance(options[name], type)
    }
    return {**options, **changed, **content["tools"], "stop": content["value"]["stop"]}


def asking(prompt: Any, stop: Any, options: Mapping[str, Any]) -> Check:
    """Return the check of what a model is asked."""
    tools = {name: options[name] for name in TOOLS if options.get(name)}
    shown = options_of({name: value for name, value in options.items() if name not in TOOLS})
    given = {"prompt": prompt, "stop": stop, "options": shown}
    return Check(read(given, Stage.INPUT, tools=tools), Stage.INPUT)


def shown_of(verdict: Verdict) -> Any:
    """Return what a verdict leaves of an answer, with the user's own values in it again."""
    value = content_of(verdict)
    return (
        restored(value, verdict.restorer)
        if verdict.restorer is not None and verdict.restorer.values
        else value
    )


def content_of(verdict: Verdict) -> Any:
    """Return what a verdict leaves of a value."""
    assert isinstance(verdict.content, Mapping)
    return verdict.content["value"]


def restored(value: Any, restorer: Restorer) -> Any:
    """Return texts, contents of messages, and lists of these with values put back; itself where nothing changes."""
    if isinstance(value, str):
        return restorer.restore(value)
    if isinstance(value, list):
        changed = [restored(entry, restorer) for entry in value]
        return value if all(a is b or a == b for a, b in zip(changed, value, strict=True)) else changed
    content = getattr(value, "content", None)
    if isinstance(content, str | list) and hasattr(value, "model_copy"):
        told = restore_reply({"role": "assistant", "content": content}, restorer)["content"]
        return value if told == content else value.model_copy(update={"content": told})
    return value


def chat(terms: Terms, messages: Any, stop: Any, options: Mapping[str, Any]) -> Flow:
    """Ask a chat model; the answer is a `ChatResult`."""
    asked: Verdict = yield asking(messages, stop, options)
    if asked.blocked:
        return refusal(message_of(terms, asked))
    content: Any = asked.content
    answer = yield Call((content["value"]["prompt"],), sent(options, content))
    given = [each.message for each in answer.generations]
    verdict: Verdict = yield Check(read(given, Stage.OUTPUT), Stage.OUTPUT, asked)
    if verdict.blocked:
        return refusal(message_of(terms, verdict))
    told = shown_of(verdict)
    pairs = [*zip(answer.generations, told, strict=True)]
    if all(message is each.message for each, message in pairs):
        return answer
    return answer.model_copy(update={"generations": [generation(each, message) for each, message in pairs]})


def generation(old: Any, message: Any) -> Any:
    """Return a generation with another message, without what spells the old one."""
    if message is old.message:
        return old
    info = {name: value for name, value in (old.generation_info or {}).items() if name != SPELLED}
    return type(old)(message=message, generation_info=info or None)


REFUSED = {"finish_reason": "content_filter"}
"""What a refusal says of why it ended."""


def refusal(text: str) -> Any:
    """Return what answers a block, as a chat model says it."""
    outputs, messages = import_module("langchain_core.outputs"), import_module("langchain_core.messages")
    message = messages.AIMessage(content=text, response_metadata={**REFUSED})
    return outputs.ChatResult(generations=[outputs.ChatGeneration(message=message)])


def texts(terms: Terms, prompts: Any, stop: Any, options: Mapping[str, Any]) -> Flow:
    """Ask a model that completes texts; the answer is an `LLMResult`. What passes is asked in one call."""
    outputs = import_module("langchain_core.outputs")
    answers: list[Any] = [None] * len(prompts)
    passed: dict[int, Any] = {}
    sent_on: list[str] = []
    for index, prompt in enumerate(prompts):
        verdict: Verdict = yield asking(prompt, stop, options)
        if verdict.blocked:
            answers[index] = [outputs.Generation(text=message_of(terms, verdict))]
        else:
            content: Any = verdict.content
            passed[index] = verdict
            sent_on.append(content["value"]["prompt"])
            options = sent(options, content)
            stop = options.pop("stop")
    result = yield Call((sent_on,), {**options, "stop": stop})
    for (index, asked), generations in zip(passed.items(), result.generations, strict=True):
        answers[index] = yield from _completed(terms, asked, generations)
    return result.model_copy(update={"generations": answers})


def _completed(terms: Terms, asked: Verdict, generations: Any) -> Flow:
    given = [each.text for each in generations]
    verdict: Verdict = yield Check(read(given, Stage.OUTPUT), Stage.OUTPUT, asked)
    if verdict.blocked:
        return [type(generations[0])(text=message_of(terms, verdict))]
    told = shown_of(verdict)
    pairs = zip(generations, told, strict=True)
    return [each if text == each.text else type(each)(text=text) for each, text in pairs]


def anything(terms: Terms, value: Any, refuse: Callable[[str], Any] = str) -> Flow:
    """Ask a runnable; the answer is what it returns, or what `refuse` makes of the policy's message."""
    asked: Verdict = yield Check(read(value, Stage.INPUT), Stage.INPUT)
    if asked.blocked:
        return refuse(message_of(terms, asked))
    content: Any = asked.content
    answer = yield Call((content["value"],))
    verdict: Verdict = yield Check(read(answer, terms.output), terms.output, asked)
    if verdict.blocked:
        return refuse(message_of(terms, verdict))
    return shown_of(verdict) if terms.output is Stage.OUTPUT else content_of(verdict)
