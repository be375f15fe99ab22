"""OpenAI's videos API, as other servers keep it. Jobs are judged as any body; their films where they are given out.

What is asked is judged when a job is created, changed or continued; what is told of jobs, as any answer. Nothing refuses in
place of a film. Characters, films that are kept for later ones, are not in it: a wrapped client's calls about them are refused.
"""

from __future__ import annotations

from dataclasses import replace

from guardrails.protocols.errors import write_videos_error
from guardrails.protocols.images import images_fields
from guardrails.protocols.images.protocol import withhold
from guardrails.protocols.protocol import Protocol, refuse_stream
from guardrails.protocols.videos import videos_fields

CREATE = Protocol(
    name="openai.videos.create",
    summary="Begin a film.",
    path="/videos",
    read_request=videos_fields.read_request,
    edit_request=images_fields.edit_request,
    read_response=videos_fields.read_response,
    withhold=withhold,
    is_streamed=refuse_stream,
    forms="taken",
    write_error=write_videos_error,
)
EDIT = replace(CREATE, name="openai.videos.edit", summary="Begin to edit a film.", path="/videos/edits")
EXTEND = replace(
    CREATE, name="openai.videos.extend", summary="Begin to continue a film.", path="/videos/extensions"
)
REMIX = replace(
    CREATE,
    name="openai.videos.remix",
    path="/videos/*/remix",
    forms="never",
    is_served=False,
)
LIST = replace(REMIX, name="openai.videos.list", method="GET", path="/videos", read_request=None)
JOB = replace(LIST, name="openai.videos.job", path="/videos/*")
DELETE = replace(JOB, name="openai.videos.delete", method="DELETE")
CONTENT = replace(JOB, name="openai.videos.content", path="/videos/*/content")
"""A film, or a picture of one: a file."""

PROTOCOLS = (CREATE, EDIT, EXTEND, REMIX, LIST, JOB, DELETE, CONTENT)
