"""Runs Whisper by CTranslate2 on the processor, from weights that packages bring, without torch.

    model = load_whisper(folder, "en")
    found = model.transcribe(samples)                   # a text, words with their times, and whether that is to be relied on

Whisper writes fluent sentences whatever it hears: noise, music, a language that it does not know. What gives that away are its
own numbers: how likely it holds what it wrote, whether that goes round in circles, whether it hears speech at all, and in which
language, where it knows several. Such a text has a `doubt`. The likeliest token is taken each time and none is drawn, so that the
same sound has the same text; what is written of a piece is bounded by its length.

The weights are loaded with the first sound. Each sound has one core. The threads of CTranslate2 do not live on in a process that
is forked, which loads the weights anew.
"""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from guardrails.cancellation import check
from guardrails.fork_safety import fork_safe_lock, reset_after_fork
from guardrails.inference.media.log_mel import FRAMES, HOP, RATE, log_mel
from guardrails.inference.media.speech import Part, Transcription
from guardrails.inference.media.third_party_model import ThirdPartyModel, read_third_party_model
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.shared_models import SharedModels
from guardrails.processor.cores import count_cores

Samples = NDArray[np.float32]

THREADS: Final = 4
"""Sounds that are transcribed at a time, at most: the others wait for their turn."""

RUN: Final = ("model.bin", "config.json", "vocabulary.txt")
"""The files that CTranslate2 reads."""

TICK_S: Final = 0.02
"""Seconds from one of the model's times to the next."""

TOKENS: Final = 224
"""Tokens that the model was taught to write of half a minute, at most."""

SPARE: Final = 16
PER_SECOND: Final = 12
"""Tokens that may be written of a piece, and more of them for each second: nobody says as much."""

LEFT_S: Final = 1.2
"""Seconds at the end of a piece, of which nothing was written, from which on they are read by themselves: a piece goes on for 0.4
seconds behind the voice, and the model's times are rough.
"""

PASSES: Final = 4
"""Times that a piece is read, at most."""

UNLIKELY: Final = -0.75
FEW: Final = 1.5
"""The least mean of the natural logarithms of how likely tokens are, and how much less it may be for a single token: the fewer
there are, the less it says.
"""

SUSPICION: Final = 0.4
"""How much is taken off where it is certain that there is no speech: what is said in another language is not quite any to it."""

CIRCLES: Final = 2.0
"""How many times smaller a text gets by compression where it goes round in circles: prose of half a minute stays below 1.8."""

SPEECHLESS: Final = 0.6
"""How likely there is no speech from which on an unlikely text is taken for none, as OpenAI's code has it."""

SILENT: Final = 0.9
"""From which on any text is."""

TOLD: Final = 0.5
"""How likely a language is at least for it to be told."""

UNSPACED: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue"})
"""Languages that put no spaces between words: what has a time is each token."""

UNCLEAR: Final = "is unclear, or in a language that the model does not know"
NO_SPEECH: Final = "the model takes for no speech"
UNTOLD: Final = "is in a language that cannot be told"
UNTRIED: Final = "is in a language that the model was not tried with ({})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading a piece once.

    Attributes:
        text: what is said.
        parts: its words with their times.
        end_s: up to which second of the piece it was written down.
        tokens: how many were written, times included.
        likely: the mean of the natural logarithms of how likely each token is.
        speechless: how likely there is no speech.
        cut: whether it went on until it was ended.
    """

    text: str
    parts: tuple[Part, ...]
    end_s: float
    tokens: int
    likely: float
    speechless: float
    cut: bool

    @property
    def is_unlikely(self) -> bool:
        """Whether the model itself holds the text for unlikely."""
        return self.likely - SUSPICION * self.speechless < UNLIKELY - FEW / max(1, self.tokens)

    @property
    def is_speech(self) -> bool:
        """Whether the text is one of speech."""
        return not (self.speechless > SILENT or (self.speechless > SPEECHLESS and self.is_unlikely))

    @property
    def doubt(self) -> str | None:
        """Why it is not to be relied on; None where it is."""
        if not self.is_speech:
            return NO_SPEECH
        return UNCLEAR if self.is_unlikely or self.cut or goes_in_circles(self.text) else None


def goes_in_circles(text: str) -> bool:
    """Tell whether a text says the same again and again."""
    data = text.encode()
    return len(data) > CIRCLES * len(zlib.compress(data))


class WhisperModel:
    """A model of Whisper, for several threads at once."""

    def __init__(self, folder: Path, language: str | None) -> None:
        """Take the folder of its manifest, and the code of the language that is spoken, None where the model finds that out.

        Raises:
            ModelError: it is not installed, or not whole.
        """
        self.of = read_third_party_model(folder)
        try:
            import_module("ctranslate2")
        except ModuleNotFoundError as error:
            message = "it is run by the package 'ctranslate2', which is not installed"
            raise ModelError(message, self.of.cure, code="missing_extra") from error
        self.of.verify()
        self._language = language
        self._lock = fork_safe_lock()
        self._runtime: WhisperRuntime | None = None
        reset_after_fork(self)

    def reset_in_child(self) -> None:
        """Load the weights anew: the threads that run them stayed behind in the parent, and what is freed waits for them, so that
        it stays in memory.
        """
        if self._runtime is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._runtime))
            self._runtime = None

    def transcribe(self, samples: Samples) -> Transcription:
        """Return what is said in at most half a minute at 16 kHz.

        Raises:
            ModelError: the weights are not those any more that they were, or cannot be loaded.
            Cancelled: nobody waits for it any more.
        """
        with self._lock:
            if self._runtime is None:
                self._runtime = WhisperRuntime(self.of)
            runtime = self._runtime
        return transcribe_piece(runtime, samples, self._language)


class PieceReader(Protocol):
    """What reads a piece of sound once."""

    def encode(self, samples: Samples) -> Any:
        """Return what the model makes of a sound before it writes."""
        ...

    def tell_language(self, encoded: Any) -> tuple[str, str | None]:
        """Return the language that is spoken in it, and a doubt where there is one."""
        ...

    def read(self, encoded: Any, language: str, samples: int) -> Reading:
        """Return what is said in it; it has so many samples."""
        ...


def transcribe_piece(reader: PieceReader, samples: Samples, language: str | None) -> Transcription:
    """Return what is said in a piece: where the model stops writing before the end, it reads the rest again.

    Raises:
        Cancelled: nobody waits for it any more.
    """
    found: list[tuple[float, Reading]] = []
    doubts: list[str | None] = []
    at_s, whole_s = 0.0, len(samples) / RATE
    for turn in range(PASSES):
        if turn and whole_s - at_s < LEFT_S:
            break
        check()
        left = samples[round(at_s * RATE) :]
        encoded = reader.encode(left)
        if language is None:
            language, doubt = reader.tell_language(encoded)
            doubts.append(doubt)
        reading = reader.read(encoded, language, len(left))
        doubts.append(reading.doubt)
        if reading.text and reading.is_speech:
            found.append((at_s, reading))
        at_s += max(reading.end_s, LEFT_S)
    else:
        doubts.append(UNCLEAR if whole_s - at_s >= LEFT_S else None)
    return Transcription(
        " ".join(reading.text for _, reading in found),
        tuple(part for start_s, reading in found for part in _move(reading.parts, start_s)),
        next((doubt for doubt in doubts if doubt), None),
    )


def _move(parts: Sequence[Part], by_s: float) -> Iterator[Part]:
    for word, start, end in parts:
        yield word, None if start is None else start + by_s, None if end is None else end + by_s


class WhisperRuntime:
    """The weights, loaded, and their tokenizer: a `PieceReader`."""

    def __init__(self, of: ThirdPartyModel) -> None:
        """Load a model; raises `ModelError`."""
        contents = of.read()
        self._engine: Any = import_module("ctranslate2")
        try:
            self._model = self._engine.models.Whisper(
                of.name,
                device="cpu",
                compute_type="int8",
                inter_threads=min(THREADS, count_cores()),
                intra_threads=1,
                files={name: contents[name] for name in RUN},
            )
            self._tokenizer: Any = import_module("tokenizers").Tokenizer.from_buffer(
                contents["tokenizer.json"]
            )
        except Exception as error:
            raise ModelError(f"the model cannot be loaded: {first_line(error)}") from error
        self._languages = of.languages
        self._end, self._start, self._first_time = map(
            self._tokenizer.token_to_id, ("<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>")
        )

    def encode(self, samples: Samples) -> Any:
        """Return what the model makes of a sound before it writes."""
        features = log_mel(samples, self._model.n_mels)[None]
        return self._model.encode(self._engine.StorageView.from_array(features))

    def tell_language(self, encoded: Any) -> tuple[str, str | None]:
        """Return the language that is spoken, the only one of a model that knows no other, and a doubt where the model was not
        tried with that.
        """
        if not self._model.is_multilingual:
            return self._languages[0], None
        token, likely = self._model.detect_language(encoded)[0][0]
        language = str(token).strip("<|>")
        if likely < TOLD:
            return language, UNTOLD
        return language, None if language in self._languages else UNTRIED.format(language)

    def read(self, encoded: Any, language: str, samples: int) -> Reading:
        """Return what is said in a sound of so many samples, which was encoded."""
        prompt = [self._start]
        if self._model.is_multilingual:
            prompt += [self._tokenizer.token_to_id(f"<|{each}|>") for each in (language, "transcribe")]
        most = min(TOKENS, SPARE + PER_SECOND * samples // RATE)
        [result] = self._model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=len(prompt) + most,
            return_scores=True,
            return_no_speech_prob=True,
        )
        written = result.sequences_ids[0]
        ids = [each for each in written if each < self._end]
        last = written[-1] - self._first_time - 1 if written else -1
        return Reading(
            text=str(self._tokenizer.decode(ids)).strip(),
            parts=tuple(self._align(encoded, prompt, ids, samples, spaced=language not in UNSPACED)),
            end_s=last * TICK_S if last >= 0 else samples / RATE,
            tokens=len(written),
            likely=result.scores[0] * len(written) / (len(written) + 1),
            speechless=result.no_speech_prob,
            cut=len(written) >= most,
        )

    def _align(
        self, encoded: Any, prompt: list[int], ids: list[int], samples: int, *, spaced: bool
    ) -> Iterator[Part]:
        """Yield the words of a text with their times, by what the model looked at when it wrote each token."""
        if not ids:
            return
        [found] = self._model.align(encoded, prompt, [ids], max(2, min(FRAMES, samples // HOP)))
        begins: dict[int, int] = {}
        for token, tick in found.alignments:
            begins.setdefault(token, tick)
        last = found.alignments[-1][1] if found.alignments else 0
        for first, behind in split_words([self._tokenizer.decode([each]) for each in ids], spaced=spaced):
            start = begins.get(first, last)
            word = str(self._tokenizer.decode(ids[first:behind]))
            yield word, start * TICK_S, max(start + 1, begins.get(behind, last)) * TICK_S


def split_words(tokens: Sequence[str], *, spaced: bool) -> Iterator[tuple[int, int]]:
    """Yield where the words of some tokens begin and end: with a space before each where they are spaced; else each token is one,
    and so are those that spell a character together.
    """
    first = 0
    for at in range(1, len(tokens)):
        begins = tokens[at].startswith(" ") if spaced else "\ufffd" not in tokens[at - 1] + tokens[at]
        if begins:
            yield first, at
            first = at
    if tokens:
        yield first, len(tokens)


_SHARED = SharedModels(WhisperModel)


def load_whisper(folder: Path, language: str | None = None) -> WhisperModel:
    """Return the model whose manifest lies in a folder; the same for all who ask for the same one in the same language.

    Raises:
        ModelError: it is not installed, or not whole.
    """
    return _SHARED.get(folder, language)
