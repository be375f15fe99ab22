"""The settings of the server's log."""

from __future__ import annotations

from typing import Literal

from guardrails.detectors.config import Config


class LogDoc(Config):
    """What the server writes to standard error. No prompt, no answer and no matched text is ever in it."""

    requests: bool = True
    """Whether each request is a line: time, id, trace, route, status, action, upstream and durations. Probes are not."""
    format: Literal["text", "json"] = "text"
    """How lines are written: for people, or each as a JSON object."""
    level: Literal["info", "warning", "error"] = "info"
    """The least level of lines; that of a request is `info`, and `warning` where its status is 5xx."""
