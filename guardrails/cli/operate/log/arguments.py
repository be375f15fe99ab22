"""What the subcommands of `guardrails log` share: where the records are, and which of them are asked for."""

from __future__ import annotations

import argparse
import os
import re
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from guardrails.errors import GuardrailsError
from guardrails.types import Action, Stage

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from guardrails.cli.progress import Progress
    from guardrails.records.configuration import RecordsDoc
    from guardrails.records.content import ContentReader
    from guardrails.records.decision_store import DecisionStore, Filter
    from guardrails.records.query import RecordCondition, Row

AGO: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def add_source(to: argparse.ArgumentParser) -> None:
    """Add where the records are."""
    to.add_argument(
        "--config", "-c", metavar="FILE", help="the settings file of the server, whose `records` they are"
    )
    to.add_argument(
        "--records",
        metavar="FOLDER",
        help="the folder of the records; by default that of GUARDRAILS_RECORDS, or the one in which commands put them",
    )
    to.add_argument("--store", metavar="URL", help="their database, where it is not in that folder")


def add_filter(to: argparse.ArgumentParser) -> None:
    """Add which records are asked for."""
    from guardrails.records.query import COLUMNS

    to.add_argument("--since", metavar="T", help="from then on: 30m, 24h, 7d ago, or 2026-12-01T08:00")
    to.add_argument("--until", metavar="T", help="before then")
    to.add_argument("--user", metavar="ID", help="of a user, by the id that the server knows them by")
    to.add_argument("--tenant", metavar="T", help="of a tenant; with --user, whose user it is")
    to.add_argument("--conversation", metavar="ID", help="of a conversation")
    to.add_argument("--stage", choices=[stage.value for stage in Stage], help="at a stage")
    to.add_argument("--action", choices=[str(action) for action in Action], help="by what was done")
    to.add_argument("--request", metavar="ID", help="of a request, by its x-request-id")
    to.add_argument("--rule", metavar="ID", help="for which a rule fired")
    to.add_argument(
        "--where",
        metavar="CEL",
        help=f"for which a condition holds, over the columns {', '.join(COLUMNS)}; such as "
        """'action == "block" && scores["hate"] > 0.9'""",
    )


@dataclass(slots=True)
class OpenRecords:
    """Opened records: `with open_records(args) as records:`."""

    doc: RecordsDoc
    key: bytes
    store: DecisionStore
    folder: Path
    _reading: ExitStack = field(default_factory=ExitStack)
    """What is read: it ends before the connection does, also where nobody wanted all of it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._reading.close()
        self.store.close()

    def identify(self, tenant: str | None, value: str | None) -> str | None:
        """Return by what the store knows a user or a conversation."""
        from guardrails.records.identities import Identities

        return Identities(self.key, self.doc.identities).known_as(tenant, value)

    def contents(self) -> ContentReader:
        """Return what reads kept contents.

        Raises:
            GuardrailsError: there is no key of theirs, or it is malformed.
        """
        from guardrails.records.kept_content.content_keys import CONTENT_KEY_VARIABLE

        reader = self.contents_if_keyed()
        if reader is None:
            raise GuardrailsError(
                f"contents are encrypted, and their key is not here: set {CONTENT_KEY_VARIABLE}, or name the settings file "
                "(--config) whose records.content.key_file says where it is"
            )
        return reader

    def contents_if_keyed(self) -> ContentReader | None:
        """Return what reads kept contents, None where there is no key of theirs; raises where one is malformed."""
        from guardrails.records.content import ContentReader
        from guardrails.records.kept_content.content_keys import read_content_keys

        keys = read_content_keys(self.doc.content)
        return None if keys is None else ContentReader(self.store, keys)

    def filter(self, args: argparse.Namespace) -> Filter:
        """Return what the arguments ask for, as far as the database can tell it."""
        from guardrails.records.decision_store import Filter

        return Filter(
            since=parse_time(args.since),
            until=parse_time(args.until),
            tenant=args.tenant,
            subject=self.identify(args.tenant, args.user),
            conversation=self.identify(args.tenant, args.conversation),
            stage=args.stage,
            action=args.action,
            request_id=args.request,
        )

    def rows(
        self, args: argparse.Namespace, progress: Progress, *, newest_first: bool = False
    ) -> Iterator[Row]:
        """Return the records that the arguments ask for, by their columns; shows how far it is."""
        rows = self._read(args, progress, newest_first=newest_first)
        self._reading.callback(rows.close)
        return rows

    def _read(
        self, args: argparse.Namespace, progress: Progress, *, newest_first: bool
    ) -> Generator[Row, None, None]:
        from guardrails.records.query import matching

        records = self.store.select(self.filter(args), newest_first=newest_first)
        for number, row in enumerate(matching(records, condition_of(args)), 1):
            progress.draw(number, None, row["time"])
            if args.rule is None or args.rule in row["rules"]:
                yield row


def condition_of(args: argparse.Namespace) -> RecordCondition | None:
    """Return the condition of `--where`."""
    from guardrails.records.query import RecordCondition

    return None if args.where is None else RecordCondition(args.where)


def open_records(args: argparse.Namespace) -> OpenRecords:
    """Open the records that the arguments name.

    Raises:
        GuardrailsError: there are none, their key is not here, or the store cannot be reached.
    """
    from guardrails.records.chain import read_key
    from guardrails.records.decision_store import DecisionStore, store_url
    from guardrails.records.journal.mover import Mover

    given = {"path": args.records, "store": args.store}
    doc = _configured(args.config).model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
    folder = Path(doc.path)
    if not folder.is_dir() and doc.store is None:
        raise GuardrailsError(
            f"there are no records in {folder}: name their folder (--records) or the settings file (--config)"
        )
    key = read_key(folder, make=False)
    with ExitStack() as opened:
        store = opened.enter_context(DecisionStore.open(store_url(doc), key))
        if folder.is_dir():
            # What killed processes left is moved by the next one that starts: whoever asks now wants to see it.
            with suppress(OSError):
                Mover(folder).move_orphans(store)
        opened.pop_all()
    return OpenRecords(doc, key, store, folder)


def _configured(config: str | None) -> RecordsDoc:
    """Return the records of a settings file, or else those of the environment, or of commands that are told nothing. What reads
    them makes none.
    """
    from guardrails.records.configuration import OFF, RecordsDoc, name_records

    if config is not None:
        from guardrails.proxy.configuration.sources import load_settings

        found = load_settings(config, {}, os.environ)
        if found.settings.records is not None:
            return found.settings.records
        if "records" in found.origins:
            raise GuardrailsError(
                f"records are off by {found.origins['records']}: no decision is put on record"
            )
    named = name_records(None, os.environ)
    return RecordsDoc() if named in (None, OFF) else RecordsDoc(path=named)


def parse_time(written: str | None) -> int | None:
    """Return a time in microseconds since 1970: so long ago (`24h`), or a date or time in ISO 8601, in UTC where it says no zone.

    Raises:
        GuardrailsError: it is none.
    """
    if written is None:
        return None
    if ago := AGO.fullmatch(written):
        return int((time.time() - float(ago[1]) * SECONDS[ago[2]]) * 1_000_000)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise GuardrailsError(
            f"{written!r} is no time: write 30m, 24h or 7d for so long ago, or 2026-12-01T08:00"
        ) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000_000)
