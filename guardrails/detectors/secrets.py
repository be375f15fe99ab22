"""Credentials by one table of patterns: text in, findings of `secret.*` out."""

from __future__ import annotations

from typing import Literal

from guardrails.detectors import Files, Kind
from guardrails.detectors.config import Config
from guardrails.detectors.patterns import Patterns
from guardrails.detectors.table import Pattern, PatternTable

# ASCII words (`(?a)`): in Chinese, Japanese or Thai text a key touches the letters around it.
TABLE: tuple[Pattern, ...] = (
    Pattern(r"(?a)\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", "secret.aws_access_key"),
    Pattern(r"(?a)\bgh[pousr]_[A-Za-z0-9]{36,255}\b", "secret.github_token"),
    Pattern(r"(?a)\bgithub_pat_[A-Za-z0-9_]{60,255}\b", "secret.github_token"),
    Pattern(r"(?a)\bglpat-[A-Za-z0-9_\-]{20,64}\b", "secret.gitlab_token"),
    Pattern(r"(?a)\bsk-ant-[A-Za-z0-9_\-]{24,255}", "secret.anthropic_key"),
    Pattern(r"(?a)\bsk-(?:proj-|svcacct-|admin-)[A-Za-z0-9_\-]{20,255}", "secret.openai_key"),
    Pattern(r"(?a)\bsk-[A-Za-z0-9]{32,64}\b", "secret.openai_key"),
    Pattern(r"(?a)\bxox[abeoprs]-[A-Za-z0-9\-]{10,255}", "secret.slack_token"),
    Pattern(r"(?a)\bAIza[A-Za-z0-9_\-]{35}", "secret.google_api_key"),
    Pattern(r"(?a)\b[sr]k_live_[A-Za-z0-9]{16,255}\b", "secret.stripe_key"),
    Pattern(r"(?a)\bnpm_[A-Za-z0-9]{36}\b", "secret.npm_token"),
    Pattern(r"(?a)\bhf_[A-Za-z0-9]{34}\b", "secret.huggingface_token"),
    Pattern(r"(?a)\beyJ[A-Za-z0-9_\-]{8,}\.eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}", "secret.jwt"),
    Pattern(
        r"(?a)-----BEGIN (?:[A-Z0-9]{2,10} ){0,3}PRIVATE KEY-----"
        r"(?:[A-Za-z0-9+/=\s:,\-]*?-----END (?:[A-Z0-9]{2,10} ){0,3}PRIVATE KEY-----)?",
        "secret.private_key",
    ),
)
CATEGORIES = frozenset(row.category for row in TABLE)


class SecretsConfig(Config):
    """Credentials."""

    use: Literal["secrets"]
    """The kind of detector."""


def _build(name: str, config: SecretsConfig, files: Files) -> Patterns:
    return Patterns(name, PatternTable(TABLE))


KIND = Kind(
    name="secrets",
    doc="Credentials by their published forms: cloud, AI, version control, chat and payment keys, JWT, private keys.",
    config=SecretsConfig,
    categories=lambda _name, _config: CATEGORIES,
    build=_build,
)
