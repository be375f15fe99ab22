"""Stand-ins for the parts and messages of Pydantic AI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Part:
    """A part of any kind."""

    part_kind: str
    content: Any = ""
    tool_name: str | None = None
    args: Any = None
    tool_call_id: str = "c"
    signature: str | None = None

    def model_response_str(self) -> str:
        """Return a result as a model reads it."""
        return str(self.content)

    def model_response(self) -> str:
        """Return a retry as a model reads it."""
        return f"Again: {self.content}"


@dataclass
class ModelMessage:
    """A request, or a response."""

    parts: list[Part]
    instructions: str | None = None
    finish_reason: str | None = None


@dataclass
class Parameters:
    """What a model may call."""

    function_tools: list[Any] = field(default_factory=list)
    output_tools: list[Any] = field(default_factory=list)
