"""Loads the policy of a server anew when its files change, or on SIGHUP. One that is wrong leaves the old in place.

The new one is compiled and warmed up aside; then one reference is swapped (`State.adopt`). Files that change are loaded once they
are no longer written: two looks, `POLL_S` apart, must see the same contents. A new inode proves less: a file that was removed may
be written again as slowly. What is weaker than what is served, such as half of a policy, is held until the operator sends SIGHUP.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from guardrails.detectors.file_watch import UNSEEN, Stamp, have_changed, stamp_files
from guardrails.errors import GuardrailsError, GuardUnavailable, PolicyErrors
from guardrails.guard import Guard
from guardrails.keys import KEY_VARIABLE, has_key
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.server.errors import describe_failure
from guardrails.proxy.server.reloading.weakening import WeakerPolicy, served_weakenings
from guardrails.proxy.server.state import LOG, State

POLL_S = 0.5
"""Seconds between two looks at the files."""

WARM_S = 60.0
"""Seconds after which a policy whose detectors do not answer is given up."""

Result = Literal["loaded", "unchanged", "failed", "held", "unsettled"]
"""What came of a load; `unsettled`: files changed meanwhile, or were not known before, and nothing is decided."""

Stamps = Mapping[Path, Stamp]
T = TypeVar("T")


async def keep_reloading(state: State) -> None:
    """Make a server ready; then, until cancelled, load its policy anew when a file of it changes, or on SIGHUP."""
    if not state.settings.reload:
        await state.start()
        return
    state.reload.state = "loading"
    hangup = asyncio.Event()
    seen: Stamps | None = None
    consent = False
    async with asyncio.TaskGroup() as group:
        starting: asyncio.Task[None] | None = group.create_task(state.start())
        with _on_hangup(hangup):
            while True:
                if await _wait_for_hangup(hangup):
                    seen, consent = None, True
                else:
                    before, seen = seen, await _changes(state)
                    if seen is None or seen != before:
                        continue
                result = await reload(state, consent=consent, settled=seen)
                if result == "unsettled":
                    seen, state.files = state.files, dict.fromkeys(state.files, UNSEEN)
                    continue
                seen, consent = None, False
                if result == "loaded" and starting is not None:
                    starting.cancel()  # what it waits for is no longer served
                    starting = None  # a task that was cancelled holds on to the policy that it was at work on


async def _wait_for_hangup(hangup: asyncio.Event) -> bool:
    """Wait for the next look; return whether SIGHUP came instead."""
    try:
        await asyncio.wait_for(hangup.wait(), POLL_S)
    except TimeoutError:
        return False
    hangup.clear()
    return True


async def _changes(state: State) -> Stamps | None:
    """Return the files as they are by now, where one is not as it was loaded; else, or where no worker can look, None."""
    known = state.files
    try:
        now = await state.run_in_worker(lambda: stamp_files(known))
    except GuardUnavailable:
        return None
    return None if now == known else now


@contextmanager
def _on_hangup(hangup: asyncio.Event) -> Iterator[None]:
    """Set an event on SIGHUP, where the system has it and this is the thread that gets signals."""
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def reload(state: State, *, consent: bool = False, settled: Stamps | None = None) -> Result:
    """Load the policy anew and serve it; where it cannot be, say so in log, metrics and state, and go on with the old one.

    Args:
        state: the server.
        consent: whether a weaker policy is served.
        settled: the files as they were seen at rest; what is loaded must be these. None takes them as they are.
    """
    state.reload.state = "loading"
    errors: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()
    result: Result
    try:
        result = await _swap(state, consent, settled)
    except WeakerPolicy as error:
        LOG.warning("the policy was not loaded anew, the one from before stays: %s", error)
        result, weaker = "held", tuple(each.label for each in error.weakenings)
    except Exception as error:
        told = error if isinstance(error, GuardrailsError) else describe_failure(error)
        LOG.error("the policy was not loaded anew, the one from before stays: %s", told)
        result, errors = "failed", _error_places(error)
    if result == "unsettled":
        return result
    if result == "unchanged" and (state.metrics.reload_failed or state.metrics.reload_held):
        LOG.warning("the policy's files are again what is served")
    state.reload.state = result if result in ("failed", "held") else "current"
    state.reload.errors, state.reload.weaker = errors, weaker
    state.metrics.reload_failed, state.metrics.reload_held = result == "failed", result == "held"
    state.metrics.count("guardrails_reloads_total", result=result)
    return result


async def _swap(state: State, consent: bool, settled: Stamps | None) -> Result:
    """Load, compare, warm up and swap; return what came of it."""
    served = await _off_loop(state, state.load)
    before, loaded = state.served, state.files
    if settled is not None and any(settled.get(path, UNSEEN) != made for path, made in loaded.items()):
        return "unsettled"
    guards = dict.fromkeys(served.guards.values())
    if (
        state.ready
        and served.settings == state.settings
        and _identities((*guards, *served.shadows.values())) == _identities(state.all_guards)
    ):
        return "unchanged"
    weaker = [] if before is None else await _off_loop(state, lambda: served_weakenings(before, served))
    if weaker and not consent:
        raise WeakerPolicy(weaker)
    for guard in guards:
        check_redaction_key(served.settings, guard)
    try:
        async with asyncio.timeout(WARM_S):
            for guard in guards:
                await state.warm_up(guard)
    except TimeoutError:
        raise GuardrailsError(f"its detectors did not answer within {WARM_S:.0f} s") from None
    if await _off_loop(state, lambda: have_changed(loaded)):
        return "unsettled"
    state.adopt(served)
    state.warm.set()
    ref = served.guard.policy.ref
    LOG.warning("the policy was loaded anew: %s %s, %s", ref.name, ref.version, ref.digest)
    if weaker:
        LOG.warning("by SIGHUP, a weaker policy is served: %s", "; ".join(map(str, weaker)))
    return "loaded"


async def _off_loop(state: State, function: Callable[[], T]) -> T:
    """Run a function on the process's workers, once one is free: a policy can wait."""
    while True:
        try:
            return await state.run_in_worker(function)
        except GuardUnavailable:
            await asyncio.sleep(POLL_S)


def _identities(guards: Iterable[Guard]) -> list[object]:
    """Return what tells guards apart: digests do not cover how the operator's services are asked, but files do."""
    return [
        (tuple(policy.ref for policy in guard.pipeline.policies), guard.origin and guard.origin.files)
        for guard in guards
    ]


def _error_places(error: Exception) -> tuple[str, ...]:
    """Return where and what is wrong, without folders and without the words that quote a policy: whoever asks may read it."""
    if not isinstance(error, PolicyErrors):
        return (type(error).__name__,)
    return tuple(f"{Path(each.file).name}:{each.line}:{each.col}: {each.code}" for each in error)


def check_redaction_key(settings: Settings, guard: Guard) -> None:
    """Raise `SettingsError` where several workers would put different values in the same place."""
    if settings.workers > 1 and guard.is_keyed and not has_key():
        raise SettingsError(
            f"the policy redacts with a key (hash or fake), and each of {settings.workers} workers would have its own: "
            f"set {KEY_VARIABLE} to a random one, such as what `openssl rand -hex 32` prints"
        )
