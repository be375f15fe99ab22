"""Starts a server: in this process until interrupted (`run`), or in a thread beside (`running`)."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import uvicorn
from fastapi import FastAPI

from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.processor.collection import pause_collection
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import SettingsSources
from guardrails.proxy.server.app import create_app, probe_addresses
from guardrails.proxy.server.connections import check_descriptors, raise_descriptors
from guardrails.proxy.server.counting.slots import Slots, create_slots, create_slots_file, open_slots_file
from guardrails.proxy.server.http import Http
from guardrails.proxy.server.listening.listener import (
    open_listener,
    open_unix_listener,
    remove_unix_listener,
)
from guardrails.proxy.server.listening.listener_tls import tls_options
from guardrails.proxy.server.logs.log_writer import configure_logs
from guardrails.proxy.server.processes.graceful_server import GracefulServer
from guardrails.proxy.server.processes.memory import bound_arenas, check_memory, release_memory
from guardrails.proxy.server.processes.service_notice import ServiceNotice
from guardrails.proxy.server.processes.workers import (
    SLOT_VARIABLE,
    SPARE_WORKERS,
    LoadedGuard,
    SupervisorOptions,
    WorkerProcesses,
    can_fork,
)
from guardrails.proxy.server.reloading.reload import check_redaction_key
from guardrails.proxy.server.state import State
from guardrails.types import PolicyRef

VARIABLE = "GUARDRAILS_SERVE"
"""Where worker processes find the settings. The keys of the upstream and the operator have variables of their own."""

GIVEN = "GUARDRAILS_GIVEN"
"""Where they find whence these come."""

SLOTS = "GUARDRAILS_SLOTS"
"""Where those find what all of them count in that are not forked."""

START_S = 60.0
STOP_S = 10.0

SWITCH_S = 0.0005
"""Seconds for which a thread keeps Python's lock while others want it. A request passes the lock some twenty times on its way; at
Python's own 5 ms each of these would cost it that much while a long text is judged on another thread."""

SERVER: Mapping[str, Any] = {
    "http": f"{Http.__module__}:{Http.__name__}",
    "ws": "none",
    "loop": "asyncio" if sys.platform == "win32" else "uvloop",
    "lifespan": "on",
    "log_level": "warning",
    "log_config": None,  # `logs` writes its lines too
    "access_log": False,  # its lines would have paths, which clients choose
    "server_header": False,
    "proxy_headers": False,
    "timeout_keep_alive": 75,
}
"""How uvicorn serves."""


def run(
    settings: Settings,
    guard: Guard | None = None,
    given: SettingsSources | None = None,
    on_loaded: Callable[[PolicyRef], object] = lambda ref: None,
) -> None:
    """Serve until interrupted.

    Args:
        settings: what to serve.
        guard: a guard to serve instead of the settings' policy; with one process only.
        given: where the settings come from, which are read anew when that changes.
        on_loaded: is told the policy once it is loaded, before anything is served.

    Raises:
        PolicyErrors: the policy is wrong; nothing was served.
        SettingsError: the address cannot be listened on, or the workers would not redact alike, or are too many.
        GuardrailsError: the process may open too few files, or the application could not start.
        KeyboardInterrupt: it was ended by SIGINT; after SIGTERM it returns.
    """
    if settings.workers > 1 and guard is not None:
        raise SettingsError("a guard of your own cannot be served by several workers: give a policy file")
    configure_logs(settings.logs)
    raise_descriptors(settings.max_connections)
    check_memory(settings.workers)
    _prepare_process()
    with ExitStack() as stack:
        with pause_collection(collect=True):
            serve = _load(settings, guard, given, on_loaded, stack)
        serve()


def _load(
    settings: Settings,
    guard: Guard | None,
    given: SettingsSources | None,
    on_loaded: Callable[[PolicyRef], object],
    stack: ExitStack,
) -> Callable[[], None]:
    """Load what is to be served, and return what serves it; it listens until `stack` is closed."""
    loaded = guard or Guard.load(settings.policy, **settings.guard_options)
    state = State(settings, loaded)
    for each in state.guards:
        check_redaction_key(settings, each)
    listener = stack.enter_context(open_server_listener(settings))
    on_loaded(loaded.policy.ref)
    if settings.unix is not None:
        stack.callback(remove_unix_listener, Path(settings.unix))
    if settings.workers == 1:
        app = create_app(settings, loaded, None if given is None else given.settings)
        grace = ceil(settings.drain_s)
        config = uvicorn.Config(app, timeout_graceful_shutdown=grace, **SERVER, **tls_options(settings))
        return partial(
            GracefulServer(config, settings.drain.notice_s, ServiceNotice(os.environ)).run, [listener]
        )
    os.environ[VARIABLE] = settings.model_dump_json()
    os.environ[GIVEN] = json.dumps(None if given is None else asdict(given))
    shared = LoadedGuard(loaded, tuple(state.all_guards), state.files) if can_fork() else None
    if shared is not None:
        shared.build_streams()
    slots = _create_slots(settings.workers, stack, forks=shared is not None)
    return partial(
        _serve_by_workers, settings, listener, shared, slots
    )  # a parent that shares nothing keeps nothing


def _create_slots(workers: int, stack: ExitStack, *, forks: bool) -> Slots:
    """Return where the parent and its workers count: in memory, or for workers that are not forked in a file until `stack` is
    closed.
    """
    count = 1 + workers + SPARE_WORKERS
    if forks:
        return create_slots(count)
    folder = stack.enter_context(TemporaryDirectory(prefix="guardrails-"))
    os.environ[SLOTS] = os.path.join(folder, "counts")
    stack.callback(os.environ.pop, SLOTS, None)
    return create_slots_file(Path(os.environ[SLOTS]), count)


def _serve_by_workers(
    settings: Settings, listener: socket.socket, shared: LoadedGuard | None, slots: Slots
) -> None:
    """Serve by several processes, which share a guard where there is one to share, until interrupted."""
    release_memory()
    app = f"{__name__}:worker_app" if shared is None else partial(worker_app, shared, slots)
    grace = ceil(settings.drain_s)
    served = {**SERVER, **tls_options(settings), "timeout_graceful_shutdown": grace}
    config = uvicorn.Config(app, factory=True, workers=settings.workers, **served)
    options = SupervisorOptions(settings.reload, shared is not None, settings.drain.notice_s, grace)
    WorkerProcesses(config, [listener], options, ServiceNotice(os.environ), slots).run()


def _prepare_process() -> None:
    """Set what holds for a process that serves, before it loads anything."""
    sys.setswitchinterval(SWITCH_S)
    bound_arenas()


def worker_app(shared: LoadedGuard | None = None, slots: Slots | None = None) -> FastAPI:
    """Return the application of one worker process, from the environment that `run` left.

    The policy is there before the worker takes its first request: the one that it shares with its parent, or one of its own where
    there is none to share, or a file of that is another by now. A worker in whose time its file is wrong starts all the same,
    tells what is wrong, and takes it up once it is right.
    """
    _prepare_process()
    settings, told = Settings(**json.loads(os.environ[VARIABLE])), json.loads(os.environ[GIVEN])
    configure_logs(settings.logs)
    reread = None if told is None else SettingsSources(**told).settings
    guard = None if shared is None else shared.current
    own = int(os.environ.get(SLOT_VARIABLE, "0"))
    if slots is not None:
        slots.own = own
    elif SLOTS in os.environ:
        slots = open_slots_file(Path(os.environ[SLOTS]), own)
    with pause_collection(collect=True):
        try:
            guard = guard or Guard.load(settings.policy, **settings.guard_options)
            return create_app(settings, guard, reread, slots)
        except GuardrailsError:
            return create_app(settings, None, reread, slots)


def open_server_listener(settings: Settings) -> socket.socket:
    """Return a socket that listens on the settings' address; raises `SettingsError` if that cannot be, or an address of
    probes is taken, on which the application listens itself.
    """
    for each in probe_addresses(settings):
        open_listener(each.host, each.port, shared=settings.workers > 1).close()
    at = settings.unix
    listener = open_listener(settings.host, settings.port) if at is None else open_unix_listener(Path(at))
    listener.set_inheritable(True)
    return listener


class Running:
    """A server in a thread: `with running(settings) as url:`. Stops cleanly at the end of the block."""

    def __init__(
        self,
        settings: Settings,
        guard: Guard | None = None,
        *,
        wait_ready: bool = True,
        reread: Callable[[], Settings] | None = None,
    ) -> None:
        check_descriptors(settings.max_connections)
        self._listener = open_server_listener(settings)
        self._wait_ready = wait_ready
        port = settings.port if settings.unix else self._listener.getsockname()[1]
        self.settings = settings.model_copy(update={"port": port})
        try:
            loaded = guard or Guard.load(settings.policy, **settings.guard_options)
            app = create_app(self.settings, loaded, reread)
        except BaseException:
            self._listener.close()
            raise
        self.state: State = app.state.proxy
        options = {**SERVER, **tls_options(settings), "timeout_graceful_shutdown": 1}
        self._server = uvicorn.Server(uvicorn.Config(app, **options))
        self._thread = threading.Thread(target=self._serve, name="guardrails-proxy", daemon=True)

    @property
    def probe_url(self) -> str | None:
        """The address of the probes, None where they have no port of their own."""
        probes = self.state.probes
        return None if self.settings.probe_port is None else self._address(probes[0].port, "http")

    @property
    def admin_url(self) -> str | None:
        """The address of the operator, None where there is none."""
        probes = self.state.probes
        return (
            None
            if self.settings.admin is None
            else f"http://{self.settings.admin.rpartition(':')[0]}:{probes[-1].port}"
        )

    @property
    def url(self) -> str:
        """The address, without a path."""
        return self._address(self.settings.port, "http" if self.settings.tls is None else "https")

    def _address(self, port: int, scheme: str) -> str:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        return f"{scheme}://{host}:{port}"

    def __enter__(self) -> str:
        """Start, wait until the server accepts requests (and is ready), and return its address."""
        self._thread.start()
        if self._wait_ready and not self.state.warm.wait(START_S):
            self.stop()
            raise TimeoutError(f"the server was not ready after {START_S:.0f} s")
        return self.url

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server and wait for its thread."""
        self._server.should_exit = True
        self._thread.join(STOP_S)
        self._listener.close()
        if self.settings.unix is not None:
            remove_unix_listener(Path(self.settings.unix))

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])


def running(
    settings: Settings,
    guard: Guard | None = None,
    *,
    wait_ready: bool = True,
    reread: Callable[[], Settings] | None = None,
) -> Running:
    """Return a server to run beside this thread; port 0 takes a free one.

    Args:
        settings: what to serve.
        guard: a guard to serve instead of the settings' policy.
        wait_ready: enter the block only when every detector is warm.
        reread: returns the settings as their file is by now.

    Raises:
        PolicyErrors: the policy is wrong.
        SettingsError: the address cannot be listened on.
    """
    return Running(settings, guard, wait_ready=wait_ready, reread=reread)
