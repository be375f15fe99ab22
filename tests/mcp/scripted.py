"""A scripted MCP server on standard input and output, without any SDK: what it says stands in a JSON file, read each time.

`{"method": result}`; a result may be `{"$error": {…}}`, `{"$raw": "line"}` (written as it is), `{"$exit": status}`, `{"$silent": true}`,
`{"$first": [messages], …}` (said before the rest). `tools/call` is looked up as `tools/call NAME` first; `"$echo"` in a text stands for
the arguments. What it hears goes into `FILE.heard`, a line each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(sys.argv[1])


def say(message: dict[str, Any]) -> None:
    """Write a message."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def echoed(value: Any, arguments: Any) -> Any:
    """Return a result with the arguments put in."""
    if isinstance(value, str):
        return value.replace("$echo", json.dumps(arguments))
    if isinstance(value, dict):
        return {name: echoed(inner, arguments) for name, inner in value.items()}
    return [echoed(inner, arguments) for inner in value] if isinstance(value, list) else value


def answer(message: dict[str, Any]) -> None:
    """Answer one request as the script says."""
    script = json.loads(FILE.read_text())
    params = message.get("params") or {}
    method = message["method"]
    found = script.get(f"{method} {params.get('name')}", script.get(method))
    if found is None:
        say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}})
        return
    found = echoed(found, params.get("arguments"))
    for before in found.pop("$first", []):
        say({"jsonrpc": "2.0", **before})
    if "$exit" in found:
        sys.exit(found["$exit"])
    if "$raw" in found:
        sys.stdout.write(found["$raw"].replace("$id", json.dumps(message["id"])) + "\n")
        sys.stdout.flush()
    elif "$error" in found:
        say({"jsonrpc": "2.0", "id": message["id"], "error": found["$error"]})
    elif "$silent" not in found:
        say({"jsonrpc": "2.0", "id": message["id"], "result": found})


def main() -> None:
    """Serve until the input ends."""
    with FILE.with_suffix(".heard").open("a") as heard:
        for line in sys.stdin:
            heard.write(line)
            heard.flush()
            message = json.loads(line)
            if "method" in message and "id" in message:
                answer(message)


main()
