"""Runs generative models from a local folder: answers to a conversation, with their probabilities.

    model = load_generative_model(folder, GenerativeOptions(device="cpu"))
    prompt = model.render([{"role": "user", "content": "…"}], {})
    said = model.generate(prompt, most=48, top=10)

The folder's own chat template makes the prompt, and it must show the texts that it was given: a template that leaves out what
is to be judged, or what for, is an error and no empty question. The likeliest token is taken in each place, so that the same
text has the same answer. Pickled weights and code in the folder are never run, nothing is downloaded, and weights that lack a
part are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from guardrails.fork_safety import fork_safe_lock
from guardrails.inference.hub.runtimes import Precision
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.shared_models import SharedModels

Message = Mapping[str, str]

Token = tuple[str, float, tuple[tuple[str, float], ...]]
"""A token's text and natural log-probability, and those of the likeliest in its place."""


@dataclass(frozen=True, slots=True)
class GenerativeOptions:
    """How to run a model; what is None is chosen: a graphics card where there is one, and the numbers of the folder."""

    device: str | None = None
    precision: Precision | None = None


@dataclass(frozen=True, slots=True)
class GeneratedAnswer:
    """An answer without the token that ends it; `ended` says whether there was one."""

    text: str
    tokens: tuple[Token, ...]
    ended: bool


class GenerativeModel:
    """A model that is ready to run, by one thread at a time; `special` are the tokens that no text may bring along."""

    def __init__(self, folder: Path, options: GenerativeOptions) -> None:
        """Load the model; raises `ModelError`."""
        try:
            self._torch: Any = import_module("torch")
            transformers: Any = import_module("transformers")
        except ModuleNotFoundError as error:
            message = f"a model in this process needs the package {error.name!r}, which is not installed"
            hint = "pip install 'guardrails-middleware[models]', or name an 'endpoint' that serves the model"
            raise ModelError(message, hint, code="missing_extra") from error
        self._tokenizer: Any = _tokenizer(transformers, folder)
        model, report = _load_model(transformers, folder, options)
        if lost := sorted(report["missing_keys"]):
            shown = ", ".join(lost[:4]) + (", …" if len(lost) > 4 else "")
            hint = "these weights are of another kind of model: take the guard model's own"
            raise ModelError(f"the weights lack {shown}", hint)
        self._device = options.device or ("cuda" if self._torch.cuda.is_available() else "cpu")
        try:
            self._model = model.to(device=self._device).eval()
        except Exception as error:
            hint = "'device: cpu' runs everywhere"
            raise ModelError(f"device {self._device!r}: {first_line(error)}", hint, field="device") from error
        self._ends = _ends(model, self._tokenizer)
        # None of the folder's wishes on sampling holds.
        model.generation_config = transformers.GenerationConfig(
            do_sample=False, eos_token_id=[*self._ends], pad_token_id=min(self._ends)
        )
        self._most = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        added = self._tokenizer.added_tokens_decoder.values()
        self.special = tuple(sorted({str(each) for each in added if each.special}, key=len, reverse=True))
        self._in_parts = False
        self._lock = fork_safe_lock()

    def render(self, messages: Sequence[Message], arguments: Mapping[str, Any]) -> str:
        """Return what the chat template makes of a conversation, with its further arguments.

        Raises:
            ModelError: there is no template, it fails, or it does not show all messages and all texts of the arguments.
        """
        if not self._tokenizer.chat_template:
            hint = "it stands in chat_template.jinja or tokenizer_config.json of the model's own folder"
            raise ModelError("the folder has no chat template", hint)
        texts = [*(message["content"] for message in messages), *_texts(arguments)]
        failed: Exception | None = None
        for in_parts in (self._in_parts, not self._in_parts):
            try:
                found = self._template(messages, arguments, in_parts)
            except Exception as error:
                failed = error
                continue
            if all(text.strip() in found for text in texts) and not (
                in_parts and _prints_lists(messages, found)
            ):
                self._in_parts = in_parts
                return found
        if failed is not None:
            raise ModelError(f"the chat template fails ({type(failed).__name__})") from failed
        raise ModelError(
            "the chat template leaves out a part of what is to be judged, or what for",
            "take the template of the model's own folder, and the 'form' that fits it",
        )

    def _template(self, messages: Sequence[Message], arguments: Mapping[str, Any], in_parts: bool) -> str:
        """Render messages, whose content is text or, for templates that want that, a list of parts."""
        given = [
            {**message, "content": _parts(message["content"]) if in_parts else message["content"]}
            for message in messages
        ]
        return str(
            self._tokenizer.apply_chat_template(
                given, tokenize=False, add_generation_prompt=True, **arguments
            )
        )

    def generate(self, prompt: str, *, most: int, top: int, begin: bool = False) -> GeneratedAnswer:
        """Return how the model goes on, with the `top` likeliest tokens in each place.

        Args:
            prompt: all that it reads.
            most: tokens that it may say.
            top: how many tokens to tell of.
            begin: the prompt lacks the token that begins a text.

        Raises:
            ModelError: there is no room for so many tokens.
            ArithmeticError: a probability is no number.
        """
        with self._lock, self._torch.inference_mode():
            return self._say(prompt, most, top, begin)

    def _say(self, prompt: str, most: int, top: int, begin: bool) -> GeneratedAnswer:
        read = self._tokenizer(prompt, add_special_tokens=begin, return_tensors="pt")
        given = {name: read[name].to(self._device) for name in ("input_ids", "attention_mask")}
        length = given["input_ids"].shape[1]
        if self._most is not None and length + most > self._most:
            raise ModelError(f"{length} tokens and {most} of an answer are more than the model can hold")
        out = self._model.generate(
            **given, max_new_tokens=most, output_logits=True, return_dict_in_generate=True
        )
        ids = out.sequences[0, length:].tolist()
        logits = self._torch.cat(out.logits).float().cpu()
        if self._torch.isnan(logits).any():
            raise ArithmeticError("the model gave a probability that is no number")
        ended = bool(ids) and ids[-1] in self._ends
        if ended:
            ids, logits = ids[:-1], logits[:-1]
        return GeneratedAnswer(
            self._text(ids), self._tokens(ids, self._torch.log_softmax(logits, -1), top), ended
        )

    def _tokens(self, ids: Sequence[int], logprobs: Any, top: int) -> tuple[Token, ...]:
        found = []
        before: list[int] = []
        for at, own in enumerate(ids):
            values, likely = logprobs[at].topk(min(top, logprobs.shape[-1]))
            texts = [self._behind(before, each) for each in likely.tolist()]
            pairs = tuple(zip(texts, values.tolist(), strict=True))
            found.append((self._behind(before, own), float(logprobs[at, own]), pairs))
            before = [own]
        return tuple(found)

    def _behind(self, before: list[int], token: int) -> str:
        """Return the text of a token behind another one: some tokenizers leave out a space at the beginning."""
        return self._text([*before, token])[len(self._text(before)) :]

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))


def _parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def _prints_lists(messages: Sequence[Message], found: str) -> bool:
    """Tell whether a template printed lists of parts as Python does: it wants texts."""
    return any(repr(_parts(message["content"])) in found for message in messages)


def _texts(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts among the arguments of a template, at any depth; what has no space in it is a name."""
    for value in arguments.values():
        if isinstance(value, Mapping):
            yield from _texts(value)
        elif isinstance(value, str) and " " in value.strip():
            yield value


def _tokenizer(transformers: Any, folder: Path) -> Any:
    try:
        return transformers.AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise ModelError(f"the tokenizer: {first_line(error)}", "copy the model's whole folder") from error


def _load_model(transformers: Any, folder: Path, options: GenerativeOptions) -> tuple[Any, Mapping[str, Any]]:
    """Return the model (of one that sees as well: the part that reads), and what the library says of its weights."""
    logging = transformers.utils.logging
    drew, said = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()  # what it warns of is looked at in its report
    try:
        model, report = transformers.AutoModelForCausalLM.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=options.precision or "auto",
            output_loading_info=True,
        )
    except Exception as error:
        raise ModelError(first_line(error), "the folder needs model.safetensors") from error
    finally:
        logging.set_verbosity(said)
        if drew:
            logging.enable_progress_bar()
    return model, report


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end an answer; raises `ModelError` where there are none."""
    for said in (model.generation_config.eos_token_id, tokenizer.eos_token_id):
        if said is not None:
            return frozenset([said] if isinstance(said, int) else said)
    raise ModelError(
        "the folder names no token that ends an answer", "it is eos_token_id of generation_config.json"
    )


_SHARED = SharedModels(GenerativeModel)


def load_generative_model(folder: Path, options: GenerativeOptions) -> GenerativeModel:
    """Return the model in a folder; the same for all who ask for the same files with the same options.

    Raises:
        ModelError: what is wrong with the folder or the options, or what is missing from the system.
    """
    return _SHARED.get(folder, options)
