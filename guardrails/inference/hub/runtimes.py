"""Runs a model's folder on ONNX Runtime or torch: rows of tokens to logits.

Pickled weights and code in the folder are never run, nothing is downloaded, and weights that lack a part of the model are
refused (transformers would fill it with random numbers). ONNX Runtime runs rows beside one another, each on one thread.
Torch uses all cores for one row, so on a processor it runs one at a time; how many run at once on a device is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from guardrails.fork_safety import fork_safe_lock
from guardrails.inference.hub.labels import SAVED, read_tokenizer
from guardrails.inference.onnx import open_session
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.scores import Scores

Inputs = Mapping[str, NDArray[np.int64]]
"""The inputs by name, one row each."""

Precision = Literal["float32", "bfloat16", "float16"]
"""What torch computes with."""

UNPICKLED: Final = "the folder needs model.safetensors: from_pretrained(…).save_pretrained(…) writes it, once, of other weights"

TAKEN: Final = ("input_ids", "attention_mask", "token_type_ids")
"""What can be given to a model of texts."""

PREFERRED: Final = ("model.onnx", "onnx/model.onnx")
"""The ONNX file of a folder, where there is one of these."""

VOCABULARIES: Final = (
    *("vocab.txt", "vocab.json", "spm.model", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model"),
)
"""Files of tokenizers from before `tokenizer.json`."""

WHOLE: Final = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
"""The types of numbers that tokens are given in."""


class ModelRuntime(Protocol):
    """A model that is ready to run. `concurrent` says whether several threads may run it at once with gain."""

    concurrent: bool

    def run(self, inputs: Inputs) -> Scores:
        """Return the logits of all rows."""
        ...


def list_onnx_files(folder: Path) -> list[Path]:
    """Return the ONNX files of a folder."""
    return sorted([*folder.glob("*.onnx"), *folder.glob("onnx/*.onnx")])


def choose_onnx_file(folder: Path, file: str | None) -> Path:
    """Return the ONNX file of that name in the folder, or the one that is meant without any; raises `ModelError`."""
    if file is not None:
        pure = PurePosixPath(file)
        if pure.is_absolute() or ".." in pure.parts or not (folder / file).is_file():
            raise ModelError(f"the model's folder has no file {file!r}", field="file")
        return folder / file
    for name in PREFERRED:
        if (folder / name).is_file():
            return folder / name
    found = list_onnx_files(folder)
    if len(found) == 1:
        return found[0]
    if not found:
        hint = "export one, or run safetensors with 'runtime: torch'"
        raise ModelError("the folder has no ONNX file", hint)
    several = ", ".join(path.relative_to(folder).as_posix() for path in found)
    raise ModelError(f"the folder has several ONNX files: {several}", "name one by 'file:'")


class OnnxRuntime:
    """ONNX Runtime on the CPU, on one thread that never spins; raises `ModelError` for what is no model of texts."""

    concurrent = True

    def __init__(self, path: Path, wanted: Sequence[str] = ("logits",)) -> None:
        """Load a file; what it gives is the first of the `wanted` outputs that it has, or its first."""
        try:
            self._session = open_session(path)
        except ModuleNotFoundError as error:
            raise _absent("onnxruntime", "pip install onnxruntime") from error
        self._taken = {each.name: WHOLE.get(each.type) for each in self._session.get_inputs()}
        unknown = sorted(name for name, kind in self._taken.items() if name not in TAKEN or kind is None)
        if unknown:
            raise ModelError(f"{path.name} wants inputs that no text has: {', '.join(unknown)}")
        given = [each.name for each in self._session.get_outputs()]
        self._given = next((name for name in wanted if name in given), given[0])

    def run(self, inputs: Inputs) -> Scores:
        given = {name: inputs[name].astype(kind, copy=False) for name, kind in self._taken.items()}
        return np.asarray(self._session.run([self._given], given)[0], dtype=np.float32)


class TorchRuntime:
    """A model of the transformers library, from safetensors; `auto` is the class that reads the folder.

    Raises `ModelError` for what is not installed, not whole or not to be had (a device, a precision).
    """

    concurrent = False

    def __init__(
        self,
        folder: Path,
        auto: str,
        device: str = "cpu",
        precision: Precision = "float32",
        *,
        given: str = "logits",
        spare: str | None = None,
    ) -> None:
        """Load a folder; `given` is the output that is read, and weights that begin with `spare` may be missing."""
        try:
            self._torch: Any = import_module("torch")
            transformers: Any = import_module("transformers")
        except ModuleNotFoundError as error:
            raise _absent(
                str(error.name), "pip install 'guardrails-middleware[models]'", "runtime 'torch'"
            ) from error
        with _Quiet(transformers):
            try:
                model, report = getattr(transformers, auto).from_pretrained(
                    str(folder),
                    local_files_only=True,
                    use_safetensors=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
            except Exception as error:
                raise ModelError(first_line(error), UNPICKLED) from error
        missing = report["missing_keys"]
        if lost := sorted(key for key in missing if spare is None or not key.startswith(spare)):
            shown = ", ".join(lost[:4]) + (", …" if len(lost) > 4 else "")
            hint = "these weights are of another kind of model: take the fine-tuned one"
            raise ModelError(f"the weights lack {shown}", hint)
        try:
            self._model = model.to(device=device, dtype=getattr(self._torch, precision)).eval()
        except Exception as error:
            hint = "'device: cpu' runs everywhere"
            raise ModelError(f"device {device!r}: {first_line(error)}", hint, field="device") from error
        self._device, self._given = device, given
        self._taken = frozenset(import_module("inspect").signature(model.forward).parameters)
        self._lock = fork_safe_lock()

    def run(self, inputs: Inputs) -> Scores:
        torch = self._torch
        given = {
            name: torch.from_numpy(values).to(self._device)
            for name, values in inputs.items()
            if name in self._taken
        }
        with self._lock, torch.inference_mode():
            found = getattr(self._model(**given), self._given)
            return np.asarray(found.float().cpu().numpy(), dtype=np.float32)


def read_vocabulary(folder: Path) -> bytes:
    """Return `tokenizer.json`, or what transformers makes of a folder's older files where there is none.

    Raises `ModelError`.
    """
    if (folder / "tokenizer.json").exists() or not any((folder / name).is_file() for name in VOCABULARIES):
        return read_tokenizer(folder)
    try:
        transformers: Any = import_module("transformers")
    except ModuleNotFoundError as error:
        message = "the folder has no tokenizer.json, and transformers, which makes one of older files, is not installed"
        raise ModelError(message, SAVED) from error
    with _Quiet(transformers):
        try:
            made = transformers.AutoTokenizer.from_pretrained(
                str(folder), local_files_only=True, trust_remote_code=False
            )
            return str(made.backend_tokenizer.to_str()).encode()
        except Exception as error:
            raise ModelError(f"no tokenizer.json could be made: {first_line(error)}", SAVED) from error


class _Quiet:
    """Keeps transformers from drawing progress bars for the time of a load."""

    def __init__(self, transformers: Any) -> None:
        self._logging = transformers.utils.logging

    def __enter__(self) -> None:
        self._drew = self._logging.is_progress_bar_enabled()
        self._logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        if self._drew:
            self._logging.enable_progress_bar()


def _absent(package: str, hint: str, whose: str = "runtime 'onnx'") -> ModelError:
    message = f"{whose} needs the package {package!r}, which is not installed"
    return ModelError(message, hint, field="runtime", code="missing_extra")
