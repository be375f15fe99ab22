"""Does what a page of the documentation shows, block by block, in one folder and one Python namespace.

What a block is for is seen by its language and its text:

* `python` is run; each `print(…)  # text` must print that text. Clients of SDKs reach the scripted model behind the examples,
  and `http://127.0.0.1:8080` is a proxy with the page's `settings.yaml`, or with the shipped default.
* `yaml` is read by the loader that it is for: a policy (also without its head) with its own tests, settings of the proxy or of the
  MCP guard, or a file of endpoints. With a title it is written to the page's folder first.
* `console` and `bash` hold commands; of a `console` block the output is compared. What serves is only checked.
* `json` must be JSON.

The class `.no-run` leaves a block out, for the reason in `data-reason`; `.needs-models` is for policies of which everything is right but
that their models and services are not here, with `.needs-extra` if an extra may have brought them; `.no-load` is for those that show a
mistake, which a command after them tells.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.authoring.testing.suite import run_tests
from guardrails.cli import build_parser, main
from guardrails.mcp import settings as mcp_settings
from guardrails.policy.endpoints import EndpointsDoc
from guardrails.policy.loading.source import read_yaml
from guardrails.proxy.configuration.sources import load_settings
from guardrails.proxy.server.serve import running
from guardrails.proxy.server.state import State
from tests.pages import Block, agrees, blocks, commands_of, write_block

MODEL, PROXY = "http://127.0.0.1:8000", "http://127.0.0.1:8080"
"""Where the pages say that the model and the proxy are."""

SETTINGS = "settings.yaml"
HEAD = "format: 1\nname: example\n"
"""What stands before the parts of a policy that are shown alone."""

PRINTED = re.compile(r"print\(.*\)\s+# (.*)")
MISSING = {"unknown_endpoint", "unreadable_model", "unreadable_file", "missing_extra"}
"""Codes of what is wrong with a policy whose models, services, lists and packages are elsewhere."""

SERVES = ("serve", "demo", "mcp")
"""Commands that serve until they are stopped."""

Serve = Callable[[Path | None], str]
"""Starts a proxy with a file of settings, or the shipped default, and returns its address."""


class PageRun:
    """One page that is done, in a folder."""

    def __init__(self, name: str, folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
        self.name, self.folder, self.serve, self.capsys = name, folder, serve, capsys
        self.namespace: dict[str, Any] = {"__name__": "example"}
        self._proxy: str | None = None

    def run(self, text: str) -> None:
        """Do every block of a page's text."""
        for block in blocks(text):
            if "no-run" not in block.classes:
                self.run_block(block)

    def run_block(self, block: Block) -> None:
        """Do one block; raises `AssertionError`, with the place on the page, where it shows what is not so."""
        do = {
            "python": self._python,
            "yaml": self._yaml,
            "diff": self._write,
            "json": lambda block: json.loads(block.text),
            "console": self._console,
            "bash": self._bash,
        }.get(block.language, self._write)
        try:
            do(block)
        except (Exception, SystemExit) as error:
            raise AssertionError(f"{self.name}:{block.line}: {type(error).__name__}: {error}") from error

    def _write(self, block: Block) -> None:
        if block.file:
            write_block(block, self.folder)
            if block.file == SETTINGS:
                self._proxy = None

    def _python(self, block: Block) -> None:
        self._write(block)
        code = "\n" * block.line + self._placed(block.text)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, self.name, "exec"), self.namespace)
        expected = "".join(f"{line}\n" for line in PRINTED.findall(block.text))
        assert agrees(expected, out.getvalue()), f"it prints\n{out.getvalue()}"

    def _placed(self, text: str) -> str:
        """Return a text with the address of the proxy that is served here."""
        if PROXY not in text:
            return text
        if self._proxy is None:
            settings = self.folder / SETTINGS
            self._proxy = self.serve(settings if settings.is_file() else None)
        return text.replace(PROXY, self._proxy)

    def _yaml(self, block: Block) -> None:
        self._write(block)
        if "no-load" in block.classes:
            return
        data = read_yaml(block.text.encode(), block.file or "block").data
        if block.file and block.more:
            read_policy(self.folder / block.file)
        elif {"upstream", "upstreams"} & data.keys():
            self._settings(block)
        elif "servers" in data:
            mcp_settings.load_settings(self._file(block, "mcp.yaml"), {})
        elif "endpoints" in data:
            EndpointsDoc.model_validate(data)
        else:
            self._policy(block, data)

    def _file(self, block: Block, name: str, text: str | None = None) -> Path:
        path = self.folder / (block.file or name)
        if not block.file:
            path.write_text(block.text if text is None else text, encoding="utf-8")
        return path

    def _settings(self, block: Block) -> None:
        settings = load_settings(self._file(block, "shown-settings.yaml"), {}, {}).settings
        assert State(settings, Guard.load(settings.policy, floor=settings.floor)).guards

    def _policy(self, block: Block, data: dict[str, Any]) -> None:
        path = self._file(block, "shown.yaml", ("" if "format" in data else HEAD) + block.text)
        if "needs-models" not in block.classes:
            read_policy(path)
            return
        found: set[str] = set()
        try:
            Guard.load(path)
        except PolicyErrors as errors:
            found = {error.code for error in errors}
        # Whoever has installed the extra has all that the policy needs.
        assert found <= MISSING
        assert found or "needs-extra" in block.classes

    def _console(self, block: Block) -> None:
        for command, expected in commands_of(block.text):
            printed = self._command(command, fails=bool(expected))
            assert not expected or agrees(expected, printed), f"$ {command}\n{printed}"

    def _bash(self, block: Block) -> None:
        for command in block.text.replace("\\\n", " ").splitlines():
            if command.strip() and not command.startswith("#"):
                self._command(command)

    def _command(self, command: str, *, fails: bool = False) -> str:
        """Run a command; return what it printed. It may refuse what it is given only where a page shows what it says then."""
        name, *arguments = shlex.split(command, comments=True)
        if name == "guardrails":
            return self._guardrails(arguments, fails=fails)
        if name == "curl":
            return ask(shlex.split(self._placed(command))[1:])
        assert name in COMMANDS, command
        COMMANDS[name](self.folder, arguments)
        return ""

    def _guardrails(self, arguments: list[str], *, fails: bool) -> str:
        if arguments[0] in SERVES and not {"list", "diff", "approve", "--once", "--check"} & {*arguments}:
            if arguments[0] != "serve":
                build_parser(arguments).parse_args(arguments)
                return ""
            arguments = [*arguments, "--check"]
        self.capsys.readouterr()
        status = main(arguments)
        printed = self.capsys.readouterr()
        assert status < 2 or fails, printed.err
        return printed.out + printed.err


def read_policy(path: Path) -> None:
    """Load a policy and run the tests that stand in it."""
    guard = Guard.load(path)
    own = [(item, test) for item, test in guard.policy.tests if Path(item.source.file).name == path.name]
    wrong = [result for result in run_tests(guard, own) if result.differences and not result.todo]
    assert not wrong, wrong


def ask(arguments: list[str]) -> str:
    """Send the request that a `curl` command would send; return the answer's body, with `-i` after its status and headers."""
    headers: dict[str, str] = {"content-type": "application/json"}
    body, url, shows_head = None, "", False
    words = iter(arguments)
    for word in words:
        if word in ("-H", "--header"):
            name, _, value = next(words).partition(":")
            headers[name.lower()] = value.strip()
        elif word in ("-d", "--data"):
            body = next(words).encode()
        elif word == "-i":
            shows_head = True
        elif not word.startswith("-"):
            url = word
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
            return _show(answer, shows_head)
    except HTTPError as error:
        with error:
            return _show(error, shows_head)


def _show(answer: Any, shows_head: bool) -> str:
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *map(": ".join, answer.headers.items()), ""]
    return "\n".join(lines if shows_head else ()) + "\n" * shows_head + answer.read().decode()


COMMANDS: dict[str, Callable[[Path, list[str]], object]] = {
    "cp": lambda folder, words: shutil.copy(*words),
    "mkdir": lambda folder, words: Path(words[-1]).mkdir(parents=True, exist_ok=True),
}
"""Commands of the system that pages use."""


@contextlib.contextmanager
def serving(upstream: str) -> Iterator[Serve]:
    """Yield what starts proxies before an upstream; the one with the shipped default is started once. They stop at the end."""
    with contextlib.ExitStack() as stack:
        started: dict[str, str] = {}

        def serve(settings: Path | None) -> str:
            key = "" if settings is None else settings.read_text(encoding="utf-8")
            if key not in started:
                file = None
                if settings is not None:
                    file = settings.with_name("served.yaml")
                    file.write_text(key.replace(MODEL, upstream), encoding="utf-8")
                given = {"port": 0} if file else {"port": 0, "upstream": f"{upstream}/v1"}
                started[key] = stack.enter_context(running(load_settings(file, given, {}).settings))
            return started[key]

        yield serve
