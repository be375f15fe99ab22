"""Token-classification models from a local folder: a text goes in, word pieces with the probability of each label come
out.

A folder holds `config.json` with `id2label`, `tokenizer.json`, and an ONNX file (onnxruntime on one thread) or safetensors
(transformers and torch). Pickled weights and code in the folder are never run, and nothing is downloaded. A long text is
read in windows that share a quarter of their tokens; each piece counts in the window where it has more around it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from guardrails.detectors import ConfigProblem, ConfigProblems

Scores = NDArray[np.float32]
Runtime = Callable[[Mapping[str, NDArray[np.int64]]], Scores]
"""The inputs by name, one row each → the scores of the labels, one row a token."""

PREFERRED: Final = ("model.onnx", "onnx/model.onnx")
"""The ONNX file of a folder, where there is one of these."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of a text in order: `spans` in its characters, and a row of probabilities for each."""

    spans: tuple[tuple[int, int], ...]
    probabilities: Scores


class TokenModel:
    """A model that is ready to run, also from several threads; `labels` are those of its columns."""

    def __init__(self, labels: tuple[str, ...], tokenizer: Tokenizer, run: Runtime, overlap: int) -> None:
        self.labels = labels
        self._tokenizer = tokenizer
        self._run = run
        self._overlap = overlap

    def pieces(self, text: str) -> Pieces:
        """Judge a text of any length; it must be encodable as UTF-8."""
        first = self._tokenizer.encode(text)
        windows = [first, *first.overflowing]
        spans: list[tuple[int, int]] = []
        rows = []
        for index, window in enumerate(windows):
            own = [at for at, special in enumerate(window.special_tokens_mask) if not special]
            # Half of what two windows share is the one's, half the other's.
            begin = self._overlap - self._overlap // 2 if index else 0
            end = len(own) - (self._overlap // 2 if index < len(windows) - 1 else 0)
            own = own[begin:end]
            spans += [window.offsets[at] for at in own]
            rows.append(_softmax(self._run(_inputs(window)))[own])
        return Pieces(tuple(spans), np.concatenate(rows))


def _inputs(window: Encoding) -> dict[str, NDArray[np.int64]]:
    columns = {
        "input_ids": window.ids,
        "attention_mask": window.attention_mask,
        "token_type_ids": window.type_ids,
    }
    return {name: np.array([values], dtype=np.int64) for name, values in columns.items()}


def _softmax(scores: Scores) -> Scores:
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), dtype=np.float32)


def load(folder: Path, file: str | None, runtime: str, window: int) -> TokenModel:
    """Load the model in `folder` and run it once, on the runtime `onnx` or `torch`, to read `window` tokens at a time.

    Raises `ConfigProblems` at the fields of a `ner:` block, with what is wrong in the folder or missing from the system.
    """
    settings = _settings(folder)
    labels = _labels(settings)
    tokenizer = _tokenizer(folder)
    positions = settings.get("max_position_embeddings")
    # Two less: RoBERTa and its kin begin to count after the number of padding.
    length = min(window, positions - 2) if isinstance(positions, int) and positions > 18 else window
    overlap = length // 4
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True  # `[SEP]` in a text is five characters, and no end of it
    tokenizer.enable_truncation(length, stride=overlap)
    run = _torch(folder) if runtime == "torch" else _onnx(_onnx_file(folder, file))
    model = TokenModel(labels, tokenizer, run, overlap)
    try:
        columns = model.pieces("Jo Doe, 1 Main St").probabilities.shape[-1]
    except Exception as error:
        raise _wrong(f"the model does not run: {_first_line(error)}") from error
    if columns != len(labels):
        raise _wrong(f"the model gives {columns} scores a token, but config.json names {len(labels)} labels")
    return model


def _wrong(
    message: str, field: str = "model", hint: str = "", code: str = "unreadable_model"
) -> ConfigProblems:
    return ConfigProblems([ConfigProblem(code, message, ("ner", field), hint=hint)])


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


def _settings(folder: Path) -> dict[str, Any]:
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong("the folder has no config.json") from error
    except (OSError, ValueError) as error:
        raise _wrong(f"config.json: {error}") from error
    if not isinstance(settings, dict):
        raise _wrong("config.json is no mapping")
    return settings


def _labels(settings: Mapping[str, Any]) -> tuple[str, ...]:
    named = settings.get("id2label")
    if not isinstance(named, dict) or {*named} != {str(at) for at in range(len(named))} or not named:
        hint = "it names the label of each column, as {'0': 'O', '1': 'B-PER', …}"
        raise _wrong("config.json has no id2label with the numbers from 0", hint=hint)
    return tuple(str(named[str(at)]) for at in range(len(named)))


def _tokenizer(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    if not path.is_file():
        hint = "save the fast tokenizer of the model: AutoTokenizer.from_pretrained(…).save_pretrained(…)"
        raise _wrong("the folder has no tokenizer.json", hint=hint)
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise _wrong(f"tokenizer.json: {_first_line(error)}") from error


def _onnx_file(folder: Path, file: str | None) -> Path:
    if file is not None:
        path = folder / file
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise _wrong(f"the model's folder has no file {file!r}", "file")
        return path
    for name in PREFERRED:
        if (folder / name).is_file():
            return folder / name
    found = sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx")])
    if len(found) == 1:
        return found[0]
    if not found:
        raise _wrong(
            "the folder has no ONNX file", hint="export one, or run safetensors with 'runtime: torch'"
        )
    several = ", ".join(path.relative_to(folder).as_posix() for path in found)
    raise _wrong(f"the folder has several ONNX files: {several}", hint="name one by 'file:'")


def _onnx(path: Path) -> Runtime:
    try:
        onnxruntime: Any = import_module("onnxruntime")
    except ModuleNotFoundError as error:
        hint = "pip install 'guardrails-middleware[pii]'"
        raise _wrong("onnxruntime is not installed", "runtime", hint, "missing_extra") from error
    options = onnxruntime.SessionOptions()
    # Texts run beside one another on the pipeline's workers; threads that spin for work take those workers' time.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _wrong(f"{path.name}: {_first_line(error)}") from error
    taken = [each.name for each in session.get_inputs()]
    unknown = sorted({*taken} - {"input_ids", "attention_mask", "token_type_ids"})
    if unknown:
        raise _wrong(f"{path.name} wants inputs that no text has: {', '.join(unknown)}")

    def run(inputs: Mapping[str, NDArray[np.int64]]) -> Scores:
        (scores,) = session.run(None, {name: inputs[name] for name in taken})[0]
        return np.asarray(scores, dtype=np.float32)

    return run


def _torch(folder: Path) -> Runtime:
    try:
        torch: Any = import_module("torch")
        transformers: Any = import_module("transformers")
    except ModuleNotFoundError as error:
        message = f"runtime 'torch' needs the package {error.name!r}, which is not installed"
        raise _wrong(message, "runtime", "pip install transformers torch", "missing_extra") from error
    try:
        model = transformers.AutoModelForTokenClassification.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except Exception as error:
        raise _wrong(_first_line(error), hint="the folder needs model.safetensors") from error
    model.eval()

    def run(inputs: Mapping[str, NDArray[np.int64]]) -> Scores:
        with torch.inference_mode():
            given = {name: torch.from_numpy(values) for name, values in inputs.items() if name in taken}
            return np.asarray(model(**given).logits[0].float().numpy(), dtype=np.float32)

    taken = frozenset(import_module("inspect").signature(model.forward).parameters)
    return run
