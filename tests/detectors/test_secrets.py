"""Credentials by their published forms: each is found whole in any surroundings, near misses are not."""

from __future__ import annotations

import string
from pathlib import Path

import pytest

from guardrails.detectors import Folder
from guardrails.detectors.secrets import CATEGORIES, KIND, SecretsConfig
from guardrails.types import Text

ALL = KIND.build("secrets", SecretsConfig(use="secrets"), Folder(Path()))
WORD = (string.ascii_letters + string.digits) * 5
# Put together here, so that no scanner takes this file for a leak.
HITS = [
    ("secret.aws_access_key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("secret.github_token", "ghp_" + WORD[:36]),
    ("secret.github_token", "github_pat_" + WORD[:70]),
    ("secret.gitlab_token", "glpat-" + WORD[:20]),
    ("secret.anthropic_key", "sk-ant-" + "api03-" + WORD[:40]),
    ("secret.openai_key", "sk-" + WORD[:48]),
    ("secret.openai_key", "sk-proj-" + WORD[:40]),
    ("secret.slack_token", "xoxb-" + "1234567890-" + WORD[:12]),
    ("secret.google_api_key", "AIza" + WORD[:35]),
    ("secret.stripe_key", "sk_live_" + WORD[:24]),
    ("secret.npm_token", "npm_" + WORD[:36]),
    ("secret.huggingface_token", "hf_" + WORD[:34]),
    ("secret.jwt", f"eyJ{WORD[:20]}.eyJ{WORD[:30]}.{WORD[:40]}"),
    (
        "secret.private_key",
        "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIB\nAAAA=\n-----END RSA PRIVATE KEY-----",
    ),
]
MISSES = [
    "AKIA-short", "AKIA" + "IOSFODNN7EXAMPL", "ghp_" + WORD[:20], "sk-short", "pk_live_" + WORD[:24], "eyJhbGciOi",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "task-" + WORD[:40].lower().replace("k-", ""),
]  # fmt: skip


def found(text: str) -> list[tuple[str, str]]:
    """Return category and text of each finding."""
    return [(each.category, text[slice(*each.span)]) for each in ALL.detect([Text(text)])[0].findings]


@pytest.mark.parametrize(("category", "text"), HITS, ids=[f"{at}" for at in range(len(HITS))])
@pytest.mark.parametrize("around", ["{}", 'key="{}"', "密钥{}结束", "é {} é"])
def test_published_forms_are_found_whole(category: str, text: str, around: str) -> None:
    """Each form is found whole: alone, in quotes, and touching Chinese characters."""
    assert (category, text) in found(around.format(text))


@pytest.mark.parametrize("text", MISSES)
def test_near_misses_are_not_found(text: str) -> None:
    """Short, public or broken forms are no credentials."""
    assert found(text) == []


def test_a_cut_off_private_key_is_found_by_its_head() -> None:
    """Without its end the head of a private key is found, so that a cut cannot hide it."""
    head = "-----BEGIN PRIVATE " + "KEY-----"
    assert found(f"{head}\nMIIB") == [("secret.private_key", head)]


def test_declared_categories_are_those_of_the_table() -> None:
    """The kind declares exactly the categories that the samples show."""
    assert (
        {category for category, _ in HITS} == CATEGORIES == KIND.categories("s", SecretsConfig(use="secrets"))
    )


def test_a_dressed_key_is_found() -> None:
    """An invisible character inside a key does not hide it."""
    key = "AKIA" + "IOSF\u200bODNN7EXAMPLE"
    assert found(f"my key {key}") == [("secret.aws_access_key", key)]
