"""Runs models that write down speech, from a local folder, with times.

    model = load_speech_model(folder, SpeechOptions())
    found = model.transcribe(samples)                   # "hello there", (("hello", 0.1, 0.4), …)

Whatever the transformers library knows as such a model: Whisper and others that write a text, wav2vec2 and others that spell
(CTC). The folder's own tokenizer and preprocessor are used; pickled weights and code in it are never run, nothing is
downloaded, and weights that lack a part are refused. Runs by one thread at a time.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.hub.labels import read_config
from guardrails.inference.hub.runtimes import Precision, TorchRuntime
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.shared_models import SharedModels

RATE: Final = 16_000


Part = tuple[str, float | None, float | None]
"""A word or a sentence, and from which second to which it is said, where the model tells."""


@dataclass(frozen=True, slots=True)
class Transcription:
    """What is said in a piece of sound.

    Attributes:
        text: all of it.
        parts: its words or sentences with their times.
        doubt: why the text is not to be relied on, as what follows "speech that …"; None where the model does not say so.
    """

    text: str
    parts: tuple[Part, ...] = ()
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How to run a model; `language` is the code of what is spoken, None where the model finds that out."""

    device: str = "cpu"
    precision: Precision = "float32"
    language: str | None = None


class SpeechModel(TorchRuntime):
    """A model that is ready to run."""

    def __init__(self, folder: Path, options: SpeechOptions) -> None:
        """Load the model and run it once; raises `ModelError`."""
        of = read_config(folder)
        spells = any(str(each).endswith("ForCTC") for each in of.get("architectures") or ())
        super().__init__(
            folder,
            "AutoModelForCTC" if spells else "AutoModelForSpeechSeq2Seq",
            options.device,
            options.precision,
        )
        own = getattr(self._model, "generation_config", None)
        if spells or getattr(own, "alignment_heads", None):
            self._times: Any = "word"
        else:
            self._times = True if of.get("model_type") == "whisper" else None
        self._wishes: dict[str, Any] = (
            {} if spells else {"generate_kwargs": _generation_options(of, own, options.language)}
        )
        try:
            self._pipe: Any = self._transcribe_piped(folder)
            self.transcribe(np.zeros(RATE, np.float32))
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def _transcribe_piped(self, folder: Path) -> Any:
        transformers: Any = import_module("transformers")
        local = {"local_files_only": True, "trust_remote_code": False}
        features = transformers.AutoFeatureExtractor.from_pretrained(str(folder), **local)
        if getattr(features, "sampling_rate", RATE) != RATE:
            raise ModelError(f"the model hears {features.sampling_rate} Hz, not {RATE}")
        return transformers.pipeline(
            "automatic-speech-recognition",
            model=self._model,
            tokenizer=transformers.AutoTokenizer.from_pretrained(str(folder), **local),
            feature_extractor=features,
            device=self._device,
        )

    def transcribe(self, samples: NDArray[np.float32]) -> Transcription:
        """Return what is said in at most half a minute at 16 kHz."""
        given = {"raw": np.ascontiguousarray(samples, np.float32), "sampling_rate": RATE}
        wishes = self._wishes if self._times is None else {**self._wishes, "return_timestamps": self._times}
        with self._lock, self._torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._pipe(given, **wishes)
        parts = tuple((str(each["text"]), *_times(each["timestamp"])) for each in found.get("chunks") or ())
        return Transcription(str(found["text"]), parts)


def _times(given: Any) -> tuple[float | None, float | None]:
    start, end = given
    return None if start is None else float(start), None if end is None else float(end)


def _generation_options(of: dict[str, Any], own: Any, language: str | None) -> dict[str, Any]:
    """Return how a model that writes is asked: the likeliest text, in the language that is spoken."""
    found: dict[str, Any] = {"do_sample": False, "num_beams": 1}
    if of.get("model_type") == "whisper" and getattr(own, "is_multilingual", False):
        found["task"] = "transcribe"
        if language is not None:
            found["language"] = language
    return found


_SHARED = SharedModels(SpeechModel)


def load_speech_model(folder: Path, options: SpeechOptions | None = None) -> SpeechModel:
    """Return the model in a folder; the same for all who ask for the same files with the same options.

    Raises:
        ModelError: what is wrong with the folder or the options, or what is missing from the system.
    """
    return _SHARED.get(folder, options or SpeechOptions())
