"""Safety and moderation middleware between people and generative models.

    from guardrails import Guard, Blocked

    guard = Guard.load()
    verdict = guard.check("text", stage="input")

Importing this is light: engines, models and servers are imported where they are used.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

_OWN = frozenset(
    (
        "__init__",
        "__main__",
        "__pycache__",
        "authoring",
        "cancellation",
        "checker",
        "context",
        "cli",
        "detectors",
        "engine",
        "enums",
        "errors",
        "fork_safety",
        "guard",
        "inference",
        "keys",
        "mcp",
        "media",
        "models",
        "policies",
        "plugins",
        "policy",
        "processor",
        "protocols",
        "proxy",
        "py",
        "records",
        "registry",
        "remote",
        "sinks",
        "stores",
        "spelling",
        "taxonomy",
        "telemetry",
        "testing",
        "text",
        "types",
        "verdicts",
        "wire",
        "wrapping",
    )
)
"""What lies in this folder, without the endings."""


def _is_left_over(name: str) -> bool:
    """Tell whether a folder holds nothing but byte code, as one does whose files were moved elsewhere."""
    folder = os.path.join(__path__[0], name)
    return os.path.isdir(folder) and all(
        files == [] or "__pycache__" in path for path, _, files in os.walk(folder)
    )


def _refuse_foreign_files() -> None:
    """Two other projects install a package of this name; a mix of both would run neither's checks."""
    names = (name for name in os.listdir(__path__[0]) if not name.startswith("."))
    foreign = sorted(name for name in names if name.split(".")[0] not in _OWN and not _is_left_over(name))
    if foreign:
        raise ImportError(
            f"another package is mixed into {__path__[0]} ({', '.join(foreign[:3])}): guardrails-ai and "
            "openai-guardrails install the same import name; uninstall all of them, then install "
            "guardrails-middleware alone"
        )


_refuse_foreign_files()

_PUBLIC: dict[str, str] = {
    "Action": "guardrails.types",
    "Audio": "guardrails.types",
    "BackendError": "guardrails.errors",
    "Blocked": "guardrails.errors",
    "Budget": "guardrails.engine.content.budget",
    "Content": "guardrails.types",
    "Coverage": "guardrails.types",
    "Detection": "guardrails.types",
    "Detector": "guardrails.types",
    "Finding": "guardrails.types",
    "Guard": "guardrails.guard",
    "GuardUnavailable": "guardrails.errors",
    "GuardrailsError": "guardrails.errors",
    "Image": "guardrails.types",
    "InvalidAnswer": "guardrails.errors",
    "MissingExtra": "guardrails.errors",
    "Overloaded": "guardrails.errors",
    "PolicyError": "guardrails.errors",
    "PolicyErrors": "guardrails.errors",
    "RequestError": "guardrails.errors",
    "Severity": "guardrails.types",
    "Stage": "guardrails.types",
    "Text": "guardrails.types",
    "ToolCall": "guardrails.types",
    "Unavailable": "guardrails.types",
    "Unchecked": "guardrails.types",
    "Verdict": "guardrails.types",
    "Video": "guardrails.types",
}
"""Public name → the module that has it, imported at first use."""

__version__ = "0.1.0"
__all__ = [
    "Action",
    "Audio",
    "BackendError",
    "Blocked",
    "Budget",
    "Content",
    "Coverage",
    "Detection",
    "Detector",
    "Finding",
    "Guard",
    "GuardUnavailable",
    "GuardrailsError",
    "Image",
    "InvalidAnswer",
    "MissingExtra",
    "Overloaded",
    "PolicyError",
    "PolicyErrors",
    "RequestError",
    "Severity",
    "Stage",
    "Text",
    "ToolCall",
    "Unavailable",
    "Unchecked",
    "Verdict",
    "Video",
]

if TYPE_CHECKING:
    from guardrails.engine.content.budget import Budget
    from guardrails.errors import (
        BackendError,
        Blocked,
        GuardrailsError,
        GuardUnavailable,
        InvalidAnswer,
        MissingExtra,
        Overloaded,
        PolicyError,
        PolicyErrors,
        RequestError,
    )
    from guardrails.guard import Guard
    from guardrails.types import (
        Action,
        Audio,
        Content,
        Coverage,
        Detection,
        Detector,
        Finding,
        Image,
        Severity,
        Stage,
        Text,
        ToolCall,
        Unavailable,
        Unchecked,
        Verdict,
        Video,
    )


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'guardrails' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
