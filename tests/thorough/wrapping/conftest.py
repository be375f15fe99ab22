"""What the long tests of wrapped calls share with the short ones."""

from __future__ import annotations

from tests.wrapping.conftest import *  # noqa: F403
from tests.wrapping.conftest import _fakes

__all__ = ["_fakes"]
