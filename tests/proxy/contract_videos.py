"""Where a text may stand in OpenAI's videos API, for the contract matrix: asked as JSON and as forms.

What stands in films and pictures, and what is given out of them, is tried by `test_videos.py`.
"""

from __future__ import annotations

from typing import Any

from guardrails.protocols.videos import videos_fields

from .contract import Api, Failure
from .contract_images import formed
from .image_kit import file

PICTURE = "https://x.example/p.png"


def asking(prompt: Any = "a boat", **fields: Any) -> dict[str, Any]:
    """Return a request."""
    return {"prompt": prompt, **fields}


def job(**fields: Any) -> dict[str, Any]:
    """Return a job, with all that OpenAI's API says of one."""
    told = {
        "id": "video_1", "object": "video", "model": "local-video", "status": "completed", "progress": 100,
        "created_at": 1790000000, "completed_at": 1790000009, "expires_at": None, "prompt": "a boat", "size": "1280x720",
        "seconds": "4", "remixed_from_video_id": None, "error": None,
    }  # fmt: skip
    return {**told, **fields}


ASKS: dict[str, Any] = {
    "prompt": asking("@"),
    "prompt, a structure": asking({"text": ["@"]}),
    **{f"field {name}": asking(**{name: "@"}) for name in videos_fields.REQUEST.fields if name != "prompt"},
    "reference, url": asking(input_reference={"image_url": "@"}),
    "reference, data": asking(input_reference={"image_url": "data:image/png;base64,@"}),
    "reference, file_id": asking(input_reference={"file_id": "@"}),
    "reference, unknown field": asking(input_reference={"image_url": PICTURE, "x_new": "@"}),
    "reference, name of a field": asking(input_reference={"image_url": PICTURE, "@": 1}),
    "second reference, url": asking(input_references=[{"image_url": PICTURE}, {"image_url": "@"}]),
    "video, id": asking(video={"id": "@"}),
    "video, unknown field": asking(video={"id": "video_1", "x_new": "@"}),
    "metadata, deep": asking(metadata={"a": "@"}),
    "unknown field": asking(x_new={"a": ["@"]}),
    "name of a field": asking(**{"@": 1}),
}
FORMS: dict[str, Any] = {
    "prompt": {"prompt": "@"},
    **{
        f"field {name}": {"prompt": "x", name: "@"}
        for name in videos_fields.REQUEST.fields
        if name != "prompt"
    },
    "beside a picture": {"prompt": "@", "input_reference": file()},
    "reference's url": {"prompt": "x", "input_reference[image_url]": "@"},
    "unknown field": {"prompt": "x", "x_new": "@"},
    "name of a field": {"prompt": "x", "@": "1"},
    "a file for a text": {"prompt": ["@"]},
    "reference, no picture": {"prompt": "x", "input_reference": ["@"]},
}
ANSWERS: dict[str, Any] = {
    **{f"field {name}": job(**{name: "@"}) for name in videos_fields.JOB.fields},
    "field data": job(data=["@"]),
    "error, message": job(status="failed", error={"code": "x", "message": "@"}),
    "error, code": job(status="failed", error={"code": "@", "message": "x"}),
    "error, unknown field": job(status="failed", error={"code": "x", "message": "x", "x_new": "@"}),
    "prompt, a structure": job(prompt=["@"]),
    "one of two addresses": job(unsigned_urls=["https://x.example/a.mp4", "@"]),
    "second of a list, error": {"object": "list", "data": [job(), job(error={"code": "x", "message": "@"})]},
    "usage, deep": job(usage={"total_tokens": 2, "x_new": {"a": "@"}}),
    "unknown field": job(x_new={"a": ["@"]}),
    "name of a field": job(**{"@": 1}),
    "upstream's error": Failure(400, {"error": {"message": "@", "type": "invalid_request_error", "param": None, "code": None}}),
    "upstream's error, unknown field": Failure(500, {"error": {"message": "x", "x_new": "@"}, "text": "@"}),
}  # fmt: skip

CREATE = Api("/v1/videos", ASKS, job(), ANSWERS, asking(), errors=True)
CREATED = Api(
    "/v1/videos", FORMS, job(), ANSWERS, asking(), name="/v1/videos, a form", form=formed, errors=True
)
EDITS = Api("/v1/videos/edits", ASKS, job(), ANSWERS, asking(), errors=True)
EXTENSIONS = Api("/v1/videos/extensions", ASKS, job(), ANSWERS, asking(), errors=True)
REMIX = Api("/v1/videos/{video_id}/remix", ASKS, job(), ANSWERS, asking(), errors=True)
VIDEOS = (CREATE, CREATED, EDITS, EXTENSIONS, REMIX)
