"""The shape that every block of a policy shares: declared fields only, strict types, immutable once read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A mapping in a policy. Unknown keys and wrong types are errors; each field carries its description."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)
