"""A text-generation pipeline of transformers, wrapped, with a real model that says what a test wants. Needs `[models]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from guardrails import Blocked, Guard, RequestError

BOMB, MASK = "zqxbomb", "zqxmask"
NEXT = {
    "fine": "day",
    "day": ".",
    ".": "end",
    "mask": MASK,
    MASK: ".",
    "bomb": BOMB,
    BOMB: ".",
    "zqx": "bomb",
}
"""Which word follows which."""
WORDS = ["end", "user", ":", "hi", *dict.fromkeys([*NEXT, *NEXT.values()])]
POLICY = f"""
detectors:
  bomb: {{use: terms, terms: [{BOMB}], category: custom.bomb}}
  mask: {{use: terms, terms: [{MASK}], category: custom.mask}}
rules:
  - {{id: bomb.block, on: [input, output, tool_definition, retrieval], when: custom.bomb > 0, then: block, message: Not that.}}
  - {{id: mask.redact, on: [input, output], when: custom.mask > 0, then: redact}}
"""
TEMPLATE = "{% for m in messages %}{{ m.content }} {% endfor %}"


@pytest.fixture(scope="module")
def pipeline() -> Any:
    """A pipeline whose model says the word that follows the last one."""
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token=":"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="end", pad_token="end", chat_template=TEMPLATE
    )
    size = len(WORDS)
    config = transformers.GPT2Config(
        vocab_size=size,
        n_embd=size,
        n_layer=0,
        n_head=1,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    model = transformers.GPT2LMHeadModel(config).eval()
    with torch.no_grad():
        model.transformer.wte.weight.copy_(torch.eye(size))
        model.transformer.wpe.weight.zero_()
        model.lm_head.weight.zero_()
        for word, follows in NEXT.items():
            model.lm_head.weight[WORDS.index(follows), WORDS.index(word)] = 10.0
    return transformers.TextGenerationPipeline(model=model, tokenizer=fast)


@pytest.fixture(scope="module")
def guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks zqxbomb and redacts zqxmask."""
    made: Guard = guard_of(POLICY)
    return made


@pytest.fixture
def ask(pipeline: Any, guard: Guard) -> Callable[..., Any]:
    """Return a function that asks the wrapped pipeline."""

    def call(inputs: Any, on_block: str = "raise", **options: Any) -> Any:
        wrapped = guard.wrap(pipeline, on_block=on_block)
        return wrapped(inputs, max_new_tokens=2, do_sample=False, **options)

    return call


def chat(text: str) -> list[dict[str, str]]:
    """Return a chat of one turn."""
    return [{"role": "user", "content": text}]


def test_a_wrapped_pipeline_is_a_pipeline(pipeline: Any, guard: Guard) -> None:
    """Of its class, with the same model; the one that was wrapped stays as it is."""
    wrapped = guard.wrap(pipeline)
    assert isinstance(wrapped, transformers.TextGenerationPipeline)
    assert wrapped.model is pipeline.model
    assert BOMB in pipeline("bomb", max_new_tokens=2, do_sample=False)[0]["generated_text"]
    with pytest.raises(TypeError, match="wrapped already"):
        guard.wrap(wrapped)
    with pytest.raises(ValueError, match="output"):
        guard.wrap(pipeline, output="retrieval")


@pytest.mark.parametrize(
    ("inputs", "shown"),
    [
        ("fine", [{"generated_text": "fineday ."}]),
        ("mask", [{"generated_text": "mask[MASK] ."}]),
        (["fine", "mask"], [[{"generated_text": "fineday ."}], [{"generated_text": "mask[MASK] ."}]]),
        (chat("fine"), [{"generated_text": [*chat("fine"), {"role": "assistant", "content": "day ."}]}]),
        (chat("mask"), [{"generated_text": [*chat("mask"), {"role": "assistant", "content": "[MASK] ."}]}]),
        (
            [chat("fine"), chat("mask")],
            [
                [{"generated_text": [*chat("fine"), {"role": "assistant", "content": "day ."}]}],
                [{"generated_text": [*chat("mask"), {"role": "assistant", "content": "[MASK] ."}]}],
            ],
        ),
    ],
)
def test_what_is_generated_is_judged(ask: Any, inputs: Any, shown: Any) -> None:
    """Texts and chats, one or several, in the form that the pipeline gives them."""
    assert ask(inputs) == shown


@pytest.mark.parametrize("text", ["bomb", BOMB])
def test_a_block_is_raised_or_answered(ask: Any, text: str) -> None:
    """Of a prompt and of what is generated; others of the same call are answered."""
    for inputs in (text, chat(text), ["fine", text]):
        with pytest.raises(Blocked, match="Not that"):
            ask(inputs)
    refused = [{"generated_text": "Not that."}]
    assert ask(text, "answer") == refused
    assert ask(chat(text), "answer") == refused
    assert ask(["fine", text], "answer") == [[{"generated_text": "fineday ."}], refused]
    assert ask([text], "answer") == [refused]


def test_a_word_over_the_border_is_a_word(ask: Any) -> None:
    """It begins in the prompt and ends in what follows, without a space."""
    with pytest.raises(Blocked):
        ask("zqx")


def test_the_prompt_is_sent_as_the_policy_leaves_it(ask: Any) -> None:
    """The model never sees what is redacted."""
    assert MASK not in str(ask(f"{MASK} fine"))


def test_every_sequence_is_judged(ask: Any) -> None:
    """Each for itself."""
    many = ask("mask", num_return_sequences=2, num_beams=2)
    assert len(many) == 2
    assert MASK not in str(many)
    assert many[0] == {"generated_text": "mask[MASK] ."}


@pytest.mark.parametrize(
    "options",
    [
        {"streamer": object()},
        {"return_tensors": True},
        {"return_type": 0},
        {"prefix": BOMB},
        {"tokenizer_encode_kwargs": {"chat_template": "x"}},
    ],
)
def test_options_that_lead_around_are_refused(ask: Any, options: dict[str, Any]) -> None:
    """With the reason."""
    with pytest.raises(RequestError, match="is refused"):
        ask("fine", **options)


def test_options_are_judged(ask: Any) -> None:
    """Tools, their functions, documents and words to stop at."""

    def tool() -> None:
        """A zqxbomb tool."""

    for options in ({"tools": [tool]}, {"tools": [{"name": "f", "description": BOMB}]}, {"documents": [{"text": BOMB}]}, {"stop_sequence": BOMB}):  # fmt: skip
        with pytest.raises(Blocked):
            ask(chat("fine"), **options)
        assert ask(chat("fine"), "answer", **options) == [{"generated_text": "Not that."}]
    assert ask("fine", return_full_text=False) == [{"generated_text": "day ."}]


def generated() -> Iterator[str]:
    """Yield a prompt."""
    yield BOMB


@pytest.mark.parametrize("inputs", [generated(), 1, [1], [["x"]], {"text": "x"}])
def test_other_inputs_are_refused(ask: Any, inputs: Any) -> None:
    """What cannot be read is not passed on."""
    with pytest.raises(TypeError, match="cannot check a"):
        ask(inputs)


def test_a_pipeline_made_with_such_an_option_is_refused(pipeline: Any, guard: Guard) -> None:
    """Its calls would have it too."""
    made = transformers.TextGenerationPipeline(
        model=pipeline.model,
        tokenizer=pipeline.tokenizer,
        streamer=transformers.TextStreamer(pipeline.tokenizer),
    )
    with pytest.raises(RequestError, match="streamer"):
        guard.wrap(made)
