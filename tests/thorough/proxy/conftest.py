"""What the long tests of the proxy share with the short ones."""

from __future__ import annotations

from tests.proxy.conftest import _fake, _proxy, fake, kit, policy_guard, proxy, serve, serve_all

__all__ = ["_fake", "_proxy", "fake", "kit", "policy_guard", "proxy", "serve", "serve_all"]
