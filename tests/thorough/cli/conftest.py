"""What the long tests of commands share with the short ones."""

from __future__ import annotations

from tests.cli.conftest import *  # noqa: F403
