"""A text-generation pipeline of transformers in, the same guarded out: texts and chats, one or several, are judged before and
after.

Each prompt is judged for itself; those that pass are asked in one call. A generated text is judged with the prompt in front
of it where the pipeline returns both, so that a word that begins in the prompt is a word; of a generated chat the turns are
judged that were not sent.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from guardrails.engine.content import payload
from guardrails.engine.content.content_tree import ContentTree
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Outcome
from guardrails.errors import RequestError
from guardrails.protocols.chat import chat_fields, chat_payload
from guardrails.protocols.reply_values import restore_reply
from guardrails.types import Place, Stage, Verdict
from guardrails.wrapping.guarded_call import Call, Check, Flow, message_of, run
from guardrails.wrapping.registry import Wrapper
from guardrails.wrapping.sdk.exchange import Terms

MARK = "is_guarded_by_guardrails"
TEXT = "generated_text"
REFUSED = {
    "streamer": "it shows tokens before they are judged",
    "return_tensors": "token ids cannot be judged",
    "return_type": "use return_full_text",
    "tokenizer_encode_kwargs": "it changes the prompt after it is judged",
    "chat_template": "it changes the prompt after it is judged",
    "prefix": "put it into the prompt",
}
"""Options that would lead around the guard, and why."""


def entries(inputs: Any) -> tuple[list[Any], bool]:
    """Return the prompts of a call, and whether it gave one alone.

    Raises:
        TypeError: they are neither texts nor chats.
    """
    inputs = getattr(inputs, "messages", inputs)
    if isinstance(inputs, str) or _is_chat(inputs):
        return [inputs], True
    if isinstance(inputs, list | tuple):
        found = [getattr(entry, "messages", entry) for entry in inputs]
        if all(isinstance(entry, str) or _is_chat(entry) for entry in found):
            return found, False
    raise TypeError(f"cannot check a {type(inputs).__name__}: give a text, a chat, or a list of these")


def _is_chat(value: Any) -> bool:
    return (
        isinstance(value, list | tuple) and bool(value) and all(isinstance(entry, Mapping) for entry in value)
    )


def options_of(options: Mapping[str, Any]) -> Payload:
    """Read the options of a call: tools, documents, words to stop at; what holds no text is the caller's own.

    Raises:
        RequestError: one would lead around the guard.
    """
    tree = ContentTree()
    for name, value in options.items():
        if name in REFUSED and value is not None:
            raise RequestError("unsupported_option", f"{name!r} is refused: {REFUSED[name]}")
        if name == "tools":
            for index, tool in enumerate(value or ()):
                chat_fields.definition(tree, _tool(tool), (name, index), Place(Stage.TOOL_DEFINITION))
        elif name == "documents" and value is not None:
            tree.anything(value, (name,), chat_fields.RETRIEVED)
        elif isinstance(value, str) or (
            isinstance(value, list | tuple) and any(isinstance(e, str) for e in value)
        ):
            tree.anything(value, (name,), Place(Stage.INPUT))
    return payload.body(dict(options), tree)


def _tool(tool: Any) -> Any:
    """Return a tool's definition; of a function what a model reads of it."""
    return {"name": tool.__name__, "description": tool.__doc__} if callable(tool) else tool


def flow(terms: Terms, inputs: Any, options: Mapping[str, Any]) -> Flow:
    """Ask a pipeline; the answer is what it returns."""
    prompts, alone = entries(inputs)
    checked: Verdict = yield Check(options_of(options), Stage.INPUT)
    if checked.blocked:
        refused = [_refused(message_of(terms, checked)) for _ in prompts]
        return refused[0] if alone else refused
    passed: dict[int, Verdict] = {}
    answers: dict[int, Any] = {}
    for index, prompt in enumerate(prompts):
        verdict: Verdict = yield Check(chat_payload.read(prompt, Stage.INPUT), Stage.INPUT)
        if verdict.blocked:
            answers[index] = _refused(message_of(terms, verdict))
        else:
            passed[index] = verdict
    if passed:
        sent = [verdict.content for verdict in passed.values()]
        said = yield Call((sent[0] if alone else sent,), _options(options, checked.content))
        for (index, asked), found in zip(passed.items(), [said] if alone else said, strict=True):
            answers[index] = yield from _answered(terms, asked, found)
    told = [answers[index] for index in range(len(prompts))]
    return told[0] if alone else told


def _options(given: Mapping[str, Any], checked: Any) -> dict[str, Any]:
    """Return the options as the policy leaves them."""
    return {name: checked[name] if checked[name] != value else value for name, value in given.items()}


def _refused(text: str) -> list[dict[str, Any]]:
    return [{TEXT: text}]


def _answered(terms: Terms, asked: Verdict, found: Sequence[dict[str, Any]]) -> Flow:
    """Judge what was generated for one prompt, each sequence for itself."""
    told: list[dict[str, Any]] = []
    for entry in found:
        if set(entry) != {TEXT}:
            raise TypeError("cannot check what the pipeline returned: it holds more than texts")
        before, new = _new(entry[TEXT], asked.content)
        subject_ = joined(before, new) if isinstance(new, str) else chat_payload.read(new, Stage.OUTPUT)
        verdict: Verdict = yield Check(subject_, Stage.OUTPUT, asked)
        if verdict.blocked:
            told += _refused(message_of(terms, verdict))
            continue
        shown: Any = verdict.content
        if verdict.restorer is not None and verdict.restorer.values:
            shown = restore_reply(shown, verdict.restorer)
        whole = shown if isinstance(new, str) else [*before, *shown]
        told.append(entry if whole == entry[TEXT] else {TEXT: whole})
    return told


def joined(prompt: str, new: str) -> Payload:
    """Read a generated text: the prompt, what follows it, and both as one, for a word may begin in the one and end in the
    other, or stand behind it without a space.
    """
    tree = ContentTree()
    place = Place(Stage.OUTPUT, role="assistant")
    tree.text(prompt, (0,), place)
    tree.text(new, (1,), place)
    tree.join([*range(len(tree.leaves))], (), place)
    parts = [prompt, new]

    def apply(outcome: Outcome) -> str:
        changed: Any = payload.apply_edits(parts, tree, outcome)
        return "".join(changed)

    return Payload(tree, apply, parts)


def _new(said: Any, sent: Any) -> tuple[Any, Any]:
    """Return what was sent of a generated text or chat, and what is new."""
    if isinstance(said, str):
        prompt = sent if isinstance(sent, str) and said.startswith(sent) else ""
        return prompt, said[len(prompt) :]
    count = 0
    while count < min(len(sent), len(said)) and sent[count] == said[count]:
        count += 1
    return [*said[:count]], [*said[count:]]


def wrap(pipeline: Any, terms: Terms) -> Any:
    """Return a pipeline of the same class whose calls are guarded; both share the model.

    Raises:
        TypeError: it is wrapped already.
        ValueError: another stage is named for its answers.
        RequestError: it was made with an option that would lead around the guard.
    """
    base: Any = type(pipeline)
    if getattr(base, MARK, False):
        raise TypeError(f"cannot wrap a {base.__name__} that is wrapped already")
    if terms.output is not Stage.OUTPUT:
        raise ValueError("output is not for pipelines: what a model generates stands at output")
    for params in (pipeline._preprocess_params, pipeline._forward_params, pipeline._postprocess_params):
        options_of({name: value for name, value in params.items() if name in REFUSED})

    def __call__(self: Any, text_inputs: Any, **options: Any) -> Any:
        return run(
            flow(terms, text_inputs, options), terms, lambda given, **more: base.__call__(self, given, **more)
        )

    named = {"__module__": base.__module__, "__doc__": base.__doc__, "__qualname__": base.__qualname__}
    kind: Any = type(base)(base.__name__, (base,), {"__call__": __call__, MARK: True, **named})
    made = copy.copy(pipeline)
    made.__class__ = kind
    return made


WRAPPER: Final = Wrapper(
    "transformers.TextGenerationPipeline", "Guards the calls of a pipeline of transformers.", wrap
)
