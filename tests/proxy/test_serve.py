"""Starting and stopping servers."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from guardrails.errors import PolicyErrors
from guardrails.keys import KEY_VARIABLE
from guardrails.proxy import serve as serving
from guardrails.proxy.serve import run, running, worker_app
from guardrails.proxy.settings import Settings, SettingsError


def test_a_server_runs_beside_the_caller_and_stops(fake, kit, policy_guard) -> None:
    """Ready when the block is entered, gone when it is left, also twice in a row."""

    def servers() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == "guardrails-proxy"]

    before = servers()
    for _ in range(2):
        with running(Settings(fake.url, port=0), policy_guard) as url:
            assert kit.send(url, "/readyz").status == 200
        with pytest.raises(ConnectionRefusedError):
            kit.send(url, "/readyz")
    assert servers() == before


def test_a_server_stops_although_a_client_waits(fake, kit, policy_guard) -> None:
    """A request that hangs does not keep the process; its client sees an error or the end of the connection."""
    fake.answers(b"", hang=True)
    fake.reply.pieces = []
    seen = []

    def ask(url) -> None:
        try:
            seen.append(kit.chat(url, kit.asking("hi")).status)
        except OSError as error:
            seen.append(type(error))

    with running(Settings(fake.url, port=0), policy_guard) as url:
        thread = threading.Thread(target=ask, args=(url,))
        thread.start()
        assert fake.arrived.wait(kit.wait_s)
    thread.join(kit.wait_s)

    assert seen
    assert seen[0] != 200
    assert fake.dropped.wait(kit.wait_s)


def test_a_wrong_policy_is_an_error_before_anything_is_served(fake, tmp_path) -> None:
    """Located, for both ways to start; the port is free again."""
    policy = tmp_path / "p.yaml"
    policy.write_text("format: 1\nname: p\nrulez: []\n")
    settings = Settings(fake.url, port=0, policy=str(policy))

    for start in (run, running):
        with pytest.raises(PolicyErrors, match="3:1"):
            start(settings)


def test_an_address_in_use_is_an_error(fake) -> None:
    """For both ways to start, with the address in it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = Settings(fake.url, port=taken.getsockname()[1])
        for start in (run, running):
            with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{settings.port}"):
                start(settings)


def test_a_guard_of_ones_own_has_one_process(fake, policy_guard) -> None:
    """It cannot travel to another."""
    with pytest.raises(SettingsError, match="several workers"):
        run(Settings(fake.url, workers=2), policy_guard)


def test_one_process_serves_what_was_loaded(fake, policy_guard, monkeypatch) -> None:
    """`run` hands uvicorn the application and a socket that listens already."""
    served = []
    monkeypatch.setattr(
        serving.uvicorn.Server,
        "run",
        lambda self, sockets: served.append((self.config, sockets[0].getsockname())),
    )

    run(Settings(fake.url, port=0), policy_guard)

    [(config, address)] = served
    assert config.app.state.proxy.guard is policy_guard
    assert (config.access_log, address[0]) == (False, "127.0.0.1")


def test_workers_get_the_settings_but_not_the_key(fake, monkeypatch) -> None:
    """Settings travel in the environment; the upstream's key stays in the variable that it came in."""
    started = []
    monkeypatch.setenv(serving.VARIABLE, "")
    monkeypatch.setattr(serving.uvicorn, "run", lambda app, **more: started.append((app, more)))

    run(Settings(fake.url, policy="strict", port=0, workers=2, upstream_key="sk-secret"))

    [(app, more)] = started
    assert (app, more["workers"], more["factory"]) == ("guardrails.proxy.serve:worker_app", 2, True)
    assert "sk-secret" not in serving.os.environ[serving.VARIABLE]
    assert json.loads(serving.os.environ[serving.VARIABLE])["policy"] == "strict"
    assert worker_app().state.proxy.settings.policy == "strict"


@pytest.mark.parametrize("name", ["hash", "fake", "vault"])
def test_workers_that_would_not_redact_alike_are_an_error(fake, tmp_path, monkeypatch, name) -> None:
    """Each would have a key of its own; numbers need none. The cure is named, and works."""
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "format: 1\nname: p\ndetectors: {pii: {use: pii}}\n"
        f"rules: [{{id: r, on: input, when: pii > 0, then: redact, with: {name}}}]\n"
    )
    started = []
    monkeypatch.setenv(serving.VARIABLE, "")
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setattr(serving.uvicorn, "run", lambda app, **more: started.append(app))
    settings = Settings(fake.url, policy=str(policy), port=0, workers=2)
    if name != "vault":
        with pytest.raises(SettingsError, match=f"each of 2 workers would have its own: set {KEY_VARIABLE}"):
            run(settings)
        assert started == []
        monkeypatch.setenv(KEY_VARIABLE, "0123456789abcdef")

    run(settings)

    assert started == ["guardrails.proxy.serve:worker_app"]


def test_connections_send_at_once(fake, kit, policy_guard, monkeypatch) -> None:
    """An answer's headers and body are two writes; the second does not wait for the client to confirm the first."""
    options = []
    original = serving.Http.connection_made

    def made(self, transport) -> None:
        original(self, transport)
        options.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(serving.Http, "connection_made", made)
    with running(Settings(fake.url, port=0), policy_guard) as url:
        kit.send(url, "/healthz")

    assert options
    assert all(options)
