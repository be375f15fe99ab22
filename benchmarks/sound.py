"""Sound, in one run: what finding voices costs, beside a bare session and decoding, and how much of a voice is found.

    python benchmarks/sound.py                   # under two minutes; needs espeak-ng, which makes the voices

Costs are in percent of the sound's length, medians of turns. The bare session is the shipped model on one thread in the largest
blocks that upstream uses, without anything around it: no chunks, no stretches, nothing made louder. Decoding is a whole
`open_recording(file).sound()`, its process included.

Found is the share of the time in which a voice is above a hundredth of its highest value that lies in a stretch: 20 voices of
espeak-ng in 15 languages, as they are, made quieter (in 16 bits), and in white noise (dB between voice and noise). Synthesized
speech is easier than people's. False alarms are stretches in sounds without a voice.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import time
import wave
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime

from guardrails.inference.media.voice import BEFORE, FRAME, RATE, SHIPPED, VoiceTracker, load_voice_model
from guardrails.media.audio.recording import open_recording
from measure import machine, table

VOICES = (
    *(
        "en-us",
        "en-gb",
        "en+f1",
        "en+f3",
        "en+m3",
        "en+whisper",
        "de",
        "fr-fr",
        "es",
        "it",
        "ru",
        "pt",
        "pl",
        "tr",
    ),
    *("hi", "cmn", "ja", "ar", "sw", "vi"),
)
SENTENCES = (
    "Hello there. This is a small test of speech, which nobody needs to fear. "
    "My number is five five five, one two three four."
)
TURNS = 5
Row = dict[str, object]


def says(voice: str) -> Any:
    """Return a voice of espeak-ng, at 16 kHz."""
    made = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", SENTENCES], capture_output=True, check=True
    ).stdout
    with wave.open(io.BytesIO(made)) as file:
        rate = file.getframerate()
    samples = np.frombuffer(made[made.index(b"data") + 8 :], "<i2").astype(np.float32) / 32_768
    places = np.arange(0, len(samples) - 1, rate / RATE)
    return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def stretches(sound: Any, chunk: int = 1_600) -> list[tuple[int, int]]:
    """Return the stretches of a sound that comes in chunks."""
    voice = VoiceTracker(load_voice_model())
    found = [
        each
        for at in range(0, len(sound), chunk)
        for each in voice.feed(at * 1_000 // RATE, sound[at : at + chunk])
    ]
    return found + voice.flush()


def bare(sound: Any) -> None:
    """Run the model alone."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    before = np.concatenate([np.zeros((1, BEFORE), np.float32), frames[:-1, -BEFORE:]])
    rows = np.concatenate([before, frames], axis=1)
    memory = [np.zeros((1, 1, 128), np.float32)] * 2
    for at in range(0, len(rows), 512):
        _, *memory = SESSION.run(None, {"input": rows[at : at + 512], "h": memory[0], "c": memory[1]})


def session() -> Any:
    """Return a bare session."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(SHIPPED / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )


SESSION = session()


def filed(sound: Any, container: str, codec: str) -> bytes:
    """Return a sound as a file."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        track = file.add_stream(codec, rate=48_000 if codec == "libopus" else RATE, layout="mono")
        for at in range(0, len(sound), 1_024):
            frame = av.AudioFrame.from_ndarray(
                sound[None, at : at + 1_024].copy(), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = RATE, at
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return out.getvalue()


def decoded(data: bytes) -> None:
    """Decode a file to its end."""
    with open_recording(data) as recording, recording.sound() as pieces:
        for _ in pieces:
            pass


def costs(sound: Any) -> list[Row]:
    """Return what each way costs."""
    files = {
        name: filed(sound, name, codec)
        for name, codec in (("wav", "pcm_s16le"), ("mp3", "mp3"), ("ogg", "libopus"))
    }
    ways: dict[str, Callable[[], object]] = {
        "bare session": lambda: bare(sound),
        "voices found (chunks of 0.1 s)": lambda: stretches(sound),
        "voices found (chunks of 1 s)": lambda: stretches(sound, RATE),
        **{f"decoding {name}": lambda data=data: decoded(data) for name, data in files.items()},
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            taken[name].append(time.perf_counter() - began)
    seconds = len(sound) / RATE
    medians = {name: float(np.median(times)) for name, times in taken.items()}
    return [
        {
            "of 100 s of sound": name,
            "seconds": f"{100 * median / seconds:.2f}",
            "of a bare session": f"{median / medians['bare session']:.2f}",
        }
        for name, median in medians.items()
    ]


def share(voice: Any, change: Callable[[Any], Any]) -> float:
    """Return how much of a voice is found in the middle of silence."""
    loud = np.abs(voice[: len(voice) // 160 * 160]).reshape(-1, 160).max(axis=1) > 0.01 * np.abs(voice).max()
    quiet = np.zeros(RATE, np.float32)
    sound = np.clip(change(np.concatenate([quiet, voice, quiet])), -1, 1)
    inside = np.zeros(len(loud) + 300, bool)
    for start, end in stretches(np.round(sound * 32_767).astype(np.float32) / 32_767):
        inside[max(0, (start - 1_000) // 10) : max(0, (end - 1_000) // 10)] = True
    return float((inside[: len(loud)] & loud).sum() / loud.sum())


def found(voices: list[Any]) -> list[Row]:
    """Return how much of the voices is found, as they are and changed."""
    chance = np.random.default_rng(0)

    def noisy(decibel: float) -> Callable[[Any], Any]:
        return lambda sound: (
            sound + chance.normal(0, sound.std() / 10 ** (decibel / 20), len(sound)).astype(np.float32)
        )

    changes: dict[str, Callable[[Any], Any]] = {
        "as it is": lambda sound: sound,
        **{f"{down} dB": lambda sound, down=down: sound * 10 ** (down / 20) for down in (-20, -40, -60, -66)},
        **{f"in noise, {ratio} dB": noisy(ratio) for ratio in (20, 10, 5, 0)},
    }
    rows = []
    for name, change in changes.items():
        shares = [share(voice, change) for voice in voices]
        rows.append(
            {"voice": name, "mean": f"{np.mean(shares):.3f}", "least": f"{min(shares):.3f}",
             "whole": f"{sum(each > 0.999 for each in shares)} of {len(shares)}"}
        )  # fmt: skip
    return rows


def alarms() -> list[Row]:
    """Return the stretches in sounds without a voice."""
    chance, when = np.random.default_rng(1), np.arange(10 * RATE) / RATE
    sounds: dict[str, Any] = {
        "silence": np.zeros(len(when)),
        **{
            f"white noise, {loud:g}": chance.normal(0, loud, len(when)) for loud in (0.3, 0.03, 0.003, 0.0003)
        },
        "brown noise": np.cumsum(chance.normal(0, 0.001, len(when))),
        **{f"{pitch} Hz": 0.3 * np.sin(2 * np.pi * pitch * when) for pitch in (50, 440, 3_000)},
        "square wave": 0.3 * np.sign(np.sin(2 * np.pi * 440 * when)),
        "beating": 0.3 * np.sin(2 * np.pi * 440 * when) * np.sin(2 * np.pi * 4 * when),
        "chord": sum(0.15 * np.sin(2 * np.pi * 220 * each * when) for each in (1, 1.25, 1.5, 2)),
        "bursts of noise": chance.normal(0, 0.1, len(when)) * (np.sin(4 * when) > 0.8),
    }
    return [
        {"sound": name, "stretches": len(stretches(each.astype(np.float32)))} for name, each in sounds.items()
    ]


def main() -> None:
    """Print all tables."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    voices = [says(voice) for voice in VOICES]
    pause = np.zeros(2 * RATE, np.float32)
    print(machine())
    print(table(costs(np.concatenate([part for voice in voices for part in (voice, pause)] * 2))))
    print(table(found(voices)))
    print(table(alarms()))


if __name__ == "__main__":
    main()
