"""The `transcript` extractor: when somebody speaks in sounds and films, and what is said.

It finds nothing itself: what it hears is judged as a text that stands where the sound does, with `speech` as its origin, and what
is found in it has a clip. Where somebody speaks is found by Silero VAD, which comes with the package; what they say is
transcribed by a service that speaks OpenAI's protocol, or by a model in this process. With neither, speech is `unchecked: audio`;
with a model that says of itself that it does not understand, so is what it did not, and the text is judged all the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from guardrails.cancellation import check
from guardrails.detectors import ConfigProblem, ConfigProblems, PolicyFiles
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import Kind
from guardrails.detectors.language.scripts import NAMES, suggest_code
from guardrails.detectors.speech.transcribers import LocalTranscriber, RemoteTranscriber, Transcriber
from guardrails.detectors.speech.transcript_text import SpokenText, Transcript, join_transcripts
from guardrails.inference.hub.runtimes import Precision
from guardrails.inference.safety.folder import SHIPPED as MODELS
from guardrails.inference.safety.folder import ModelError, read_manifest_file
from guardrails.remote.endpoint import RemoteError
from guardrails.types import CLEAN, Content, Detection, UnavailableReason, Unchecked

if TYPE_CHECKING:
    from pathlib import Path

    from guardrails.detectors.speech.speech_pieces import SpeechPiece
    from guardrails.inference.media.voice import Samples, Stretch
    from guardrails.inference.media.whisper import WhisperModel

LOCAL: Final = ("device", "precision", "revision", "download")
"""The fields that say how a model runs in this process."""

SERVED: Final = ("answer",)
"""The fields that say how a service answers."""

THIRD_PARTY: Final = {
    "whisper-tiny.en": MODELS / "whisper_tiny_en",
    "whisper-base": MODELS / "whisper_base",
}
"""The models that an extra installs, by the names that policies call them by: the folders of their manifests."""

PLAIN: Final = "gpt-"
"""OpenAI's models of these names give texts alone; `whisper-1` gives times too."""


class TranscriptConfig(Config):
    """What is said in sounds and films, for all rules on texts."""

    use: Literal["transcript"]
    """The kind of detector."""
    model: str | None = Field(
        default=None, min_length=1, examples=["whisper-tiny.en", "whisper-1", "models/whisper-small"]
    )
    """The name that the server serves the model under; without an endpoint the name of one that an extra installs
    (`whisper-tiny.en`: English, extra `speech`; `whisper-base`: several languages, extra `speech-multilingual`), its name on the
    hub (org/name), or its folder: relative to the policy, or to the operator's folder (GUARDRAILS_MODELS). Where it is left out
    nothing is transcribed: silence is known from speech, and speech is `unchecked: audio`."""
    endpoint: str | None = Field(default=None, min_length=1, examples=["whisper"])
    """The server, by the name that the operator declares it under: any that speaks OpenAI's `/audio/transcriptions`; it needs
    more time (`timeout_ms`) than the endpoints of texts. Where it is left out the model runs in this process: one
    that an extra installs by CTranslate2, any other by transformers and torch."""
    language: str | None = Field(default=None, examples=["en"])
    """The ISO 639-1 code of the language that is spoken; where it is left out the model tells."""
    answer: Literal["times", "text"] | None = None
    """With an endpoint: `times` asks for those of each word (`verbose_json`), `text` for no times, which some models alone
    can; by default `text` where the model's name begins with `gpt-`."""
    voice: float = Field(default=0.4, ge=0.05, le=0.95)
    """How likely a voice must be for a stretch to be transcribed; lower finds more voices, and more noise."""
    seconds: int = Field(default=3_600, ge=1, le=86_400)
    """Seconds of speech of one sound that are transcribed; the rest is `unchecked: limit`."""
    device: str | None = Field(default=None, min_length=1, examples=["cpu", "cuda:0"])
    """Without an endpoint: where the model runs; by default on the processor."""
    precision: Precision | None = None
    """Without an endpoint: what it computes with; by default `float32`."""
    revision: str | None = Field(default=None, min_length=1)
    """Without an endpoint: the branch, tag or commit on the hub."""
    download: bool = False
    """Without an endpoint: it may be downloaded from the hub, if the operator allows that too (GUARDRAILS_DOWNLOAD=1)."""


@dataclass(frozen=True, slots=True)
class SoundTranscript:
    """What came of a sound.

    `stretches` are when somebody speaks, none for silence; `text` is what is said, None where that is nothing or not known.
    `unchecked` names what was not transcribed and why; `error` says why the transcriber failed, and then what is said is not
    known: `text` may hold a part of it; `reason` is the kind of failure. `lacks_transcriber`: somebody speaks, and
    nobody transcribes.
    """

    stretches: tuple[Stretch, ...] = ()
    text: SpokenText | None = None
    unchecked: tuple[Unchecked, ...] = ()
    error: str | None = None
    reason: UnavailableReason = "crash"
    lacks_transcriber: bool = False


class TranscriptExtractor:
    """The extractor. `hears` may be called by several threads at once, each with its own sound."""

    inline = False

    def __init__(self, config: TranscriptConfig, transcriber: Transcriber | None, identity: str = "") -> None:
        """Take a configuration and what transcribes, None for nothing."""
        self._config, self._transcriber = config, transcriber
        self.identity = identity

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        return [CLEAN] * len(batch)

    def hears(self, chunks: Iterable[tuple[int, Samples]]) -> SoundTranscript:
        """Return when somebody speaks in a sound and what is said.

        Args:
            chunks: samples at 16 kHz of one channel, in order, each with the millisecond at which it begins. They are taken
                one by one, and no more of them is kept than a minute.

        Raises:
            Cancelled: nobody waits for it any more.
            Exception: what taking a chunk raised; what was asked of a service is given up.
        """
        work = _Work(self._transcriber, self._config.seconds)
        try:
            stretches = [*self._pieces(chunks, work)]
            return work.done(stretches)
        finally:
            work.give_up()

    def _pieces(self, chunks: Iterable[tuple[int, Samples]], work: _Work) -> Iterator[Stretch]:
        """Have all pieces transcribed, and yield the stretches."""
        from guardrails.detectors.speech.speech_pieces import SpeechSplitter
        from guardrails.inference.media.voice import VoiceThresholds, VoiceTracker, load_voice_model

        begins = self._config.voice
        pieces = SpeechSplitter(
            VoiceTracker(load_voice_model(), VoiceThresholds(begins=begins, ends=0.6 * begins))
        )
        for start_ms, samples in chunks:
            check()
            for piece in pieces.feed(start_ms, samples):
                work.take(piece)
        for piece in pieces.flush():
            work.take(piece)
        yield from pieces.stretches


class _Work:
    """The pieces of one sound that are transcribed, some at a time."""

    def __init__(self, transcriber: Transcriber | None, seconds: int) -> None:
        self._transcriber, self._left_ms = transcriber, seconds * 1_000
        self._under_way: deque[Future[Transcript]] = deque()
        self._done: list[Transcript] = []
        self._error: str | None = None
        self._reason: UnavailableReason = "crash"
        self._limited = False

    def take(self, piece: SpeechPiece) -> None:
        """Begin with a piece, once there is room for it."""
        if self._transcriber is None or self._error is not None:
            return
        self._left_ms -= piece.end_ms - piece.start_ms
        if self._left_ms < 0:
            self._limited = True
            return
        if len(self._under_way) >= self._transcriber.concurrency:
            self._next()
        self._under_way.append(self._transcriber.start(piece))

    def _next(self) -> None:
        """Wait for the first piece."""
        try:
            self._done.append(self._under_way.popleft().result())
        except RemoteError as error:
            self._error, self._reason = self._error or str(error), "service"
        except Exception as error:
            self._error = self._error or f"raised {type(error).__name__}"

    def done(self, stretches: Sequence[Stretch]) -> SoundTranscript:
        """Wait for all pieces."""
        while self._under_way and self._error is None:
            self._next()
        return SoundTranscript(
            tuple(stretches),
            join_transcripts(self._done),
            tuple(self._unchecked(stretches)),
            self._error,
            self._reason,
            self._transcriber is None and bool(stretches),
        )

    def _unchecked(self, stretches: Sequence[Stretch]) -> Iterator[Unchecked]:
        """Yield what was not transcribed, or not to be understood."""
        if self._transcriber is None and stretches:
            yield Unchecked("audio", f"speech that nobody transcribes ({_times(stretches)})")
        for doubt in dict.fromkeys(each.doubt for each in self._done if each.doubt is not None):
            clips = [each.clip for each in self._done if each.doubt == doubt]
            yield Unchecked("audio", f"speech that {doubt} ({_times(clips)})")
        if self._limited:
            yield Unchecked("limit", "more speech than is transcribed of one sound")

    def give_up(self) -> None:
        """Ask for nothing more."""
        for each in self._under_way:
            each.cancel()


def _times(stretches: Sequence[Stretch]) -> str:
    """Say when somebody speaks, in a few words."""
    total = sum(end - start for start, end in stretches) / 1_000
    first, last = stretches[0][0] / 1_000, stretches[-1][1] / 1_000
    return f"{total:.1f} s of it, from {first:.1f} s to {last:.1f} s"


def _build(name: str, config: TranscriptConfig, files: PolicyFiles) -> TranscriptExtractor:
    if problems := [*_problems(config)]:
        raise ConfigProblems(problems)
    from guardrails.inference.media.voice import SHIPPED

    try:
        voices = read_manifest_file(SHIPPED).decode()
    except ModelError as error:
        message = f"the shipped model of voices: {error}"
        raise ConfigProblems([ConfigProblem("unreadable_model", message, hint=error.hint)]) from error
    if config.model is None:
        return TranscriptExtractor(config, None, voices)
    if config.endpoint is not None:
        endpoint = files.endpoint(config.endpoint)
        if endpoint.aws is not None:
            message = f"endpoint {endpoint.name!r} is one of AWS (aws:), which speaks another protocol"
            raise ConfigProblems(
                [ConfigProblem("wrong_endpoint", message, ("endpoint",), hint="name another")]
            )
        plain = config.answer == "text" if config.answer else config.model.startswith(PLAIN)
        return TranscriptExtractor(
            config, RemoteTranscriber(endpoint, config.model, config.language, plain=plain), voices
        )
    if (folder := THIRD_PARTY.get(config.model)) is not None:
        model = _load_third_party(config, config.model, folder)
        return TranscriptExtractor(config, LocalTranscriber(model), f"{voices}{model.of.identity}")
    return TranscriptExtractor(config, _build_local(config, config.model, files), voices)


def _load_third_party(config: TranscriptConfig, name: str, folder: Path) -> WhisperModel:
    from guardrails.inference.media.third_party_model import read_third_party_model
    from guardrails.inference.media.whisper import load_whisper

    try:
        if config.language not in (None, *read_third_party_model(folder).knows):
            message = f"model {name!r} does not know the language {config.language!r}"
            others = ", ".join(each for each in THIRD_PARTY if each != name)
            hint = f"take another model by model: ({others}), or a server by endpoint:"
            raise ConfigProblems([ConfigProblem("unknown_language", message, ("language",), hint=hint)])
        return load_whisper(folder, config.language)
    except ModelError as error:
        message = f"model {name!r}: {error}"
        raise ConfigProblems([ConfigProblem(error.code, message, ("model",), hint=error.hint)]) from error


def _build_local(config: TranscriptConfig, name: str, files: PolicyFiles) -> LocalTranscriber:
    from guardrails.inference.media.speech import SpeechOptions, load_speech_model

    try:
        folder = files.model_folder(name, config.revision, download=config.download)
    except OSError as error:
        message, hint = (
            f"model {name!r}: {error.strerror or error}",
            f"name a folder, or a server by endpoint:; by name there is: {', '.join(THIRD_PARTY)}",
        )
        if isinstance(error.__cause__, ModelError) and error.__cause__.hint:
            hint = error.__cause__.hint
        raise ConfigProblems([ConfigProblem("unreadable_model", message, ("model",), hint=hint)]) from error
    options = SpeechOptions(config.device or "cpu", config.precision or "float32", config.language)
    try:
        return LocalTranscriber(load_speech_model(folder, options))
    except ModelError as error:
        message = f"model {name!r}: {error}" if error.field == "model" else str(error)
        field = error.field if error.field in TranscriptConfig.model_fields else "model"
        raise ConfigProblems([ConfigProblem(error.code, message, (field,), hint=error.hint)]) from error


def _problems(config: TranscriptConfig) -> Iterator[ConfigProblem]:
    if config.endpoint is not None and config.model is None:
        yield ConfigProblem("missing_field", "an endpoint needs 'model'", (), hint="add 'model:'")
    unused: dict[str, str] = {}
    if config.endpoint is None:
        unused |= dict.fromkeys(SERVED, "a server, and there is no 'endpoint'")
    else:
        unused |= dict.fromkeys(LOCAL, f"models in this process, and endpoint {config.endpoint!r} serves it")
    if config.endpoint is None and config.model is None:
        unused |= dict.fromkeys((*LOCAL, "language", "seconds"), "a model, and there is none")
    if config.endpoint is None and config.model in THIRD_PARTY:
        unused |= dict.fromkeys(LOCAL, f"models on torch, and {config.model!r} runs without it")
    for field, why in unused.items():
        if field in config.model_fields_set:
            yield ConfigProblem("unused_field", f"{field!r} is for {why}", (field,), hint=f"remove {field!r}")
    if config.language is not None and config.language not in NAMES:
        message = f"{config.language!r} is not a language that can be told"
        yield ConfigProblem("unknown_language", message, ("language",), hint=suggest_code(config.language))


KIND = Kind(
    name="transcript",
    doc="What is said in sounds and films, transcribed for all rules on texts by a service, a model of yours or one of an extra.",
    config=TranscriptConfig,
    categories=lambda _name, _config: frozenset(),
    build=_build,
    tier=2,
    contents=frozenset({"audio", "video"}),
)
