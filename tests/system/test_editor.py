"""Policies in an editor: what the released YAML language server offers, says and objects to, by the schema of line 1."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from guardrails.cli import main
from guardrails.policy.loading.load import load

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = sorted(path for path in (ROOT / "policies").glob("*.yaml") if not path.stem.endswith(".test"))
MODELINE = "# yaml-language-server: $schema=./policy.schema.json"
HEAD = f"{MODELINE}\nformat: 1\nname: x\n"
WHOLE = f"""{HEAD}detectors:
  a: {{use: terms, terms: [x], category: custom.x}}
rules:
  - {{id: r, on: input, when: custom.x > 0, then: block}}
tests:
  - {{input: x, expect: {{action: block}}}}
"""

Ask = Callable[[str, str], Any]


class Server:
    """The language server, spoken to as editors do: JSON-RPC on its standard input and output."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._numbers = count(1)
        self._told: dict[str, Any] = {}

    def start(self) -> None:
        """Say what this editor can and wants."""
        can = {
            "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": True}},
            "hover": {"contentFormat": ["markdown"]},
        }
        root = self._folder.as_uri()
        self.ask("initialize", {"processId": None, "rootUri": root, "capabilities": {"textDocument": can}})
        self._send({"method": "initialized", "params": {}})
        wants = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": {"yaml": wants}}})

    def open(self, text: str) -> str:
        """Open a new file with a text; return its address."""
        address = (self._folder / f"{next(self._numbers)}.yaml").as_uri()
        document = {"uri": address, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return address

    def ask(self, method: str, params: Any) -> Any:
        """Return the answer to a request."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while "method" in (said := self._read()) or said.get("id") != number:
            self._hear(said)
        return said["result"]

    def problems(self, text: str) -> list[dict[str, Any]]:
        """Return what is wrong with a text."""
        address = self.open(text)
        while address not in self._told:
            self._hear(self._read())
        return self._told[address]

    def _hear(self, said: dict[str, Any]) -> None:
        if said.get("method") == "textDocument/publishDiagnostics":
            self._told[said["params"]["uri"]] = said["params"]["diagnostics"]
        elif "id" in said and "method" in said:  # it asks for settings, or to be told of files
            self._send({"id": said["id"], "result": None})

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        size = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            size = int(value) if name.lower() == b"content-length" else size
        assert size, "the language server has ended"
        message: dict[str, Any] = json.loads(self._process.stdout.read(size))
        return message


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, in a folder with the schema that `guardrails schema` writes."""
    folder = tmp_path_factory.mktemp("editor")
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
    subprocess.run([*npm, "yaml-language-server@1"], check=True, timeout=300)
    assert main(["schema", "--out", str(folder / "policy.schema.json")]) == 0
    binary = folder / "node_modules/.bin/yaml-language-server"
    with subprocess.Popen(
        [binary, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder
    ) as process:
        found = Server(process, folder)
        found.start()
        yield found
        process.kill()


@pytest.fixture(scope="module")
def at(server: Server) -> Ask:
    """Ask for something at the place of ¦ in a text."""

    def ask(method: str, text: str) -> Any:
        before, after = text.split("¦")
        lines = before.split("\n")
        place = {"line": len(lines) - 1, "character": len(lines[-1])}
        address = server.open(before + after)
        return server.ask(f"textDocument/{method}", {"textDocument": {"uri": address}, "position": place})

    return ask


OFFERED = {
    "fields of a policy": (f"{HEAD}¦", {"extends", "detectors", "rules", "exceptions", "tests", "limits"}),
    "whole rules": (f"{HEAD}rules:\n  - ¦", {"rule that blocks", "rule that redacts", "id"}),
    "fields of a rule": (
        f"{HEAD}rules:\n  - id: a\n    ¦",
        {"on", "when", "then", "message", "mode", "stream"},
    ),
    "actions": (f"{HEAD}rules:\n  - id: a\n    then: ¦", {"flag", "redact", "block"}),
    "stages": (f"{HEAD}rules:\n  - id: a\n    on: [¦]", {"input", "output", "tool_call", "retrieval"}),
    "kinds of detectors": (f"{HEAD}detectors:\n  a:\n    use: ¦", {"terms", "pii", "classifier", "urls"}),
    "fields of a kind": (
        f"{HEAD}detectors:\n  a:\n    use: terms\n    ¦",
        {"terms", "file", "category", "case"},
    ),
    "entities": (f"{HEAD}detectors:\n  a:\n    use: pii\n    entities: [¦]", {"email", "iban", "us_ssn"}),
    "kinds of secrets": (f"{HEAD}detectors:\n  a:\n    use: secrets\n    kinds: [¦]", {"jwt", "npm_token"}),
    "what is unchecked": (f"{HEAD}unchecked:\n  ¦", {"language", "limit", "image", "audio"}),
    "whole tests": (f"{HEAD}tests:\n  - ¦", {"test that a rule fires", "test that nothing fires", "input"}),
    "fields of a change": (f"{HEAD}override:\n  rules:\n    - id: a\n      ¦", {"when", "then", "mode"}),
}
"""What is asked for → the text up to there, and some of what must be offered."""


@pytest.mark.parametrize("case", OFFERED)
def test_completion(at: Ask, case: str) -> None:
    """What may stand somewhere is offered there."""
    text, labels = OFFERED[case]
    answer = at("completion", text)
    items = answer["items"] if isinstance(answer, dict) else answer
    assert labels <= {item["label"] for item in items}


def test_completion_offers_the_fields_of_the_kind_alone(at: Ask) -> None:
    """A detector of terms is not offered what belongs to detectors of other kinds."""
    labels = {item["label"] for item in at("completion", OFFERED["fields of a kind"][0])["items"]}
    assert labels.isdisjoint({"entities", "kinds", "model", "endpoint"})


SAID = {
    "a field of a rule": (
        f"{HEAD}rules:\n  - id: a\n    th¦en: block\n",
        "What to do: record it, replace the",
    ),
    "a condition": (f"{HEAD}rules:\n  - id: a\n    wh¦en: a > 1\n", "hate >= 0.85"),
    "a limit": (f"{HEAD}limits:\n  wind¦ows: 3\n", "Windows of one text that a classifier judges"),
    "a kind of detector": (f"{HEAD}detectors:\n  a:\n    use: pi¦i\n", "Personal data: email"),
}
"""What is pointed at → the text, and some of what must be said of it."""


@pytest.mark.parametrize("case", SAID)
def test_hover(at: Ask, case: str) -> None:
    """What a field is for, and how it may look, is said where one points at it."""
    text, words = SAID[case]
    assert words in at("hover", text)["contents"]["value"]


WRONG = {
    "a word that is no action": (
        "then: block",
        "then: blok",
        (6, 49),
        'Valid values: "flag", "redact", "block"',
    ),
    "a field that there is not": ("then: block", "then: block, wen: x", (6, 56), "wen is not allowed"),
    "a field that is missing": ("when: custom.x > 0, ", "", (6, 4), 'Missing property "when"'),
    "a kind that there is not": ("use: terms", "use: term", (4, 11), 'Valid values: "terms", "profanity"'),
    "a field of another kind": ("terms: [x]", "terms: [x], kinds: [jwt]", (4, 30), "kinds is not allowed"),
    "a wrong type": ("tests:", "limits: {windows: many}\ntests:", (7, 18), 'Expected "integer"'),
    "a stage that there is not": ("on: input", "on: inptu", (6, 16), 'Valid values: "input"'),
    "an expectation misspelt": ("action: block", "actoin: block", (8, 24), "actoin is not allowed"),
}
"""What is wrong → what is replaced in a policy, by what; where the server must see it (counted from 0), and its words."""


@pytest.mark.parametrize("case", WRONG)
def test_diagnostics(server: Server, case: str) -> None:
    """What the loader refuses for its form is marked while it is written, at its place."""
    old, new, place, words = WRONG[case]
    told = [
        ((problem["range"]["start"]["line"], problem["range"]["start"]["character"]), problem["message"])
        for problem in server.problems(WHOLE.replace(old, new, 1))
    ]
    assert [message for at, message in told if at == place and words in message], told


def test_nothing_is_marked_in_a_policy_that_is_right(server: Server) -> None:
    """A policy that loads has no diagnostics."""
    assert server.problems(WHOLE) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_policies_carry_the_modeline_and_are_right(server: Server, path: Path) -> None:
    """Whoever opens a shipped policy has all of this at once, and nothing is marked."""
    text = path.read_text(encoding="utf-8")
    assert text.splitlines()[0] == MODELINE
    assert load(path).problems.errors == []
    assert server.problems(text) == []
