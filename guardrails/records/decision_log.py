"""The decision log of a process: takes every verdict, and has its record in the journal before the answer leaves.

A thread moves records from the journal to the store, those of processes that were killed as well. Guards of one process that
name the same folder share a log.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ValidationError

from guardrails.detectors.config import describe_invalid
from guardrails.detectors.shared_builds import SharedInstances
from guardrails.engine.content.payload import Payload
from guardrails.engine.model import Request
from guardrails.fork_safety import fork_safe_lock, reset_after_fork
from guardrails.records.chain import RecordsError, read_key
from guardrails.records.configuration import RecordsDoc
from guardrails.records.decision import NOBODY, REQUEST_FACTS, Person, encode_decision
from guardrails.records.decision_store import DecisionStore, store_url
from guardrails.records.detection.detection_profile import DetectionProfile
from guardrails.records.identities import Identities
from guardrails.records.journal.journal import Journal, JournalFull
from guardrails.records.journal.upkeep import Upkeep
from guardrails.records.kept_content.content_keeper import ContentKeeper
from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE, read_content_keys
from guardrails.types import Verdict

LOG = logging.getLogger("guardrails")

CLOSING_S: Final = 5.0
"""Seconds that there are at the end of a process to move what waits; what remains is moved by the next one."""


class DecisionLog:
    """Writes records. Safe to share by threads.

    Args:
        doc: where to, and how.

    Attributes:
        written: records that are in the journal or beyond.
        lost: those that could not be written.
        problem: what is wrong with the store, None while all is well.

    Raises:
        GuardrailsError: the folder cannot be made, a key is too short or malformed, or the store cannot be reached or is newer.
    """

    def __init__(self, doc: RecordsDoc) -> None:
        self.doc = doc
        self._folder = Path(doc.path)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._key = read_key(self._folder, make=True)
            self.journal = Journal(self._folder, self._key, doc.journal_bytes)
        except OSError as error:
            raise RecordsError(f"records cannot be written to {self._folder}: {error.strerror}") from error
        with DecisionStore.open(store_url(doc), self._key):
            pass  # whether it is there, and of a version that is known, is to be known now
        self._identities = Identities(self._key, doc.identities)
        keys = read_content_keys(doc.content)
        self._keeper = None if keys is None else ContentKeeper(doc.content, keys)
        self._warned = False
        self._lock = fork_safe_lock()
        self.reset_in_child()
        reset_after_fork(self)

    def reset_in_child(self) -> None:
        """Begin anew: the parent's thread is not here, and what it wrote is its own."""
        self.written = self.lost = 0
        self.problem: str | None = None
        self._announced: set[str] = set()
        """Digests of profiles that stand in the journal in full: the store has them from there."""
        self._process: int | None = None

    def expect_content(self) -> None:
        """Take that a policy has contents kept, and say once in the log where there is no key, so that none is."""
        if self._keeper is None and not self._warned:
            self._warned = True
            LOG.warning(
                "the policy has contents kept in records, and none is, as there is no key: set %s, or records.content.key_file",
                CONTENT_KEY_VARIABLE,
            )

    def append(
        self,
        verdict: Verdict,
        who: Request | None,
        detection: DetectionProfile | None = None,
        *,
        content: Payload | None = None,
    ) -> bool:
        """Put the record of a verdict in the journal, and return whether the answer may leave: not where it could not be written
        and `on_error` is `block`.

        Args:
            verdict: the verdict.
            who: who asked, None where nobody is known.
            detection: what was looked for (`Checker.detection`).
            content: what was judged, where the policy has it kept, which takes a key as well.
        """
        kept = None
        if content is not None and self._keeper is not None:
            kept = self._keeper.keep(verdict.id, content)
        person = NOBODY if who is None else self._identify(who)
        is_new = detection is not None and detection.digest not in self._announced
        told, record = encode_decision(
            verdict, who, person, REQUEST_FACTS.get(), detection, announce=is_new, content=kept
        )
        if self._process != os.getpid():
            self._start()
        try:
            self.journal.append(told, record)
        except JournalFull as error:
            self.lost += 1
            if self.lost == 1 or self.lost % 10_000 == 0:
                LOG.error("%d records were not written: %s", self.lost, error)
            return self.doc.on_error == "answer"
        if is_new and detection is not None:
            self._announced.add(detection.digest)
        self.written += 1
        return True

    def _identify(self, who: Request) -> Person:
        user = who.user.get("id")
        conversation = None if who.metadata is None else who.metadata.get("conversation")
        if user is None and conversation is None:
            return NOBODY
        known_as = self._identities.known_as
        return Person(known_as(who.tenant, user), known_as(who.tenant, conversation))

    def _start(self) -> None:
        """Start the thread of this process."""
        with self._lock:
            if self._process == os.getpid():
                return
            ended = threading.Event()
            # It holds this only while it is at work, which would never end otherwise.
            given = (weakref.ref(self), Upkeep(self.doc, self._key), self.journal, ended)
            thread = threading.Thread(target=_keep_up, args=given, name="guardrails-records", daemon=True)
            with suppress(RuntimeError):  # Python ends: the next process moves what is written now
                thread.start()
            self._ending = weakref.finalize(self, _end, os.getpid(), thread, ended)
            self._process = os.getpid()

    def close(self) -> None:
        """Have what waits moved, and end; a record that comes later begins a chain of its own."""
        with self._lock:
            if self._process == os.getpid():
                self._ending()
                self._process = None


def _keep_up(log: weakref.ref[DecisionLog], upkeep: Upkeep, journal: Journal, ended: threading.Event) -> None:
    """Move records until the end, and once more then."""
    wait = 0.0
    while not ended.wait(wait):
        wait = upkeep.run(journal)
        if (alive := log()) is not None:
            alive.problem = upkeep.problem
        del alive
    upkeep.run(journal, last=True)
    journal.close()


def _end(process: int, thread: threading.Thread, ended: threading.Event) -> None:
    """Have what waits moved, within five seconds."""
    if process == os.getpid() and thread.is_alive():
        ended.set()
        if thread is not threading.current_thread():
            thread.join(CLOSING_S)


_SHARED: SharedInstances[DecisionLog] = SharedInstances()


def open_log(records: RecordsDoc | Mapping[str, Any] | str | Path | Literal[True]) -> DecisionLog:
    """Return the log that a configuration means; those of one process that name the same share it.

    Args:
        records: the configuration, as `RecordsDoc` or as a mapping of its fields; the folder alone; or True, for the default.

    Raises:
        RecordsError: its folder cannot be made, the key is too short, or the configuration is wrong.
        StoreError: the store cannot be reached, or is newer than this package knows.
    """
    try:
        doc = RecordsDoc.model_validate(str(records) if isinstance(records, Path) else records)
    except ValidationError as error:
        raise RecordsError(f"records: {describe_invalid(error)}") from None
    doc = doc.model_copy(update={"path": os.path.abspath(doc.path)})
    key = doc.model_dump_json()
    return _SHARED.get(key, lambda: DecisionLog(doc))
