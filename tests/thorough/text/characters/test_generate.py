"""The generator of the tables: all of them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from guardrails.text.characters import _generate, _tables


def test_module_is_what_is_committed() -> None:
    """The committed tables are this generator's, if of the same Unicode; if not, it still runs."""
    made = _generate.module()
    committed = Path(_tables.__file__).read_text(encoding="ascii")

    assert made.isascii()
    if unicodedata.unidata_version in committed:
        assert made == committed
