"""`--on log:FOLDER`: records of decisions as traffic, for the commands that judge some."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardrails.authoring.replay.replayed_traffic import LoggedTraffic

LOG: Final = "log:"
"""What stands before a folder of records in `--on`."""


@contextmanager
def open_logged(named: str) -> Iterator[LoggedTraffic]:
    """Open the records that `log:FOLDER` names, those where commands put them if it names no folder; their contents too, where
    there is a key of these (`GUARDRAILS_CONTENT_KEY`).

    Raises:
        GuardrailsError: there are none, their key is not here, or the store cannot be reached.
    """
    from guardrails.authoring.replay.replayed_traffic import LoggedTraffic
    from guardrails.cli.operate.log.arguments import open_records

    folder = named.removeprefix(LOG) or None
    with open_records(argparse.Namespace(config=None, records=folder, store=None)) as records:
        yield LoggedTraffic(records.store, records.contents_if_keyed(), str(records.folder))
