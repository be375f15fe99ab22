"""What the long tests of media share with the short ones."""

from __future__ import annotations

from tests.media.conftest import *  # noqa: F403
