"""Sounds, what the audio API says with them, and a guard that has them transcribed: what the tests of it share."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from guardrails import Guard


def taped(samples: Any, rate: int = 16_000) -> bytes:
    """Return samples as a WAV file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(samples) * 32_767).astype("<i2").tobytes())
    return out.getvalue()


def bare(samples: Any) -> bytes:
    """Return samples of 16 kHz as bare ones of 24 kHz, as `response_format: pcm` has them."""
    places = np.arange(len(samples) * 3 // 2) * 2 / 3
    resampled = np.interp(places, np.arange(len(samples)), samples)
    return bytes((resampled * 32_767).astype("<i2").tobytes())


def events(*told: dict[str, Any]) -> bytes:
    """Return the events of a stream."""
    return b"".join(f"data: {json.dumps(each)}\n\n".encode() for each in told)


def listening(
    guard_of: Callable[..., Guard], policy: str, url: str, folder: Path, patch: pytest.MonkeyPatch
) -> Guard:
    """Return a guard that does what a policy says, and has what is said transcribed by a server."""
    declared = folder / "endpoints.yaml"
    declared.write_text(f"endpoints: {{whisper: {{url: '{url}', retries: 0, timeout_ms: 20000}}}}\n")
    patch.setenv("GUARDRAILS_ENDPOINTS", str(declared))
    own = "  heard: {use: transcript, model: whisper-1, endpoint: whisper, answer: text}\n"
    return guard_of(policy.replace("detectors:\n", f"detectors:\n{own}", 1))
