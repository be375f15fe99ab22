"""A policy whose files change in, the same server under the new policy out. One that is wrong leaves the old in place.

The new one is compiled and warmed up aside; then one reference is swapped (`State.adopt`).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from guardrails.detectors.reads import changed
from guardrails.errors import GuardrailsError, Overloaded, PolicyErrors
from guardrails.guard import Guard
from guardrails.keys import KEY_VARIABLE, has_key
from guardrails.proxy.errors import where
from guardrails.proxy.served import Served
from guardrails.proxy.settings import Settings, SettingsError
from guardrails.proxy.state import LOG, State

POLL_S = 1.0
"""Seconds between two looks at the files."""

WARM_S = 60.0
"""Seconds after which a policy whose detectors do not answer is given up."""


async def keep(state: State) -> None:
    """Make a server ready; then, until cancelled, load its policy anew when a file of it changes, or on SIGHUP."""
    if not state.settings.reload:
        await state.start()
        return
    state.reload.state = "loading"
    asked = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        starting = group.create_task(state.start())
        with _on_hangup(asked):
            while True:
                if await _due(state, asked):
                    starting.cancel()  # if its policy does not come up, this one may
                    await reload(state)


async def _due(state: State, asked: asyncio.Event) -> bool:
    """Wait for the next look; tell whether there is something to load."""
    try:
        await asyncio.wait_for(asked.wait(), POLL_S)
    except TimeoutError:
        try:
            return await state.off_loop(lambda: changed(state.files))
        except Overloaded:
            return False  # looked at again soon
    asked.clear()
    return True


@contextmanager
def _on_hangup(asked: asyncio.Event) -> Iterator[None]:
    """Set an event on SIGHUP, where the system has it and this is the thread that gets signals."""
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, asked.set)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def reload(state: State) -> None:
    """Load the policy anew and serve it; where that fails, say so in log, metrics and state, and go on with the old one."""
    state.reload.state = "loading"
    try:
        result = await _swapped(state)
    except Exception as error:
        told = error if isinstance(error, GuardrailsError) else where(error)
        LOG.error("the policy was not loaded anew, the one from before stays: %s", told)
        state.reload.state, state.reload.errors = "failed", _places(error)
        result = "failed"
    else:
        state.reload.state, state.reload.errors = "current", ()
    state.metrics.reload_failed = result == "failed"
    state.metrics.count("guardrails_reloads_total", result=result)


async def _swapped(state: State) -> str:
    """Load, warm up and swap; return what came of it."""
    served = await _loaded(state)
    guards = dict.fromkeys(served.guards.values())
    loaded = _identities((*guards, *served.shadows.values()))
    if state.ready and served.settings == state.settings and loaded == _identities(state.all_guards):
        return "unchanged"
    for guard in guards:
        redacts_alike(served.settings, guard)
    try:
        async with asyncio.timeout(WARM_S):
            for guard in guards:
                await state.warm_up(guard)
    except TimeoutError:
        raise GuardrailsError(f"its detectors did not answer within {WARM_S:.0f} s") from None
    state.adopt(served)
    state.warm.set()
    LOG.warning("the policy was loaded anew: %s", served.guard.policy.ref.digest)
    return "loaded"


async def _loaded(state: State) -> Served:
    while True:
        try:
            return await state.off_loop(state.load)
        except Overloaded:  # there is no worker; a policy can wait
            await asyncio.sleep(POLL_S)


def _identities(guards: Iterable[Guard]) -> list[object]:
    """Return what tells guards apart: digests do not cover how the operator's services are asked, but files do."""
    return [
        (tuple(policy.ref for policy in guard.pipeline.policies), guard.origin and guard.origin.files)
        for guard in guards
    ]


def _places(error: Exception) -> tuple[str, ...]:
    """Return where and what is wrong, without folders and without the words that quote a policy: whoever asks may read it."""
    if not isinstance(error, PolicyErrors):
        return (type(error).__name__,)
    return tuple(f"{Path(each.file).name}:{each.line}:{each.col}: {each.code}" for each in error)


def redacts_alike(settings: Settings, guard: Guard) -> None:
    """Raise `SettingsError` where several workers would put different values in the same place."""
    if settings.workers > 1 and guard.is_keyed and not has_key():
        raise SettingsError(
            f"the policy redacts with a key (hash or fake), and each of {settings.workers} workers would have its own: "
            f"set {KEY_VARIABLE} to a random one, such as what `openssl rand -hex 32` prints"
        )
