"""LangChain's models and runnables, wrapped: chains, streams and batches with LangChain's own types. Needs `langchain-core`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.llms import LLM, BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, GenerationChunk
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnableParallel
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, PrivateAttr

from guardrails import Blocked, Guard, RequestError

BOMB, MASK = "zqxbomb", "zqxmask"
EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"
POLICY = f"""
detectors:
  bomb: {{use: terms, terms: [{BOMB}], category: custom.bomb}}
  mask: {{use: terms, terms: [{MASK}], category: custom.mask, match: substring}}
rules:
  - {{id: bomb.block, on: {EVERYWHERE}, when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask.redact, on: {EVERYWHERE}, when: custom.mask > 0, then: redact}}
"""


class Model(BaseChatModel):
    """A chat model that answers what it is given, and remembers what it heard."""

    answers: list[Any]
    streaming: bool = False
    _heard: list[Any] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._heard.append((messages, {"stop": stop, **kwargs}))
        if self.streaming:
            chunks = list(self._stream(messages, stop, run_manager, **kwargs))
            whole = chunks[0]
            for chunk in chunks[1:]:
                whole += chunk
            return ChatResult(generations=[ChatGeneration(message=whole.message)])
        return ChatResult(generations=[self._generation(answer) for answer in self.answers])

    @staticmethod
    def _generation(answer: Any) -> ChatGeneration:
        message = AIMessage(answer) if isinstance(answer, str) else answer
        return ChatGeneration(message=message, generation_info={"finish_reason": "stop", "logprobs": [1]})

    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[Any]:
        self._heard.append((messages, {"stop": stop, **kwargs}))
        answer = self.answers[0]
        if not isinstance(answer, str):
            yield ChatGenerationChunk(message=answer)
            return
        for letter in answer:
            chunk = ChatGenerationChunk(message=AIMessageChunk(letter))
            if run_manager is not None:
                run_manager.on_llm_new_token(letter, chunk=chunk)
            yield chunk

    def bind_tools(self, tools: Any, **kwargs: Any) -> Runnable[Any, Any]:
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **kwargs)


class AsyncModel(Model):
    """One that has asynchronous methods of its own."""

    async def _agenerate(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return self._generate(messages, stop, **kwargs)

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        for chunk in self._stream(messages, stop, **kwargs):
            yield chunk


class Completer(LLM):
    """A model that completes texts, by what is asked."""

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _call(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> str:
        return {"ask mask": f"a {MASK}", "ask bomb": BOMB}.get(prompt, f"heard {prompt}")

    def _stream(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for letter in self._call(prompt):
            yield GenerationChunk(text=letter)


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask, everywhere."""
    made: Guard = guard_of(POLICY)
    return made


def stream(runnable: Any, given: Any) -> list[Any]:
    """Return the pieces of a stream."""
    return list(runnable.stream(given))


def ainvoke(runnable: Any, given: Any) -> Any:
    """Ask on an event loop."""
    return asyncio.run(runnable.ainvoke(given))


def astream(runnable: Any, given: Any) -> list[Any]:
    """Return the pieces of a stream on an event loop."""

    async def main() -> list[Any]:
        return [piece async for piece in runnable.astream(given)]

    return asyncio.run(main())


WAYS: dict[str, Callable[[Any, Any], Any]] = {
    "invoke": lambda runnable, given: runnable.invoke(given),
    "stream": stream,
    "ainvoke": ainvoke,
    "astream": astream,
    "batch": lambda runnable, given: runnable.batch([given])[0],
    "abatch": lambda runnable, given: asyncio.run(runnable.abatch([given]))[0],
}
ALL = pytest.mark.parametrize("way", WAYS)
MODELS = pytest.mark.parametrize("kind", [Model, AsyncModel])


def text(answer: Any) -> str:
    """Return the text of an answer or of its pieces."""
    pieces = answer if isinstance(answer, list) else [answer]
    return "".join(piece if isinstance(piece, str) else str(piece.content) for piece in pieces)


@ALL
@MODELS
@pytest.mark.parametrize("streaming", [False, True])
def test_a_chat_model_is_judged_before_and_after(guard: Guard, way: str, kind: Any, streaming: bool) -> None:
    """It hears what the policy leaves, and says what it leaves, in messages of its own types; a harmless stream is untouched."""
    model = kind(answers=[f"a {MASK}."], streaming=streaming)
    wrapped = guard.wrap(model)
    assert isinstance(wrapped, kind)
    answer = WAYS[way](wrapped, f"my {MASK}")
    assert text(answer) == "a [MASK]."
    assert {type(piece) for piece in (answer if "stream" in way else [answer])} <= {AIMessage, AIMessageChunk}
    assert wrapped._heard[-1][0][0].content == "my [MASK]"
    fine = WAYS[way](guard.wrap(kind(answers=["Hello."])), "hi")
    assert text(fine) == "Hello."
    assert "stream" not in way or [piece.content for piece in fine[:6]] == [*"Hello."]


@ALL
@MODELS
@pytest.mark.parametrize("place", ["prompt", "answer"])
def test_a_block_is_raised_or_answered(guard: Guard, way: str, kind: Any, place: str) -> None:
    """By a message that says why it ended; a blocked prompt does not reach the model."""
    model = kind(answers=[BOMB if place == "answer" else "x"])
    given = BOMB if place == "prompt" else "hi"
    wrapped = guard.wrap(model)
    with pytest.raises(Blocked, match="Not that"):
        WAYS[way](wrapped, given)
    assert len(wrapped._heard) == (place == "answer")
    answer = WAYS[way](guard.wrap(model, on_block="answer"), given)
    assert text(answer) == "Not that."
    first = answer[0] if isinstance(answer, list) else answer
    assert first.response_metadata["finish_reason"] == "content_filter"


def test_the_model_that_was_wrapped_stays_as_it_is(guard: Guard) -> None:
    """And a model is wrapped once; where its answers stand is known."""
    model = Model(answers=[BOMB])
    wrapped = guard.wrap(model)
    assert model.invoke("x").content == BOMB
    with pytest.raises(TypeError, match="wrapped already"):
        guard.wrap(wrapped)
    with pytest.raises(ValueError, match="output is not for models"):
        guard.wrap(model, output="retrieval")


CALL = {"name": "f", "args": {"q": BOMB}, "id": "c", "type": "tool_call"}
MESSAGES: dict[str, Any] = {
    "system": [SystemMessage(BOMB), HumanMessage("x")],
    "parts": [HumanMessage([{"type": "text", "text": "zqx"}, {"type": "text", "text": "bomb"}])],
    "call": [HumanMessage("x"), AIMessage("", tool_calls=[CALL]), ToolMessage("y", tool_call_id="c")],
    "result": [
        HumanMessage("x"),
        AIMessage("", tool_calls=[{**CALL, "args": {}}]),
        ToolMessage(BOMB, tool_call_id="c"),
    ],
    "kwargs": [HumanMessage("x", additional_kwargs={"odd": BOMB})],
    "name": [HumanMessage("x", name=BOMB)],
    "anthropic": [HumanMessage([{"type": "tool_result", "tool_use_id": "c", "content": BOMB}])],
    "tuple": [("human", BOMB)],
    "template": ChatPromptTemplate.from_messages([("human", "{q}")]).invoke({"q": BOMB}),
}


@pytest.mark.parametrize("place", MESSAGES)
@pytest.mark.parametrize("way", ["invoke", "astream"])
def test_a_term_in_any_place_of_a_prompt_blocks(guard: Guard, way: str, place: str) -> None:
    """Of every kind of message."""
    with pytest.raises(Blocked):
        WAYS[way](guard.wrap(Model(answers=["x"])), MESSAGES[place])


ANSWERS: dict[str, Any] = {
    "call": AIMessageChunk(
        "", tool_call_chunks=[{"name": "f", "args": f'{{"q": "{BOMB}"}}', "id": "c", "index": 0}]
    ),
    "parts": AIMessageChunk([{"type": "text", "text": "zqx"}, {"type": "text", "text": "bomb"}]),
    "reasoning": AIMessageChunk("x", additional_kwargs={"reasoning_content": BOMB}),
    "block": AIMessageChunk([{"type": "thinking", "thinking": BOMB}]),
    "metadata": AIMessageChunk("x", response_metadata={"note": f"of {BOMB}"}),
    "extra": AIMessageChunk("x", odd=BOMB),
}


@pytest.mark.parametrize("place", ANSWERS)
@pytest.mark.parametrize("way", ["invoke", "stream", "ainvoke", "astream"])
def test_a_term_in_any_place_of_an_answer_blocks(guard: Guard, way: str, place: str) -> None:
    """Whole or streamed."""
    with pytest.raises(Blocked):
        WAYS[way](guard.wrap(Model(answers=[ANSWERS[place]])), "x")


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_an_edited_call_is_edited_wherever_it_is_said(guard: Guard, way: str) -> None:
    """In the decoded arguments and in the pieces that they came in."""
    chunk = AIMessageChunk(
        "", tool_call_chunks=[{"name": "f", "args": f'{{"q": "{MASK}"}}', "id": "c", "index": 0}]
    )
    answer = WAYS[way](guard.wrap(Model(answers=[chunk])), "x")
    message = answer[0] if way == "stream" else answer
    assert message.tool_calls[0]["args"] == {"q": "[MASK]"}
    assert MASK not in str(message)


def test_each_of_several_answers_is_judged(guard: Guard) -> None:
    """One that is edited loses what spells it."""
    result = guard.wrap(Model(answers=["fine", MASK])).generate([[HumanMessage("x")]])
    fine, edited = result.generations[0]
    assert (fine.text, edited.text) == ("fine", "[MASK]")
    assert fine.generation_info["logprobs"] == [1]
    assert "logprobs" not in edited.generation_info
    assert "logprobs" not in edited.message.response_metadata


def test_a_blocked_turn_of_before_is_left_out(guard: Guard) -> None:
    """With its answer, as the policy says of history."""
    wrapped = guard.wrap(Model(answers=["x"]))
    wrapped.invoke([HumanMessage(BOMB), AIMessage("no"), HumanMessage("hi")])
    assert [message.content for message in wrapped._heard[-1][0]] == ["hi"]


@ALL
def test_a_chain_with_a_guarded_model_works(guard: Guard, way: str) -> None:
    """`prompt | model | parser`."""
    chain = ChatPromptTemplate.from_messages([("system", "s"), ("human", "{q}")]) | guard.wrap(Model(answers=[f"a {MASK}."])) | StrOutputParser()  # fmt: skip
    assert text(WAYS[way](chain, {"q": "x"})) == "a [MASK]."


def test_bound_tools_are_judged(guard: Guard) -> None:
    """As definitions; what binds keeps the guard."""
    tool = {"type": "function", "function": {"name": "f", "description": "{}", "parameters": {}}}

    def bound(word: str) -> Any:
        return guard.wrap(Model(answers=["x"])).bind_tools(
            [{**tool, "function": {**tool["function"], "description": word}}]
        )  # type: ignore[dict-item]

    with pytest.raises(Blocked):
        bound(BOMB).invoke("hi")
    runnable = bound(MASK)
    runnable.invoke("hi")
    assert runnable.bound._heard[-1][1]["tools"][0]["function"]["description"] == "[MASK]"
    with pytest.raises(Blocked):
        guard.wrap(Model(answers=["x"])).bind(stop=[BOMB]).invoke("hi")
    with pytest.raises(Blocked):
        guard.wrap(Model(answers=[BOMB])).with_retry(stop_after_attempt=1).invoke("hi")


class Word(BaseModel):
    """A word."""

    word: str


def test_structured_output_is_that_of_what_was_judged(guard: Guard) -> None:
    """The parser stands behind the guard."""

    def chunk(word: str) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "Word", "args": {"word": word}, "id": "c"}])

    assert guard.wrap(Model(answers=[chunk(MASK)])).with_structured_output(Word).invoke("x") == Word(
        word="[MASK]"
    )
    with pytest.raises(Blocked):
        guard.wrap(Model(answers=[chunk(BOMB)])).with_structured_output(Word).invoke("x")


def test_a_cache_is_no_way_around(guard: Guard) -> None:
    """What another model left there has not been judged."""
    cache = InMemoryCache()
    bare = Model(answers=[BOMB], cache=cache)
    bare.invoke("x")
    with pytest.raises(Blocked):
        guard.wrap(bare).invoke("x")


class Listener(BaseCallbackHandler):
    """Hears tokens as they come."""

    def __init__(self) -> None:
        self.heard = ""

    def on_llm_new_token(self, token: Any, **_: Any) -> None:
        self.heard += str(token)


@pytest.mark.parametrize("streaming", [False, True])
def test_callbacks_hear_judged_tokens_alone(guard: Guard, streaming: bool) -> None:
    """Also those that a model would tell them itself."""
    for way in ("stream", "invoke"):
        listener = Listener()
        wrapped = guard.wrap(Model(answers=[f"a {MASK}."], streaming=streaming))
        list(wrapped.stream("x", {"callbacks": [listener]})) if way == "stream" else wrapped.invoke("x", {"callbacks": [listener]})  # fmt: skip
        assert MASK not in listener.heard

    async def events() -> str:
        return "".join(
            [
                str(event)
                async for event in guard.wrap(Model(answers=[MASK])).astream_events("x", version="v2")
            ]
        )

    assert MASK not in asyncio.run(events())


class Native(Model):
    """A model that has another way to stream."""

    def _stream_chat_model_events(self, messages: Any, **_: Any) -> Iterator[Any]:
        raise AssertionError("it is not guarded")


@pytest.mark.parametrize("kind", [Model, Native])
def test_streams_of_events_are_guarded(guard: Guard, kind: Any) -> None:
    """LangChain's newer protocol, also where a model speaks it itself."""
    events = guard.wrap(kind(answers=[f"a {MASK}."])).stream_events("x", version="v3")
    shown = str([*events]) + str(events.output)
    assert "a [MASK]." in shown
    assert MASK not in shown


def test_values_of_the_user_come_back(guard_of: Callable[..., Guard]) -> None:
    """The model sees placeholders; also one that streams inside."""
    guard = guard_of(
        """
detectors:
  pii: {use: pii, entities: [email]}
rules:
  - {id: mail, on: input, when: pii.email > 0, then: redact, with: vault}
"""
    )
    for streaming in (False, True):
        wrapped = guard.wrap(Model(answers=["To [EMAIL_1]."], streaming=streaming))
        assert wrapped.invoke("jo@example.com").content == "To jo@example.com."
        assert wrapped._heard[-1][0][0].content == "[EMAIL_1]"
        assert text(stream(wrapped, "jo@example.com")) == "To jo@example.com."
    chain = guard.wrap(RunnableLambda(lambda given: f"got {given}"))
    assert chain.invoke("jo@example.com") == "got jo@example.com"


@ALL
def test_a_model_that_completes_texts_is_guarded(guard: Guard, way: str) -> None:
    """Prompts and completions."""
    assert text(WAYS[way](guard.wrap(Completer()), "ask mask")) == "a [MASK]"
    assert text(WAYS[way](guard.wrap(Completer()), f"x {MASK}")) == "heard x [MASK]"
    for prompt in (BOMB, "ask bomb"):
        with pytest.raises(Blocked):
            WAYS[way](guard.wrap(Completer()), prompt)
        assert text(WAYS[way](guard.wrap(Completer(), on_block="answer"), prompt)) == "Not that."
    assert isinstance(guard.wrap(Completer()), BaseLLM)


def test_prompts_of_one_call_are_judged_each(guard: Guard) -> None:
    """Those that are blocked are answered, and the others asked."""
    result = guard.wrap(Completer(), on_block="answer").generate(["hi", BOMB, "ask bomb", "ask mask"])
    assert [each[0].text for each in result.generations] == ["heard hi", "Not that.", "Not that.", "a [MASK]"]


@ALL
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("x", "got x"),
        (MASK, "got [MASK]"),
        ("ask mask", "got [MASK]"),
        (BOMB, None),
        ("ask bomb", None),
    ],
)
def test_any_other_runnable_is_guarded_as_a_whole(
    guard: Guard, way: str, given: str, shown: str | None
) -> None:
    """A chain, a function, an agent."""
    runnable = guard.wrap(
        RunnableLambda(lambda text: "got " + {"ask mask": MASK, "ask bomb": BOMB}.get(text, text))
    )
    assert isinstance(runnable, Runnable)
    if shown is None:
        with pytest.raises(Blocked):
            WAYS[way](runnable, given)
        answered = guard.wrap(runnable.inner, on_block="answer")  # type: ignore[attr-defined]
        before = "got " if "stream" in way and given != BOMB else ""
        assert text(WAYS[way](answered, given)) == f"{before}Not that."
    else:
        assert text(WAYS[way](runnable | RunnableLambda(lambda text: text), given)) == shown


def test_values_of_every_kind_keep_their_types(guard: Guard) -> None:
    """Messages, documents, models, and what holds them."""
    given = {"messages": [HumanMessage(MASK)], "n": 1, "doc": Document(MASK), "t": ("x", [Word(word=MASK)])}
    fine = {"messages": [HumanMessage("x")], "n": 1, "doc": Document("x"), "t": ("x", [Word(word="x")])}
    got: list[Any] = []
    runnable = guard.wrap(RunnableLambda(lambda value: got.append(value) or value))
    answer = runnable.invoke(given)
    assert got[0] == answer == {
        "messages": [HumanMessage("[MASK]")], "n": 1, "doc": Document("[MASK]"), "t": ("x", [Word(word="[MASK]")])
    }  # fmt: skip
    assert runnable.invoke(fine) is fine
    prompt = ChatPromptTemplate.from_messages([("human", "{q}")]).invoke({"q": MASK})
    assert runnable.invoke(prompt).messages[0].content == "[MASK]"


@pytest.mark.parametrize("value", [object(), {"x": object()}, [print]])
def test_values_that_cannot_be_read_are_refused(guard: Guard, value: Any) -> None:
    """Going in and coming out."""
    with pytest.raises(Blocked, match="which no adapter reads"):
        guard.wrap(RunnableLambda(lambda _: "x")).invoke(value)
    with pytest.raises(Blocked, match="which no adapter reads"):
        guard.wrap(RunnableLambda(lambda _: value)).invoke("x")


def test_a_stream_that_cannot_be_put_together_is_refused(guard: Guard) -> None:
    """A word over two pieces would pass; mappings that LangChain can add are fine."""

    def pieces(_: Iterator[Any]) -> Iterator[Any]:
        yield {"a": "x"}
        yield {"a": "y"}

    from langchain_core.runnables import RunnableGenerator

    with pytest.raises(TypeError, match="cannot check a stream of dict"):
        list(guard.wrap(RunnableGenerator(pieces)).stream("x"))
    parallel = RunnableParallel(a=RunnableLambda(lambda _: MASK), b=RunnableLambda(lambda _: "x"))
    assert list(guard.wrap(parallel).stream("x")) == [{"a": "[MASK]", "b": "x"}]


class Retriever(BaseRetriever):
    """Finds what it is asked for."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Document]:
        return [Document(f"of {MASK}", metadata={"source": "a"}), Document("none")]


def test_a_retriever_s_documents_are_judged_at_retrieval(guard_of: Callable[..., Guard]) -> None:
    """By the rules of that stage."""
    guard = guard_of(
        """
detectors:
  mask: {use: terms, terms: [zqxmask], category: custom.mask}
rules:
  - {id: mask, on: retrieval, when: custom.mask > 0, then: redact}
"""
    )
    documents = guard.wrap(Retriever()).invoke(MASK)
    assert documents == [Document("of [MASK]", metadata={"source": "a"}), Document("none")]
    assert guard.wrap(RunnableLambda(lambda _: MASK)).invoke("x") == MASK
    assert guard.wrap(RunnableLambda(lambda _: MASK), output="retrieval").invoke("x") == "[MASK]"


def test_errors_of_the_model_come_through(guard: Guard) -> None:
    """As they are."""

    def fails(_: Any) -> Any:
        raise KeyError("model")

    with pytest.raises(KeyError):
        guard.wrap(RunnableLambda(fails), on_block="answer").invoke("x")
    from langchain_core.messages import ChatMessage

    with pytest.raises(RequestError, match="no known type"):
        guard.wrap(Model(answers=["x"])).invoke([ChatMessage("x", role="odd")])
