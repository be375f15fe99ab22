"""Policies of one detector of words, and one of personal data, compiled."""

from __future__ import annotations

from pathlib import Path

from guardrails.policy.compile import compile_policy
from guardrails.policy.compiled import CompiledPolicy
from guardrails.policy.loading.load import load

HEAD = "format: 1\nname: t\ndetectors:\n  t: {use: terms, terms: [foo], category: hate}\n  p: {use: pii}\n"


def compiled(folder: Path, text: str) -> CompiledPolicy:
    """Compile a policy of this text."""
    (folder / "p.yaml").write_text(text)
    return compile_policy(load(folder / "p.yaml"))


def rules(folder: Path, *lines: str) -> CompiledPolicy:
    """Compile a policy with these rules."""
    return compiled(folder, HEAD + "rules:\n" + "".join(f"  - {{{line}}}\n" for line in lines))


RULE = "rules:\n  - {id: r, on: input, when: hate > 0, then: block}\n"
