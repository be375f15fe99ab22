"""OpenAI's audio API: speech that is made, and what is heard in a recording.

What is to be said is judged as it is asked, and as it sounds. What is to be heard is judged as a sound, and what was heard as
the answer that it is. Streams of either are held to their end. An answer of which anything is blocked is an error.
"""

from __future__ import annotations

from dataclasses import replace

from guardrails.protocols.audio import speech_fields, transcription_fields
from guardrails.protocols.errors import openai_error_writer
from guardrails.protocols.images import images_fields
from guardrails.protocols.images.protocol import withhold
from guardrails.protocols.protocol import Protocol, edit_or_fail, never_streams

withhold_transcript = edit_or_fail(400, transcription_fields.edit_response)

SPEECH = Protocol(
    name="openai.audio.speech",
    summary="Say a text.",
    path="/audio/speech",
    answer_type="audio/*",
    read_request=speech_fields.read_request,
    read_response=speech_fields.read_stream,
    withhold=withhold,
    is_streamed=never_streams,
    write_error=openai_error_writer(param="input"),
)
TRANSCRIPTIONS = Protocol(
    name="openai.audio.transcriptions",
    summary="Write down what is said in a sound.",
    path="/audio/transcriptions",
    read_request=transcription_fields.read_request,
    edit_request=images_fields.edit_request,
    read_response=transcription_fields.read_response,
    withhold=withhold_transcript,
    is_streamed=never_streams,
    forms="only",
    write_error=openai_error_writer(param="file"),
)
TRANSLATIONS = replace(
    TRANSCRIPTIONS,
    name="openai.audio.translations",
    summary="Write down in English what is said in a sound.",
    path="/audio/translations",
)
PROTOCOLS = (SPEECH, TRANSCRIPTIONS, TRANSLATIONS)
