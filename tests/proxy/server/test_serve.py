"""Starting and stopping servers."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from uvicorn.supervisors import multiprocess

from guardrails.errors import PolicyErrors
from guardrails.keys import KEY_VARIABLE
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.server import serve as serving
from guardrails.proxy.server.serve import run, running, worker_app
from guardrails.types import CLEAN
from tests.cases import each_case

OPERATOR = "kQz7LwX2vT8mB4nR6yJ1cH5dG0sPa9f3"


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


def test_probes_have_a_port_of_their_own(fake, kit, guard_of, kind_of) -> None:
    """It answers while the event loop is held up and all connections are taken, which the server's own port does not, and only
    probes; it is gone with the server.
    """
    judging, release = threading.Event(), threading.Event()

    def judge(content):
        judging.set()
        assert release.wait(kit.wait_s)
        return CLEAN

    guard = guard_of(
        "detectors: {d: {use: own}}\nrules: [{id: r, on: input, when: custom.own > 0, then: block}]",
        detectors={"own": kind_of(judge)},
    )
    settings = Settings(fake.url, port=0, probe_port=0, max_connections=2)
    server = running(settings, guard, wait_ready=False)
    with server as url, ThreadPoolExecutor() as pool:
        asking = pool.submit(kit.chat, url, kit.asking("hi"))
        assert judging.wait(kit.wait_s)
        probes = server.probe_url
        seen = [kit.send(probes, path).status for path in ("/healthz", "/readyz", "/health", "/metrics")]
        other = kit.send(probes, "/v1/models").status
        release.set()
        asking.result()
        parts = urlsplit(url)
        held = [socket.create_connection((parts.hostname, parts.port)) for _ in range(2)]
        assert kit.send(url, "/healthz").status == 503
        assert kit.send(probes, "/healthz").json == {"status": "ok"}
        for connection in held:
            connection.close()
    assert (seen, other) == ([200, 503, 503, 200], 404)
    with pytest.raises(ConnectionRefusedError):
        kit.send(probes, "/healthz")


@each_case(
    ("path", "headers", "status"),
    [
        ("/metrics", {}, 401),
        ("/metrics", {"authorization": "Bearer " + OPERATOR}, 200),
        ("/metrics", {"authorization": "Bearer " + OPERATOR, "host": "rebound.example.com"}, 403),
        ("/healthz", {"host": "rebound.example.com"}, 200),
    ],
)
def test_probes_have_the_same_rules_on_both_ports(
    fake, kit, policy_guard, monkeypatch, path, headers, status
) -> None:
    """Counters are the operator's, and no web page's."""
    monkeypatch.setenv("GUARDRAILS_ADMIN_KEY", OPERATOR)
    server = running(Settings(fake.url, port=0, probe_port=0), policy_guard)
    with server as url:
        assert [kit.send(each, path, headers=headers).status for each in (url, server.probe_url)] == [
            status,
            status,
        ]


@each_case("start", [run, running])
def test_a_port_of_probes_in_use_is_an_error(fake, policy_guard, start) -> None:
    """Before anything is served, for both ways to start."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1:{port}"):
            start(Settings(fake.url, port=0, probe_port=port), policy_guard)


def test_the_operator_has_an_address_of_his_own(fake, kit, policy_guard) -> None:
    """Probes are answered there, and the counters nowhere else."""
    server = running(Settings(fake.url, port=0, probe_port=0, admin="127.0.0.1:0"), policy_guard)
    with server as url:
        ports = (url, server.probe_url, server.admin_url)
        assert [kit.send(each, "/metrics").status for each in ports] == [404, 404, 200]
        assert [kit.send(each, "/readyz").status for each in ports] == [200, 200, 200]


def test_a_server_listens_on_a_unix_socket(fake, kit, policy_guard, tmp_path) -> None:
    """Its owner and group may ask; what a killed server left is replaced, what another one listens on is not; it goes in the end."""
    path = tmp_path / "guard.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    settings = Settings(fake.url, unix=str(path))
    fake.answers(kit.completion("Hello."))
    with running(settings, policy_guard):
        assert path.stat().st_mode & 0o777 == 0o660
        raw = json.dumps(kit.asking("hi")).encode()
        for _ in range(2):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(kit.wait_s)
                client.connect(str(path))
                head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
                client.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(raw) + raw)
                answer = b"".join(iter(lambda client=client: client.recv(65_536), b""))
            assert answer.startswith(b"HTTP/1.1 200 ")
        with pytest.raises(SettingsError, match=f"cannot listen on {path}: Address already in use"):
            running(settings, policy_guard)
    assert not path.exists()


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


@pytest.fixture
def started(monkeypatch):
    """Return a list that fills with the supervisors of workers, none of which starts; signals stay as they are."""
    found = []
    monkeypatch.setenv(serving.VARIABLE, "")
    monkeypatch.setattr(multiprocess.Multiprocess, "run", lambda self: found.append(self))
    before = {number: signal.getsignal(number) for number in multiprocess.SIGNALS}
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


def test_workers_get_the_settings_but_not_the_key(fake, started) -> None:
    """Settings travel in the environment; the upstream's key stays in the variable that it came in."""
    run(Settings(fake.url, policy="strict", port=0, workers=2, upstream_key="sk-secret"))

    [supervisor] = started
    config = supervisor.config
    assert (config.app, config.workers, config.factory) == (
        "guardrails.proxy.server.serve:worker_app",
        2,
        True,
    )
    assert "sk-secret" not in serving.os.environ[serving.VARIABLE]
    assert json.loads(serving.os.environ[serving.VARIABLE])["policy"] == "strict"
    assert worker_app().state.proxy.settings.policy == "strict"


def test_a_worker_has_its_policy_before_its_first_request(fake, tmp_path, monkeypatch) -> None:
    """One that is wrong by then does not end the server: the worker is there, and not ready."""
    policy = tmp_path / "p.yaml"
    monkeypatch.setenv(serving.VARIABLE, Settings(fake.url, policy=str(policy)).model_dump_json())
    policy.write_text("format: 1\nname: p\n")
    assert worker_app().state.proxy.guard.policy.ref.name == "p"

    policy.write_text("format: 1\nname: p\nrulez: []\n")
    state = worker_app().state.proxy

    assert (state.loaded_guard, state.ready) == (None, False)


@pytest.mark.parametrize("name", ["hash", "fake", "vault"])
def test_workers_that_would_not_redact_alike_are_an_error(fake, tmp_path, monkeypatch, name, started) -> None:
    """Each would have a key of its own; numbers need none. The cure is named, and works."""
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "format: 1\nname: p\ndetectors: {pii: {use: pii}}\n"
        f"rules: [{{id: r, on: input, when: pii > 0, then: redact, with: {name}}}]\n"
    )
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    settings = Settings(fake.url, policy=str(policy), port=0, workers=2)
    if name != "vault":
        with pytest.raises(SettingsError, match=f"each of 2 workers would have its own: set {KEY_VARIABLE}"):
            run(settings)
        assert started == []
        monkeypatch.setenv(KEY_VARIABLE, "0123456789abcdef")

    run(settings)

    assert len(started) == 1


@pytest.mark.parametrize("reload", [True, False])
def test_a_hangup_is_passed_to_each_worker(fake, started, monkeypatch, reload) -> None:
    """Each that is up loads the policy anew; none is started anew. Without reload it is let be."""
    told = []
    monkeypatch.setattr(os, "kill", lambda pid, number: told.append((pid, number)))
    run(Settings(fake.url, port=0, workers=2, reload=reload))
    [supervisor] = started
    supervisor.processes = [
        type("Process", (), {"pid": pid, "is_ready": lambda timeout, up=up: up})
        for pid, up in ((7, True), (8, False), (9, True))
    ]

    supervisor.signal_queue.append(signal.SIGHUP)
    supervisor.handle_signals()

    assert told == ([(7, signal.SIGHUP), (9, signal.SIGHUP)] if reload else [])
