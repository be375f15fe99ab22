"""What a test says is known of who asks, in the place of the operator's store."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from guardrails.detectors.config import Config

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class KnownOfDoc(Config):
    """What is known of one person, key, address or conversation; what is not named is 0, or false."""

    strikes: Amount = 0.0
    """The weight of the strikes that have not expired."""
    banned: bool = False
    """Whether a ban holds."""
    risk: Amount = 0.0
    """The decaying sum of the strongest score of an attack in each exchange."""
    requests_last_minute: Amount = 0.0
    """Requests of the last minute."""
    requests_last_hour: Amount = 0.0
    """Requests of the last hour."""
    requests_last_day: Amount = 0.0
    """Requests of the last day."""
    requests_last_month: Amount = 0.0
    """Requests of the last month."""
    blocked_last_minute: Amount = 0.0
    """Checks that were blocked of the last minute."""
    blocked_last_hour: Amount = 0.0
    """Checks that were blocked of the last hour."""
    blocked_last_day: Amount = 0.0
    """Checks that were blocked of the last day."""
    blocked_last_month: Amount = 0.0
    """Checks that were blocked of the last month."""
    flagged_last_minute: Amount = 0.0
    """Checks that were flagged of the last minute."""
    flagged_last_hour: Amount = 0.0
    """Checks that were flagged of the last hour."""
    flagged_last_day: Amount = 0.0
    """Checks that were flagged of the last day."""
    flagged_last_month: Amount = 0.0
    """Checks that were flagged of the last month."""
    tokens_last_minute: Amount = 0.0
    """Tokens of the last minute."""
    tokens_last_hour: Amount = 0.0
    """Tokens of the last hour."""
    tokens_last_day: Amount = 0.0
    """Tokens of the last day."""
    tokens_last_month: Amount = 0.0
    """Tokens of the last month."""


class AbuseDoc(Config):
    """What is known of who asks (`abuse.*`); of whom nothing is said here nothing is known, as of somebody who is not there."""

    user: KnownOfDoc | None = None
    """Of the user."""
    key: KnownOfDoc | None = None
    """Of the key."""
    address: KnownOfDoc | None = None
    """Of the network address."""
    conversation: KnownOfDoc | None = None
    """Of the conversation."""
