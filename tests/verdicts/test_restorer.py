"""What a check hands on has the shape that others rely on."""

from __future__ import annotations

from guardrails.engine.redaction.vault import Vault
from guardrails.verdicts.restorer import Restorer


def test_a_vault_is_a_restorer() -> None:
    """What a check hands out can put a model's text right."""
    handed: Restorer = Vault()
    assert handed.values == {}
    assert handed.restore("nothing was handed out") == "nothing was handed out"
