"""The released rivals as servers: LiteLLM's proxy and Portkey's gateway, each made in a folder outside the repository.

None gets a key, a database or a log of ours; each is told to leave the network alone. Their guards are off where a row does not
say otherwise, which favours them.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from proxies import script
from proxies.servers import Server
from rivals.environments import cache, environment, quiet_environment

LITELLM = (
    "litellm[proxy]==1.108.7",
)  # the newest that pip resolves with its proxy's requirements on Python 3.11
PORTKEY = "@portkey-ai/gateway@1.15.2"
FLOOR = ("aiohttp==3.14.5", "fastapi", "httptools", "uvicorn", "uvloop")

PATTERNS = ("email", "visa", "mastercard", "amex", "us_ssn", "iban", "aws_access_key", "github_token")
"""Of LiteLLM's own table: about what our lexical policy looks for, and far fewer."""

PORTKEY_SERVER = Path("node_modules/@portkey-ai/gateway/build/start-server.js")


def litellm_folder() -> Path:
    """Return LiteLLM's environment, made where it is missing."""
    return environment("litellm-proxy", LITELLM).parents[1]


def floor_python() -> Path:
    """Return the Python of the floors, the upstream and the load, made where it is missing."""
    return environment("proxy-floor", FLOOR)


def portkey_folder() -> Path:
    """Return the folder that Portkey's gateway is installed in, made where it is missing."""
    folder = cache() / "portkey"
    if not (folder / PORTKEY_SERVER).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--prefix", str(folder), "--no-fund", "--no-audit", PORTKEY], check=True
        )
    return folder


def litellm(folder: Path, scratch: Path, upstream: int, *, guarded: bool) -> Server:
    """Return LiteLLM's proxy, with its content filter before and after the call if it is to be guarded."""
    model = {
        "model": f"openai/{script.MODEL}",
        "api_base": f"http://127.0.0.1:{upstream}/v1",
        "api_key": "sk-none",
    }
    settings: dict[str, object] = {
        "model_list": [{"model_name": script.MODEL, "litellm_params": model}],
        "litellm_settings": {"telemetry": False, "num_retries": 0},
    }
    if guarded:
        filtered = {
            "guardrail": "litellm_content_filter",
            "mode": ["pre_call", "post_call"],
            "default_on": True,
            "patterns": [
                {"pattern_type": "prebuilt", "pattern_name": name, "action": "BLOCK"} for name in PATTERNS
            ],
            "blocked_words": [{"keyword": script.TERM, "action": "BLOCK"}],
        }
        settings["guardrails"] = [{"guardrail_name": "filter", "litellm_params": filtered}]
    path = scratch / f"litellm{'_guarded' if guarded else ''}.yaml"
    path.write_text(json.dumps(settings))
    quiet = quiet_environment("litellm-proxy") | {
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # as no client here has a key
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
    }
    return Server(
        f"LiteLLM {version(folder)}, {'its content filter' if guarded else 'no guard'}",
        [str(folder / "bin/litellm"), "--config", str(path), "--host", "127.0.0.1", "--port", "{port}"],
        "litellm",
        guarded,
        environment=quiet | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"},
    )


def version(folder: Path) -> str:
    """Return the version of LiteLLM that an environment holds."""
    found = next(iter(folder.glob("lib/python*/site-packages/litellm-*.dist-info")), None)
    return found.name.removeprefix("litellm-").removesuffix(".dist-info") if found else "?"


def portkey(folder: Path, upstream: int) -> Server:
    """Return Portkey's gateway, told by header where to ask."""
    package = json.loads((folder / PORTKEY_SERVER).parents[1].joinpath("package.json").read_text())
    return Server(
        f"Portkey {package['version']}, no guard",
        ["node", str(folder / PORTKEY_SERVER), "--port={port}", "--headless"],
        "portkey",
        headers={
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
        },
        environment=quiet_environment("portkey") | {"NODE_ENV": "production"},
    )
