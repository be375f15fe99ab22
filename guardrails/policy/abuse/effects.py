"""What a rule leaves behind where it fires: strikes and bans, each with an end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from guardrails.detectors.config import Config
from guardrails.policy.abuse.leaves import Subject
from guardrails.wire.durations import DURATION, format_duration, parse_duration

HEAVIEST: Final = 100.0
"""The most that one strike weighs."""

MOST_EFFECTS: Final = 8
"""Effects of one rule."""


def _check_duration(value: str) -> str:
    parse_duration(value)
    return value


Duration = Annotated[
    str, AfterValidator(_check_duration), WithJsonSchema({"type": "string", "pattern": f"^{DURATION}$"})
]
"""A time such as `15m`."""


class EffectDoc(Config):
    """What is noted of somebody where a rule fires: a strike (`strike: 2`) or a ban (`ban: true`), and for how long."""

    strike: float | None = Field(default=None, gt=0, le=HEAVIEST, allow_inf_nan=False, examples=[1, 2])
    """A strike of this weight, which conditions add up (`abuse.user.strikes`)."""
    ban: Literal[True] | None = None
    """A ban, which conditions ask for (`abuse.user.banned`). It stops nothing by itself: a rule does."""
    for_: Duration = Field(alias="for", examples=["30d", "24h"])
    """How long it holds: a whole number and `s`, `m`, `h`, `d` or `w`."""
    to: Subject = "user"
    """Whom it is noted of: the user, the key, the network address or the conversation of the request. Where that is not known,
    nothing is noted."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.strike is None) is (self.ban is None):
            raise ValueError("an effect is a strike or a ban: write strike: 1, or ban: true")
        return self


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule leaves behind: a strike of a `weight`, or with 0 a ban, for so many seconds."""

    subject: Subject
    weight: float
    seconds: int

    @property
    def kind(self) -> Literal["strike", "ban"]:
        """What it is."""
        return "strike" if self.weight else "ban"

    def __str__(self) -> str:
        what = f"strike: {self.weight:g}" if self.weight else "ban: true"
        return f"{{{what}, for: {format_duration(self.seconds)}, to: {self.subject}}}"


def read_effect(doc: EffectDoc) -> Effect:
    """Return the effect that a field says."""
    return Effect(doc.to, doc.strike or 0.0, parse_duration(doc.for_))
