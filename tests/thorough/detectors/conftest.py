"""What the long tests of detectors share with the short ones."""

from __future__ import annotations

from tests.detectors.conftest import *  # noqa: F403
