"""Keys and certificates that are rotated while requests are served."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from guardrails.proxy.upstreams.transport import rotation
from tests.cases import each_case
from tests.proxy.tls_kit import Authority, store
from tests.waiting import wait_until


def replace(path: Path, text: str) -> None:
    """Put another file in the place of one."""
    (new := path.with_suffix(".new")).write_text(text)
    os.replace(new, path)


@each_case("named", [True, False])
def test_a_key_is_rotated_without_a_new_start(serve, fake, kit, monkeypatch, tmp_path, caplog, named) -> None:
    """Its file is swapped; one that is gone, or empty, leaves the key from before, and the log says so."""
    monkeypatch.setattr(rotation, "EVERY_S", 0.02)
    key = tmp_path / "key"
    key.write_text("sk-first\n")
    given: dict[str, Any] = {"upstream_key_file": str(key)}
    if named:
        given = {
            "upstream": None,
            "upstreams": {"a": {"url": fake.url, "models": ["*"], "key_file": str(key)}},
        }
    url = serve(**given)

    def sent() -> str:
        kit.chat(url, kit.asking("hi"), authorization="Bearer client")
        return fake.asked[-1].headers["authorization"]

    assert sent() == "Bearer sk-first"
    replace(key, "sk-second")
    wait_until(lambda: sent() == "Bearer sk-second")
    replace(key, "")
    wait_until(lambda: "what was read before stays" in caplog.text)
    assert sent() == "Bearer sk-second"
    replace(key, "sk-third")
    wait_until(lambda: sent() == "Bearer sk-third")
    assert "sk-" not in caplog.text


def test_an_authority_is_rotated_too(serve, kit, monkeypatch, tmp_path) -> None:
    """What the old one signed is believed no more."""
    monkeypatch.setattr(rotation, "EVERY_S", 0.02)
    first, second = Authority(), Authority()
    trusted = Path(first.save(tmp_path))
    with store(second.gives(tmp_path, "localhost"), b'{"data": []}') as server:
        upstream = {"url": f"https://localhost:{server.port}", "models": ["*"], "ca_file": str(trusted)}
        url = serve(upstream=None, upstreams={"a": upstream})
        assert kit.send(url, "/v1/models").error["code"] == "upstream_certificate"
        replace(trusted, second.certificate)
        wait_until(lambda: kit.send(url, "/v1/models").status == 200)
