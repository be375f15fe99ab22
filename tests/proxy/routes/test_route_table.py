"""The table of all routes."""

from __future__ import annotations

from collections import Counter

from guardrails.proxy.routes.route_table import ROUTES


def test_every_route_is_there_once() -> None:
    """By its method and path, with one line on what it does."""
    assert max(Counter((route.method, route.path) for route in ROUTES).values()) == 1
    assert all(route.summary.endswith(".") and "\n" not in route.summary for route in ROUTES)


def test_what_is_judged_is_no_probe() -> None:
    """Who has no key, or asks for another host, can have nothing judged or counted for him."""
    probes = {route.path for route in ROUTES if route.is_probe}

    assert probes == {"/healthz", "/readyz", "/health", "/metrics"}
    assert {route.path for route in ROUTES if route.answers_any_host} == probes - {"/metrics"}
    assert not any(route.is_judged for route in ROUTES if route.is_probe)


def test_google_takes_keys_in_the_query() -> None:
    """Its clients of Gemini and Perspective send them so; nobody else does."""
    for route in ROUTES:
        google = route.path.startswith(("/v1beta/", "/v1/models/", "/v1alpha1/"))
        assert route.takes_key_in_query is google, route.path
