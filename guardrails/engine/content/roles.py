"""Whose words a content is: the role that its place names, or the usual one of its stage."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.types import Place, Stage

ROLES: Mapping[Stage, str] = {
    Stage.INPUT: "user",
    Stage.OUTPUT: "assistant",
    Stage.TOOL_DEFINITION: "system",
    Stage.TOOL_CALL: "assistant",
    Stage.TOOL_RESULT: "tool",
    Stage.RETRIEVAL: "tool",
}
"""The role of a content that comes without one."""


def role_of(place: Place) -> str:
    """Return whose words stand at a place."""
    return place.role or ROLES[place.stage]


def is_users_own(place: Place) -> bool:
    """Tell whether a text is the user's own: a message of theirs, or a text that comes alone."""
    return (
        place.stage is Stage.INPUT
        and role_of(place) == "user"
        and (place.message is not None or place.role is None)
    )
