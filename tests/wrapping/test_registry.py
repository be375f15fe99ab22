"""What can be wrapped, told by the names of classes."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Any

import openai
import pytest

from guardrails.wrapping import registry


@pytest.mark.parametrize("kind", [openai.OpenAI, openai.AsyncOpenAI, openai.AzureOpenAI])
def test_a_client_is_known_by_its_class_and_those_above(kind: Any) -> None:
    """A class of one's own below is one too."""
    for each in (kind, type("Mine", (kind,), {})):
        assert (
            registry.wrapper_of(object.__new__(each)) is import_module("guardrails.wrapping.apis.openai").wrap
        )


@pytest.mark.parametrize("thing", [print, "text", object(), type("OpenAI", (), {})(), openai])
def test_all_else_is_no_backend(thing: object) -> None:
    """Also a class that only has the name."""
    assert registry.wrapper_of(thing) is None


def test_each_row_names_a_module_that_wraps() -> None:
    """Without its library."""
    for _, names, module in registry.BACKENDS:
        assert names
        assert callable(import_module(f"guardrails.wrapping.{module}").wrap)


def test_wrapping_imports_no_other_library() -> None:
    """A function is wrapped without any SDK in sight."""
    script = (
        "import sys; from guardrails import Guard; Guard.load().wrap(print);"
        "print({'openai', 'anthropic', 'langchain_core', 'transformers', 'httpx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
