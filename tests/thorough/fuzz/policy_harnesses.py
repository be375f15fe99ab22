"""Harnesses of policies: what is loaded is a policy or a list of located problems, and a condition that fails lets nothing through."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import get_ident
from time import process_time
from typing import Any

import guardrails
from guardrails.errors import PolicyErrors
from guardrails.policy.compile import compile_policy
from guardrails.policy.condition import ConditionError, compile_condition
from guardrails.policy.loading.load import load
from guardrails.policy.loading.source import read_yaml
from guardrails.policy.names import ConditionNames
from guardrails.policy.shipped import shipped_folder
from guardrails.registry.sources import PluginSources
from tests.thorough.fuzz.harness import Harness, split_head

SECONDS = 5.0
"""What loading a policy of a few kilobytes may take."""

NAMES = ConditionNames({"t": frozenset({"hate", "toxic"}), "p": frozenset({"pii.email", "pii.phone"})})
NO_PLUGINS = PluginSources.choose(())


FORBIDDEN = frozenset(
    {
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.fork",
        "subprocess.Popen",
        "socket.connect",
        "socket.getaddrinfo",
        "pickle.find_class",
    }
)
"""Events of Python's audit hooks that no policy may cause."""

watching: list[int] = []
"""The threads in which a policy is being loaded."""


class ForbiddenCall(AssertionError):
    """Loading a policy ran code, opened a socket, or read a file that lies elsewhere."""


@cache
def root() -> Path:
    """Return a folder for policies, beside a secret that none of them may read."""
    folder = Path(tempfile.mkdtemp()) / "root"
    (folder / "terms").mkdir(parents=True)
    (folder / "terms/list.txt").write_text("zqxbomb\n")
    (folder.parent / "secret.txt").write_text("zqxsecret\n")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    return folder


@contextmanager
def _watch_calls() -> Iterator[None]:
    """Raise `ForbiddenCall` for what no policy may cause, while the block runs."""
    _install_hook()
    watching.append(get_ident())
    try:
        yield
    finally:
        watching.pop()


@cache
def _install_hook() -> None:
    """Have Python report what it is about to do: such a hook stays, so that `watching` says where it looks."""
    allowed = [
        *map(
            os.path.realpath,
            (root(), shipped_folder(), sys.prefix, sys.base_prefix, Path(guardrails.__file__).parents[1]),
        )
    ]

    def look(event: str, args: tuple[Any, ...]) -> None:
        if get_ident() not in watching:  # threads of other tests go on
            return
        if event in FORBIDDEN:
            raise ForbiddenCall(event)
        if event == "open" and isinstance(args[0], str | bytes):
            path = os.path.realpath(os.fsdecode(args[0]))
            if not any(path == each or path.startswith(each + os.sep) for each in allowed):
                raise ForbiddenCall(f"open {path}")

    sys.addaudithook(look)


def _are_located(problems: PolicyErrors) -> None:
    assert len(problems) > 0
    assert [*problems] == sorted(problems)
    for problem in problems:
        assert problem.line >= 1
        assert problem.col >= 1
        assert problem.code
        assert "zqxsecret" not in str(problem)


def _point_into(text: str, error: ConditionError) -> None:
    assert error.problems
    assert all(0 <= problem.offset <= len(text) for problem in error.problems)


def load_policy(data: bytes) -> None:
    """Any bytes are a policy, or problems each of which has a file, line and column; soon, and without a look elsewhere."""
    if _load(data) > SECONDS:
        assert _load(data) < SECONDS, "also when nothing has to be imported any more"


def _load(data: bytes) -> float:
    """Load a policy; return how long this process worked for it."""
    began = process_time()
    path = root() / "p.yaml"
    path.write_bytes(data)
    try:
        with _watch_calls():
            compiled = compile_policy(load(path, NO_PLUGINS))
        assert len(compiled.ref.digest) > 20
    except PolicyErrors as problems:
        _are_located(problems)
    return process_time() - began


def read_places(data: bytes) -> None:
    """What is read of YAML is plain data, and each place of it lies in the file."""
    try:
        source = read_yaml(data, "p.yaml")
    except PolicyErrors as problems:
        _are_located(problems)
        return
    lines = source.text.count("\n") + source.text.count("\r") + source.text.count("\x85") + 1
    lines += source.text.count("\u2028") + source.text.count("\u2029")
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), source.data)]
    while waiting:
        path, value = waiting.pop()
        assert value is None or type(value) in (dict, list, str, int, float, bool)
        assert 1 <= source.mark(path).line <= lines
        if isinstance(value, dict):
            assert all(type(key) is str for key in value)
            waiting += [((*path, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, at), inner) for at, inner in enumerate(value)]


def evaluate_condition(data: bytes) -> None:
    """A condition compiles or has located problems; what it depends on and is not known makes it unknown, never false by chance."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        condition = compile_condition(text, NAMES, "part")
    except ConditionError as error:
        _point_into(text, error)
        return
    unknown = condition.evaluate({})
    full = {**condition.zeros(), **dict.fromkeys(condition.scores, 1.0)}
    answers = [condition.evaluate(bound) for bound in (condition.zeros(), full)]
    assert all(answer in (True, False, None) for answer in (unknown, *answers))
    if unknown is not None and not condition.context:
        # What holds of unbound names holds whatever they are.
        assert all(answer in (unknown, None) for answer in answers)
    if unknown is False:
        assert True not in answers


def evaluate_rule(data: bytes) -> None:
    """The same inside a policy: a rule whose condition cannot be decided stops what its detector found nothing in."""
    head, rest = split_head(data)
    evaluate_condition(rest)
    evaluate_condition(head + b" && " + rest)


YAML_TOKENS = (
    b"!!python/object/apply:os.system [id]", b"&a [*a]", b"<<: *a", b"? ", b"- ", b"|\n", b">-\n", b"%YAML 1.1\n---\n", b"...\n---\n",
    b"file: ../secret.txt", b"file: link.txt", b"file: /etc/passwd", b"extends: [default]", b"extends: ../x.yaml", b"\t", b'"\\x00"',
    b"use: regex", b"patterns: ['(a+)+$']", b"when: pii > 0", b"then: block", b"\xef\xbb\xbf", b"\xff", b"{{", b"[[",
)  # fmt: skip
CEL_TOKENS = (
    b"hate > 0", b"toxic >= 0.5", b'count("pii.email") > 1', b"request.user.tier == 'a'", b"has(request.metadata.x)", b" && ", b" || ",
    b"!(", b")", b"? true : false", b".exists(r, r == 1)", b"[1, 2].all(x, x > 0)", b"content.length / 0 > 1", b"detector.t.hate",
    b"'\\u00e9'", b"// x\n", b"1e400", b"9223372036854775808", b"string(hate)", b"matches('(a+)+$')",
)  # fmt: skip

HARNESSES = (
    Harness("policies", load_policy, YAML_TOKENS, cost=10),
    Harness("yaml", read_places, YAML_TOKENS),
    Harness("conditions", evaluate_rule, CEL_TOKENS),
)
