"""The jobs that wait for threads, in the order in which they begin: callers take turns, and nobody holds all threads."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from math import inf
from time import perf_counter
from typing import Any, Final

from guardrails.processor.work_meter import WorkMeter

RECENT: Final = 0.1
"""Weight of the last job in what jobs of a lane take."""

LEAST_JOB_S: Final = 1e-5
"""What a job takes at least: until one was measured, those of streams and others take turns."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A function that waits for a thread, or runs on one; `is_turn` tells that it lets somebody begin who has a thread."""

    future: Future[Any]
    function: Callable[[], Any]
    caller: str
    meter: WorkMeter | None
    since: float
    is_turn: bool = False

    @property
    def is_of_stream(self) -> bool:
        """Whether it is part of the work for a streamed answer."""
        return self.meter is not None and self.meter.streams


class CallerQueue:
    """The jobs of one caller that wait. Where there are some of streams and others, both get as much time: a window of a stream's
    text takes many times as long as a short question, and one stream after the other has some.
    """

    def __init__(self) -> None:
        self._kinds: tuple[deque[Job], deque[Job]] = (deque(), deque())
        self._given_s = [0.0, 0.0]
        self._began = -inf

    def __len__(self) -> int:
        return sum(map(len, self._kinds))

    @property
    def since(self) -> float:
        """When the job was submitted that waits longest."""
        return min(jobs[0].since for jobs in self._kinds if jobs)

    @property
    def turn_since(self) -> float:
        """Since when the caller waits for a turn: a job of its own that waits longer waits for the others of its own, too."""
        return max(self.since, self._began)

    def push(self, job: Job) -> None:
        """Add a job behind the others of its kind."""
        self._kinds[job.is_of_stream].append(job)

    def pop(self, takes_s: Sequence[float]) -> Job:
        """Take the job whose turn it is; `takes_s` is what jobs of streams take that are not (first) and that are."""
        others, streams = self._kinds
        kind = not others or (bool(streams) and self._given_s[True] < self._given_s[False])
        self._given_s[kind] += max(takes_s[kind], LEAST_JOB_S)
        if not self._kinds[not kind]:  # who has none now is owed nothing for it later
            self._given_s[not kind] = self._given_s[kind]
        self._began = perf_counter()
        return self._kinds[kind].popleft()

    def remove(self, future: Future[Any]) -> bool:
        """Forget a job, and tell whether it was there."""
        for jobs in self._kinds:
            for job in jobs:
                if job.future is future:
                    jobs.remove(job)
                    return True
        return False

    def cancel(self) -> None:
        """Cancel all jobs."""
        for jobs in self._kinds:
            for job in jobs:
                job.future.cancel()


class Lane:
    """The jobs of one kind: those that wait, by caller, and how many run. `threads` of them run at a time.

    Not safe by itself: the pool's lock guards it.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.size = 0
        self._waiting: OrderedDict[str, CallerQueue] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._stuck = 0
        self._mean_s = 0.0
        self._takes_s = [0.0, 0.0]  # of jobs of streams that are not, and that are

    @property
    def working(self) -> int:
        """Jobs that run and that somebody waits for."""
        return self._running.total() - self._stuck

    @property
    def is_idle(self) -> bool:
        """Whether no job waits or runs, so that the next one begins at once; may be asked without the lock."""
        return not self._running and not self._waiting and self.threads > 0

    def is_free(self, caller: str) -> bool:
        """Tell whether another job of a caller begins at once."""
        return not self._waiting and self.working < self.threads and self._share(caller) > 0

    @property
    def due(self) -> int:
        """How many jobs could begin, if there were threads."""
        return min(
            self.threads - self.working,
            sum(min(len(jobs), self._share(caller)) for caller, jobs in self._waiting.items()),
        )

    def waits(self, caller: str) -> int:
        """Return how many jobs of a caller wait."""
        return len(self._waiting.get(caller, ()))

    def delay(self, now: float) -> float:
        """Return how late the lane is: for how many seconds whoever waits longest does, or another job behind all would."""
        since = min((jobs.since for jobs in self._waiting.values()), default=now)
        return 0.0 if since == now else max(now - since, self._time_for(self.size + 1))

    def expected_wait(self, caller: str, now: float) -> float:
        """Return the seconds that another job of a caller would wait before it begins.

        A caller waits for its turn: of the jobs of others as many come before it as it has itself, and what waits for a client
        that holds its share of the threads takes none of the others'.
        """
        if self.is_free(caller):
            return 0.0
        in_turn = [*filter(self._share, self._waiting)]
        if self.working < self.threads and self._share(caller) and not in_turn:
            return 0.0
        mine = self.waits(caller)
        since = [self._waiting[other].turn_since for other in in_turn]
        if mine:
            since.append(self._waiting[caller].since)
        before = sum(min(len(jobs), mine + 1) for jobs in self._waiting.values())
        ahead = max(self._time_for(before + 1), self._time_for(mine + 1, self._most_of(caller)))
        return max(now - min(since, default=now), ahead)

    def _time_for(self, jobs: int, threads: int | None = None) -> float:
        """Return the seconds until so many jobs have begun, on all threads if not said."""
        threads = self.threads if threads is None else threads
        return jobs / threads * self._mean_s if threads else 0.0

    def push(self, job: Job) -> None:
        """Add a job behind the others of its caller."""
        if (jobs := self._waiting.get(job.caller)) is None:
            jobs = self._waiting[job.caller] = CallerQueue()
        jobs.push(job)
        self.size += 1

    def pop(self) -> Job | None:
        """Begin the next job: of the caller whose turn it is, among those that hold less than their share."""
        if self.working >= self.threads:
            return None
        caller = next(filter(self._share, self._waiting), None)
        if caller is None:
            return None
        jobs = self._waiting[caller]
        job = jobs.pop(self._takes_s)
        self._waiting.move_to_end(caller)
        if not jobs:
            del self._waiting[caller]
        self.size -= 1
        self.begin(job)
        return job

    def begin(self, job: Job) -> None:
        """Count a job that runs."""
        self._running[job.caller] += 1

    def remove(self, future: Future[Any]) -> None:
        """Forget a job that waits; its place in the queue is for those who still wait."""
        for caller, jobs in self._waiting.items():
            if jobs.remove(future):
                self.size -= 1
                if not jobs:
                    del self._waiting[caller]
                return

    def clear(self) -> None:
        """Cancel all that wait."""
        for jobs in self._waiting.values():
            jobs.cancel()
        self._waiting.clear()
        self.size = 0

    def stick(self) -> None:
        """Count a job that runs as stuck: nobody waits for it any more."""
        self._stuck += 1

    def finish(self, job: Job, seconds: float, *, stuck: bool) -> None:
        """Take the end of a job that ran for so long."""
        kind = job.is_of_stream
        self._mean_s = _approach(self._mean_s, seconds)
        self._takes_s[kind] = _approach(self._takes_s[kind], seconds)
        self._running[job.caller] -= 1
        if not self._running[job.caller]:
            del self._running[job.caller]
        self._stuck -= stuck

    def _most_of(self, caller: str) -> int:
        """Return how many jobs of a caller may run at a time."""
        return (self.threads + 1) // 2 if caller else self.threads

    def _share(self, caller: str) -> int:
        """Return how many more jobs of a caller may run."""
        return max(0, self._most_of(caller) - self._running[caller]) if caller else self.threads


def _approach(mean_s: float, seconds: float) -> float:
    """Return what jobs take, once another one has taken so long."""
    return mean_s + (seconds - mean_s) * (RECENT if mean_s else 1.0)
