"""Whether an upstream is up: as a whole, and for each model. No clock of its own.

A server that answers for one model and fails for another is left for the one alone: what cannot be reached, or refuses the
operator's key, is down for every model, and what fails once it was asked is down for the model that it was asked for.
"""

from __future__ import annotations

from typing import Final

from guardrails.remote.breaker import CircuitBreaker

MOST_MODELS: Final = 256
"""Models of one upstream of which it is remembered that they fail; clients choose what models are called."""

LONGEST_NAME: Final = 256
"""Characters of a model's name that are kept."""


class UpstreamHealth:
    """The state of one upstream. `now` is any clock in seconds that never goes back.

    Args:
        failures: how many in a row make it down.
        open_s: the time after which one request is sent to see whether it is up again.
    """

    def __init__(self, failures: int, open_s: float) -> None:
        self._failures, self._open_s = failures, open_s
        self._server, self._all = self._breaker(), self._breaker()
        self._models: dict[str, CircuitBreaker] = {}

    @property
    def is_healthy(self) -> bool:
        """Whether its last answers, whatever they were for, tell that it is up."""
        return self._all.is_closed

    @property
    def failing_models(self) -> list[str]:
        """The models for which it is down."""
        return [model for model, breaker in self._models.items() if not breaker.is_closed]

    def remaining_wait(self, model: str | None, now: float) -> float:
        """Return 0.0 if it may be asked for a model first, else the seconds until it may; None is what is of no model."""
        own = self._all if model is None else self._models.get(model[:LONGEST_NAME])
        wait = self._server.remaining_wait(now)
        return wait if own is None else max(wait, own.remaining_wait(now))

    def record_start(self, model: str | None) -> None:
        """Say that a request is sent; `record_end` must follow."""
        for breaker in self._asked(model):
            breaker.record_start()

    def record_begin(self, model: str | None, now: float) -> None:
        """Say that an answer has begun: others need not wait for its end to see whether it is up."""
        for breaker in self._asked(model):
            if not breaker.is_closed:
                breaker.record_end(now, well=None)

    def record_end(self, model: str | None, now: float, *, well: bool | None, server: bool = False) -> None:
        """Say how a request ended.

        Args:
            model: what it was for.
            now: when it ended.
            well: whether it ended well; None tells nothing.
            server: whether its failure is that of the whole server.
        """
        self._all.record_end(now, well=well)
        self._server.record_end(now, well=well if well is not False or server else None)
        if well and model is None:
            self._models.clear()
        elif well and model is not None:
            self._models.pop(model[:LONGEST_NAME], None)
        elif model is not None and (known := self._model(model, is_failing=well is False and not server)):
            known.record_end(now, well=None if server else well)

    def reset(self) -> None:
        """Forget all failures: it is asked in another way from now on, such as with a new key."""
        self._server, self._all = self._breaker(), self._breaker()
        self._models.clear()

    def _breaker(self) -> CircuitBreaker:
        return CircuitBreaker(self._failures, self._open_s)

    def _asked(self, model: str | None) -> list[CircuitBreaker]:
        own = None if model is None else self._models.get(model[:LONGEST_NAME])
        return [self._server, self._all, *([] if own is None else [own])]

    def _model(self, model: str, *, is_failing: bool) -> CircuitBreaker | None:
        """Return what is known of a model; where it is failing, from now on."""
        key = model[:LONGEST_NAME]
        known = self._models.get(key)
        if known is None and is_failing:
            if len(self._models) >= MOST_MODELS:
                del self._models[next(iter(self._models))]
            known = self._models[key] = self._breaker()
        return known
