"""Wrapped calls: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import functools
import threading
import types
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from guardrails import Blocked, Guard, Image, RequestError
from tests.cases import each_case

POLICY = """
detectors:
  mail: {use: pii, entities: [email, credit_card]}
  words: {use: terms, terms: [badword], category: custom.bad}
rules:
  - {id: in, on: input, when: custom.bad > 0, then: block, message: Not that.}
  - {id: out, on: [output, tool_call, tool_result], when: custom.bad > 0, then: block}
  - {id: docs, on: retrieval, when: pii.email > 0, then: redact, with: mask}
  - {id: mail, on: [input, output], when: pii > 0, then: redact}
"""


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks `badword` and redacts addresses and cards."""
    return guard_of(POLICY)


def user(text: str) -> dict[str, str]:
    """Return a user's message."""
    return {"role": "user", "content": text}


def run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of any kind and return its answer, or the list of its chunks."""
    result = function(*args, **kwargs)
    if hasattr(result, "__aiter__"):

        async def collect() -> list[Any]:
            return [chunk async for chunk in result]

        return asyncio.run(collect())
    if hasattr(result, "__await__"):

        async def wait() -> Any:
            return await result

        return asyncio.run(wait())
    return list(result) if hasattr(result, "__next__") else result


def kinds(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Return a function as a sync one, a coroutine, a generator and an async generator."""

    def sync(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
        yield from function(*args, **kwargs)

    async def async_generator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        for chunk in function(*args, **kwargs):
            yield chunk

    return [sync, coroutine, generator, async_generator]


KINDS = pytest.mark.parametrize("kind", range(4), ids=["sync", "coroutine", "generator", "async generator"])


def text_of(answer: Any) -> str:
    """Return the text of an answer or of its chunks."""
    return "".join(answer)


@KINDS
@each_case(
    ("asked", "heard", "answered", "shown"),
    [
        ("hello", "hello", "hi", "hi"),
        ("I am jo@example.com", "I am [EMAIL]", "hi", "hi"),
        ("hello", "hello", "ask jo@example.com", "ask [EMAIL]"),
    ],
)
def test_texts_are_checked_before_and_after(
    guard: Guard, kind: int, asked: str, heard: str, answered: str, shown: str
) -> None:
    """The function hears what the policy leaves of the prompt, the caller what it leaves of the answer."""
    prompts: list[str] = []

    def model(prompt: str, *, temperature: float) -> str:
        prompts.append(prompt)
        assert temperature == 0.5
        return answered

    for arguments in ((asked,), ()):
        named = {} if arguments else {"prompt": asked}
        assert text_of(run(guard.wrap(kinds(model)[kind]), *arguments, temperature=0.5, **named)) == shown
    assert prompts == [heard, heard]


@KINDS
def test_a_blocked_prompt_never_reaches_the_model(guard: Guard, kind: int) -> None:
    """`Blocked` carries the verdict; nothing was called."""
    calls: list[str] = []
    with pytest.raises(Blocked, match="Not that") as caught:
        run(guard.wrap(kinds(lambda prompt: calls.append(prompt) or "x")[kind]), "a badword")
    assert calls == []
    assert caught.value.verdict.blocked
    assert [rule.id for rule in caught.value.verdict.rules] == ["in"]
    assert str(caught.value.verdict.stage) == "input"


@KINDS
def test_a_blocked_answer_never_reaches_the_caller(guard: Guard, kind: int) -> None:
    """`Blocked` is raised, however it is cut."""
    with pytest.raises(Blocked) as caught:
        run(guard.wrap(kinds(lambda: ["fine, ", "a bad", "word"] if kind > 1 else "a badword")[kind]))
    assert str(caught.value.verdict.stage) == "output"


@KINDS
@each_case(
    ("prompt", "answer", "shown"), [("badword", "x", "Not that."), ("x", "badword", "Stopped by policy.")]
)
def test_a_block_may_be_answered_in_kind(
    guard: Guard, kind: int, prompt: str, answer: str, shown: str
) -> None:
    """With `on_block="answer"` the rule's message takes the place of the answer."""
    assert text_of(run(guard.wrap(kinds(lambda prompt: answer)[kind], on_block="answer"), prompt)) == shown


def test_on_block_is_one_of_two(guard: Guard) -> None:
    """Anything else is an error where it is written, not where it would matter."""
    with pytest.raises(ValueError, match="on_block"):
        guard.wrap(lambda: "", on_block="ignore")
    with pytest.raises(ValueError, match="outputs"):
        guard.wrap(lambda: "", output="outputs")


@each_case(
    ("given", "heard"),
    [
        ([user("jo@example.com")], [user("[EMAIL]")]),
        ({"messages": [user("jo@example.com")], "model": "m"}, {"messages": [user("[EMAIL]")], "model": "m"}),
        (user("jo@example.com"), user("[EMAIL]")),
        (["x", "jo@example.com"], ["x", "[EMAIL]"]),
        (("x", ["jo@example.com"]), ("x", ["[EMAIL]"])),
        ({"question": "jo@example.com", "k": 3}, {"question": "[EMAIL]", "k": 3}),
        ({"deep": [{"q": "jo@example.com"}]}, {"deep": [{"q": "[EMAIL]"}]}),
        (4111111111111111, "[CREDIT_CARD]"),
        (3, 3),
        (0.123456789, 0.123456789),
        (None, None),
        (1234567, 1234567),
    ],
)
def test_arguments_that_hold_content_are_checked_wherever_it_stands(
    guard: Guard, given: Any, heard: Any
) -> None:
    """Messages, requests, lists of prompts and mappings of inputs; numbers and options pass as they are."""
    got: list[Any] = []
    for function in kinds(lambda value: got.append(value) or "x")[:2]:
        run(guard.wrap(function), given)
        run(guard.wrap(function), value=given)
    assert got == [heard] * 4


def test_arguments_that_nothing_is_wrong_with_are_handed_on_themselves(guard: Guard) -> None:
    """Lists and mappings are not copied, and clients, callables and the like are not looked into."""
    values = [
        ["x"],
        {"a": ["b"]},
        [user("x")],
        object(),
        print,
        {"a": object()},
        [object()],
        {1, 2},
        collections.OrderedDict(a="b"),
    ]
    got: list[Any] = []
    wrapped = guard.wrap(lambda *given: got.extend(given))
    assert wrapped(*values) is None
    assert all(new is old for new, old in zip(got, values, strict=True))


@each_case(
    "given",
    [["x", "badword"], {"a": {"b": "badword"}}, {"badword": 1}, [user("x"), user("badword")], ("badword",)],
)
def test_a_term_in_any_argument_blocks(guard: Guard, given: Any) -> None:
    """Lists, mappings, keys and conversations are no place to hide."""
    with pytest.raises(Blocked):
        guard.wrap(lambda value: "x")(given)


def test_messages_that_cannot_be_read_are_refused(guard: Guard) -> None:
    """A list of mappings and of a library's own objects is the usual agent loop: it must not pass unread."""
    own = types.SimpleNamespace(role="assistant", content="badword", model_dump=dict)
    wrapped = guard.wrap(lambda messages: "x")
    with pytest.raises(RequestError, match="must be a mapping"):
        wrapped([user("x"), own])
    for given in ([own], own, {"messages": [own]}):
        with pytest.raises(Blocked, match=r"of type SimpleNamespace, which no adapter reads.*model_dump\(\)"):
            wrapped(given)


@each_case(
    ("answer", "shown"),
    [
        ([], []),
        (["x", "jo@example.com"], ["x", "[EMAIL]"]),
        (("jo@example.com", None, 1), ("[EMAIL]", None, 1)),
        ({"answer": "jo@example.com", "score": 0.5}, {"answer": "[EMAIL]", "score": 0.5}),
        ([[0.123456789, 1.5]], [[0.123456789, 1.5]]),
        (
            {"choices": [{"message": {"content": "jo@example.com"}}]},
            {"choices": [{"message": {"content": "[EMAIL]"}}]},
        ),
        ({"role": "assistant", "content": "jo@example.com"}, {"role": "assistant", "content": "[EMAIL]"}),
        (4111111111111111, "[CREDIT_CARD]"),
        (1234567, 1234567),
        (None, None),
        (True, True),
        (7, 7),
    ],
)
def test_answers_of_every_known_shape_are_checked(guard: Guard, answer: Any, shown: Any) -> None:
    """Texts, lists, mappings, responses, messages; flags and short numbers say nothing."""
    for function in kinds(lambda: answer)[:2]:
        assert run(guard.wrap(function)) == shown


@each_case("answer", [object(), [object()], {"a": [object()]}, {object()}, print, dict])
def test_answers_that_nobody_can_read_are_unchecked(
    guard: Guard, guard_of: Callable[..., Guard], answer: Any
) -> None:
    """Wherever they stand: the policy's word on parts that are not read decides, which is to block by default."""
    lenient = guard_of(POLICY + "unchecked: {part: flag}\n")
    for function in kinds(lambda: answer)[:2]:
        with pytest.raises(Blocked, match="which no adapter reads") as caught:
            run(guard.wrap(function))
        assert {each.kind for each in caught.value.verdict.coverage.unchecked} == {"part"}
        assert run(lenient.wrap(function)) is answer


def test_an_answer_that_is_read_by_nobody_says_what_to_return(guard: Guard) -> None:
    """An object with `model_dump()` is named with the cure."""
    with pytest.raises(Blocked, match=r"of type SimpleNamespace, which no adapter reads.*model_dump\(\)"):
        guard.wrap(lambda: types.SimpleNamespace(choices=[], model_dump=dict))()


def test_what_a_plain_function_returns_for_later_is_guarded(guard: Guard) -> None:
    """A coroutine, a future, a generator of either kind and an iterator: each is judged when it is there."""

    async def answer(text: str) -> str:
        return text

    async def pieces(text: str) -> AsyncIterator[str]:
        for piece in text.partition("@"):
            yield piece

    async def later(text: str) -> Any:
        future = asyncio.get_running_loop().create_future()
        future.set_result(text)
        return await guard.wrap(lambda: future)()

    cases: list[Callable[[str], Any]] = [
        guard.wrap(lambda text: answer(text)),
        guard.wrap(lambda text: pieces(text)),
        guard.wrap(lambda text: iter(text.partition("@"))),
        guard.wrap(lambda text: map(str, text.partition("@"))),
        later,
    ]
    for index, wrapped in enumerate(cases):
        assert text_of(run(wrapped, "to jo@example.com")) == "to [EMAIL]", index
        if index < 4:
            with pytest.raises(Blocked):
                run(wrapped, "a badword")


def test_a_later_answer_may_be_answered_in_kind(guard: Guard) -> None:
    """As any other."""

    async def answer() -> str:
        return "a badword"

    assert run(guard.wrap(lambda: answer(), on_block="answer")) == "Stopped by policy."
    assert run(guard.wrap(lambda: iter(["a badword"]), on_block="answer")) == ["Stopped by policy."]


def test_pictures_are_checked(guard: Guard) -> None:
    """No detector reads them here, so they block, alone and among others."""
    for answer in (b"\x89PNG", Image(b"x"), [Image(b"x")]):
        with pytest.raises(Blocked):
            guard.wrap(lambda answer=answer: answer)()
    with pytest.raises(Blocked):
        guard.wrap(lambda picture: "x")([b"\x89PNG"])


@pytest.fixture(scope="module")
def seeing(guard_of: Callable[..., Guard]) -> Callable[[str], Guard]:
    """Return a function: an action in, a guard that does that to green squares out."""
    policy = (
        "detectors:\n  green: {use: green_square}\nrules:\n"
        "  - {id: green, on: [input, output], when: custom.green_square > 0.5, then: %s}\n"
    )
    return lambda action: guard_of(policy % action)


def drawn(*, green: bool) -> Any:
    """Return an array of pixels, with a green square or none."""
    pixels = np.full((40, 60, 3), 90, dtype=np.uint8)
    pixels[10:30, 10:30] = (0, 255, 0) if green else 90
    return pixels


@each_case("shape", [lambda pixels: pixels, Pillow.fromarray], ids=["array", "pillow"])
@each_case("kind", range(4))
def test_pictures_are_judged_by_what_they_show(
    seeing: Callable[[str], Guard], kind: int, shape: Callable[[Any], Any]
) -> None:
    """Those that are given, and those that are returned, also by generators."""
    plain, green = shape(drawn(green=False)), shape(drawn(green=True))

    def answered(answer: Any) -> Any:
        return (lambda picture: [answer]) if kind >= 2 else (lambda picture: answer)

    made = run(seeing("block").wrap(kinds(answered(plain))[kind]), plain)
    assert (made[0] if kind >= 2 else made) is plain
    with pytest.raises(Blocked):
        run(seeing("block").wrap(kinds(answered(plain))[kind]), green)
    with pytest.raises(Blocked):
        run(seeing("block").wrap(kinds(answered(green))[kind]), plain)
    made = run(seeing("redact").wrap(kinds(answered(green))[kind]), plain)
    assert not np.asarray(made[0] if kind >= 2 else made)[10:30, 10:30].any()


def test_arrays_that_are_no_pictures_are_handed_on(seeing: Callable[[str], Guard]) -> None:
    """Such as vectors, and their batches."""
    vectors = [np.zeros(8), np.full((4, 8), 7.0), np.zeros((2, 4, 768))]
    assert seeing("block").wrap(lambda *given: str(len(given)))(*vectors) == "3"


class Output:
    """What a pipeline of diffusers returns."""

    def __init__(self, images: Any) -> None:
        self.images = images
        self.nsfw_content_detected = None


Output.__module__ = "diffusers.pipelines.stable_diffusion.pipeline_output"


@each_case(
    "images",
    [
        lambda *pixels: [Pillow.fromarray(each) for each in pixels],
        lambda *pixels: tuple(pixels),
        lambda *pixels: np.stack(pixels),
        lambda *pixels: np.stack(pixels) / 255,
    ],
    ids=["pillow", "tuple", "array", "floats"],
)
@each_case("kind", range(2))
def test_what_a_pipeline_draws_is_judged_each(
    seeing: Callable[[str], Guard], kind: int, images: Callable[..., Any]
) -> None:
    """One of two is covered, and the other is as it was; nothing changes where nothing is found."""
    output = Output(images(drawn(green=False), drawn(green=True)))
    pipeline = kinds(lambda prompt: output)[kind]
    with pytest.raises(Blocked):
        run(seeing("block").wrap(pipeline), "a prompt")
    made = run(seeing("redact").wrap(pipeline), "a prompt")
    assert type(made) is Output
    assert type(made.images) is type(output.images)
    assert (np.asarray(made.images[0]) == np.asarray(output.images[0])).all()
    assert not np.asarray(made.images[1])[10:30, 10:30].any()
    assert np.asarray(output.images[1])[10:30, 10:30].any()
    clean = Output(images(drawn(green=False)))
    assert run(seeing("redact").wrap(kinds(lambda prompt: clean)[kind]), "a prompt") is clean


def test_a_retriever_s_documents_are_judged_at_retrieval(guard: Guard) -> None:
    """Each for itself, by the rules of that stage, in every kind of function."""
    documents = ["of jo@example.com", "and none"]
    for index, function in enumerate(kinds(lambda query: documents)):
        found = run(guard.wrap(function, output="retrieval"), "query")
        assert found == ["of **************", "and none"], index


def test_a_stream_s_texts_are_joined(guard: Guard) -> None:
    """A word over two chunks is a word, also with empty ones between them; nothing empty is handed on."""
    for function in kinds(lambda: ["jo@exa", None, "", "mple.com"])[2:]:
        assert run(guard.wrap(function)) == ["[EMAIL]"]


def test_pieces_that_are_no_texts_are_judged_together(guard: Guard) -> None:
    """What stands at the same place in several may be one word; bytes are joined as they are."""
    rows = [{"choices": [{"delta": {"content": text}}]} for text in ("jo@exa", "mple.com", " ok")]
    bad = [{"delta": "a bad"}, {"delta": "word"}]
    for function in kinds(lambda chunks: chunks)[2:]:
        wrapped = guard.wrap(function)
        assert run(wrapped, rows[2:]) == rows[2:]
        shown = run(wrapped, [dict(row) for row in ({"a": "fine"}, {"b": 2})])
        assert shown == [{"a": "fine"}, {"b": 2}]
    for function in kinds(lambda: rows)[2:]:
        texts = [row["choices"][0]["delta"]["content"] for row in run(guard.wrap(function))]
        assert "".join(texts) == "[EMAIL] ok"
    for function in kinds(lambda: bad)[2:]:
        with pytest.raises(Blocked):
            run(guard.wrap(function))
    for function in kinds(lambda: [b"jo@exa", b"mple.com"])[2:]:
        assert run(guard.wrap(function)) == [b"[EMAIL]"]


@each_case(
    "chunks",
    [
        ["a", {"delta": "b"}],
        ["a", 1],
        ["a", Image(b"x")],
        [b"a", "b"],
        [{"a": 1}, "b"],
        [{"a": 1}, Image(b"x")],
    ],
)
def test_a_stream_that_cannot_be_joined_is_refused(guard: Guard, chunks: list[Any]) -> None:
    """A word cut over two such chunks would pass."""
    for function in kinds(lambda: chunks)[2:]:
        with pytest.raises(TypeError, match="cannot check a stream of"):
            run(guard.wrap(function))


class Steps:
    """A model that streams words, as it is asked for them; `came` are those, `ended` how often it was ended."""

    def __init__(self, text: str) -> None:
        self.words = text.split(" ")
        self.came: list[str] = []
        self.ended = 0

    def sync(self, *_: Any) -> Iterator[str]:
        """Stream."""
        try:
            for word in self.words:
                self.came.append(word)
                yield f"{word} "
        finally:
            self.ended += 1

    async def twin(self, *_: Any) -> AsyncIterator[str]:
        """Stream on an event loop."""
        try:
            for word in self.words:
                self.came.append(word)
                await asyncio.sleep(0)
                yield f"{word} "
        finally:
            self.ended += 1


async def texts(stream: Any) -> AsyncIterator[str]:
    """Yield from a generator of either kind."""
    if hasattr(stream, "__aiter__"):
        async for text in stream:
            yield text
    else:
        for text in stream:
            yield text


@each_case("way", ["sync", "twin"])
@each_case(
    ("text", "before", "after"),
    [
        ("Please ask jo@example.com and then go", "Please ask [EMAIL] ", "and then go "),
        ("So one says a badword here and more", "So one ", ""),
    ],
)
def test_a_text_is_handed_on_as_it_grows(guard: Guard, way: str, text: str, before: str, after: str) -> None:
    """What is settled is there before the model has said the rest; a block ends both, behind what was handed on."""
    for on_block in ("raise", "answer"):
        model = Steps(text)
        wrapped = guard.wrap(getattr(model, way), on_block=on_block)

        async def main(wrapped: Any = wrapped, model: Steps = model, on_block: str = on_block) -> None:
            said, stream = "", texts(wrapped("x"))
            while len(said) < len(before):
                piece = await anext(stream)
                assert piece
                said += piece
            assert said.startswith(before)
            assert model.came != model.words
            raises = pytest.raises(Blocked) if on_block == "raise" and not after else contextlib.nullcontext()
            with raises:
                async for piece in stream:
                    said += piece
            assert model.ended == 1
            if after:
                assert said == before + after
            else:
                assert "bad" not in said
                assert model.came != model.words
                assert said.endswith("Stopped by policy.") == (on_block == "answer")

        asyncio.run(main())


@each_case("way", ["sync", "twin"])
def test_who_stops_early_ends_the_model_s_generator(guard: Guard, way: str) -> None:
    """It is asked for no more than is wanted, and leaves nothing behind."""
    model = Steps("one two three four five six")

    async def main() -> None:
        before = threading.active_count()
        stream: Any = guard.wrap(getattr(model, way))("x")
        first = await anext(stream) if way == "twin" else next(stream)
        assert (first, len(model.came) < 4) == ("one ", True)
        await stream.aclose() if way == "twin" else stream.close()
        assert model.ended == 1
        assert threading.active_count() == before

    asyncio.run(main())


def test_what_is_no_output_is_held_to_its_end(guard: Guard) -> None:
    """Text of a tool may be forged, so that it is judged as a whole."""
    for way in ("sync", "twin"):
        model = Steps("one two three")
        wrapped = guard.wrap(getattr(model, way), output="tool_result")
        assert run(wrapped, "x") == ["one two three "]


def test_a_text_that_goes_on_as_something_else_is_refused(guard: Guard) -> None:
    """Behind what was handed on of it; the model's generator is ended."""
    for function in kinds(lambda: ["One two. ", "And three. ", b"x"])[2:]:
        with pytest.raises(TypeError, match="cannot check a stream of bytes"):
            run(guard.wrap(function))


def test_a_generator_s_pictures_are_judged_each(guard: Guard) -> None:
    """A generator may make pictures; here nothing reads them."""
    for function in kinds(lambda: [Image(b"x"), Image(b"y")])[2:]:
        with pytest.raises(Blocked):
            run(guard.wrap(function))


def test_nothing_runs_before_a_generator_is_asked(guard: Guard) -> None:
    """Calling a wrapped generator starts neither a check nor the model, as for any generator."""
    started: list[int] = []
    for function in kinds(lambda prompt: started.append(1) or ["x"])[2:]:
        result = guard.wrap(function)("badword")
        assert started == []
        with pytest.raises(Blocked):
            run(lambda result=result: result)


def test_a_wrapped_generator_is_closed_whatever_happens(guard: Guard) -> None:
    """Where the consumer stops, the model's own generator has ended: its clean-up has run."""
    closed: list[str] = []

    def stream() -> Iterator[str]:
        try:
            yield "one"
            yield "two"
        finally:
            closed.append("sync")

    async def astream() -> AsyncIterator[str]:
        try:
            yield "one"
            await asyncio.Event().wait()
        finally:
            closed.append("async")

    result = guard.wrap(stream)()
    assert next(result) == "onetwo"
    result.close()
    assert closed == ["sync"]

    async def main() -> None:
        generator = guard.wrap(astream)()
        first = asyncio.ensure_future(anext(generator))
        for _ in range(10):  # let it come to where it hangs
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert closed == ["sync", "async"]
        await generator.aclose()

    asyncio.run(main())


def test_errors_of_the_function_come_through(guard: Guard) -> None:
    """A failing model is the caller's to handle, also where blocks are answered."""

    def fails(*_: Any) -> Any:
        raise KeyError("model")

    for function in kinds(fails):
        with pytest.raises(KeyError):
            run(guard.wrap(function, on_block="answer"), "x")


def test_a_wrapped_function_looks_like_the_function(guard: Guard) -> None:
    """Name, docstring and kind are kept; methods and partial functions work."""

    class Model:
        """A model."""

        def answer(self, prompt: str) -> str:
            """Answer."""
            return prompt

        async def __call__(self, prompt: str) -> str:
            return prompt

    model = Model()
    wrapped = guard.wrap(model.answer)
    assert (wrapped.__name__, wrapped.__doc__) == ("answer", "Answer.")
    assert wrapped("jo@example.com") == "[EMAIL]"
    assert guard.wrap(functools.partial(model.answer))("jo@example.com") == "[EMAIL]"
    assert run(guard.wrap(model), "jo@example.com") == "[EMAIL]"


def test_what_is_no_function_is_refused(guard: Guard) -> None:
    """The error says what to give."""
    with pytest.raises(TypeError, match="cannot wrap a str: give a function"):
        guard.wrap("text")
    with pytest.raises(TypeError, match="write @classmethod above it"):
        guard.wrap(classmethod(lambda cls: "x"))
    with pytest.raises(TypeError, match="cannot wrap the class Steps: wrap an object of it, or its methods"):
        guard.wrap(Steps)


def test_wrap_is_a_decorator_with_arguments(guard: Guard) -> None:
    """And without; a method's own object is handed on as it is, whatever it holds."""

    @dataclasses.dataclass
    class Agent:
        notes: str

        @guard.wrap
        def plain(self, prompt: str) -> str:
            return f"{prompt} {id(self)}"

        @guard.wrap(on_block="answer")
        def ask(self, prompt: str) -> str:
            return prompt

        @classmethod
        @guard.wrap()
        def make(cls, prompt: str) -> str:
            return f"{prompt} {cls.__name__}"

    agent = Agent("a badword")
    assert agent.plain("jo@example.com") == f"[EMAIL] {id(agent)}"
    assert agent.ask("a badword") == "Not that."
    assert Agent.make("jo@example.com") == "[EMAIL] Agent"
    with pytest.raises(Blocked):
        agent.plain("a badword")


def test_the_context_goes_to_every_check(guard_of: Callable[..., Guard]) -> None:
    """Who asks is given once, for the prompt and for the answer."""
    guard = guard_of("""
detectors:
  d: {use: terms, terms: [x]}
rules:
  - {id: r, on: [input, output], when: request.tenant == "acme", then: block, on_error: allow}
""")
    assert guard.wrap(lambda prompt: "y")("z") == "y"
    with pytest.raises(Blocked):
        guard.wrap(lambda: "y", tenant="acme")()
    with pytest.raises(Blocked):
        guard.wrap(lambda prompt: None, tenant="acme")("z")


VAULT = """
detectors:
  mail: {use: pii, entities: [email]}
rules:
  - {id: mail, on: [input, output, tool_result], when: pii > 0, then: redact, with: vault}
"""


@pytest.fixture(scope="module")
def vault(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that numbers addresses."""
    return guard_of(VAULT)


@KINDS
def test_a_model_never_sees_a_value_that_its_answer_has_again(vault: Guard, kind: int) -> None:
    """The user's own come back, outside links; what the model brings up itself stays hidden, with a number of its own."""
    prompts: list[str] = []

    def model(prompt: str) -> str:
        prompts.append(prompt)
        return f"{prompt}: [EMAIL_1], [EMAIL_2], new@x.org, https://x.org/[EMAIL_1]"

    wrapped = vault.wrap(kinds(model)[kind])
    for name in ("jo", "al"):  # calls do not mix
        said = text_of(run(wrapped, f"{name}@example.com"))
        assert said == (
            f"{name}@example.com: {name}@example.com, [EMAIL_2], [EMAIL_3], https://x.org/[EMAIL_1]"
        )
    assert prompts == ["[EMAIL_1]", "[EMAIL_1]"]


def test_a_number_is_not_replaced_where_a_number_is_wanted(guard: Guard) -> None:
    """A text would fail in the function, or be stored in the place of a number: the call is stopped; other numbers pass."""

    def pay(amount: int, note: str = "", rate: float | None = None) -> int:
        return amount

    assert guard.wrap(pay)(4796496808563068737) == 4796496808563068737
    for call in ({"amount": 4111111111111111}, {"amount": 1, "rate": 4111111111111111.0}):
        with pytest.raises(Blocked):
            guard.wrap(pay)(**call)


@KINDS
def test_several_arguments_share_their_numbers(vault: Guard, kind: int) -> None:
    """The same value has the same number in all of them, and a literal of one is none that another gets."""
    seen: list[Any] = []

    def model(*parts: Any, **named: Any) -> str:
        seen.extend([*parts, *named.values()])
        return "[EMAIL_1] [EMAIL_2] [EMAIL_3]"

    texts = ["see [EMAIL_1]", "a@x.org", "not [EMAIL_2]", ["b@x.org", "A@x.org [EMAIL_2]"]]
    said = text_of(run(vault.wrap(kinds(model)[kind]), *texts, more={"c": "b@x.org"}))
    assert seen == [
        "see [EMAIL-1]",
        "[EMAIL_1]",
        "not [EMAIL-2]",
        ["[EMAIL_2]", "[EMAIL_1] [EMAIL-2]"],
        {"c": "[EMAIL_2]"},
    ]
    assert said == "a@x.org b@x.org [EMAIL_3]"


def test_a_chat_function_answers_with_values_in_what_is_read(vault: Guard) -> None:
    """In the content of each choice and in none of its calls; a turn that is sent again has its number again."""
    heard: list[Any] = []
    call = {"id": "c", "type": "function", "function": {"name": "send", "arguments": '{"to": "[EMAIL_1]"}'}}

    def model(messages: list[Any]) -> dict[str, Any]:
        heard.append(messages)
        message = {"role": "assistant", "content": "To [EMAIL_1].", "tool_calls": [call]}
        return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}

    messages = [user("I am jo@x.org")]
    answer = vault.wrap(model)(messages)["choices"][0]["message"]
    assert answer == {"role": "assistant", "content": "To jo@x.org.", "tool_calls": [call]}
    vault.wrap(model)([*messages, answer, user("and al@x.org")])
    assert [message["content"] for message in heard[1]] == [
        "I am [EMAIL_1]",
        "To [EMAIL_1].",
        "and [EMAIL_2]",
    ]
    assert heard[1][1]["tool_calls"] == [call]


def test_what_is_no_model_s_answer_gets_no_value_back(vault: Guard) -> None:
    """A tool's result may go anywhere."""
    assert vault.wrap(lambda to: f"sent to {to}", output="tool_result")("jo@x.org") == "sent to [EMAIL_1]"
