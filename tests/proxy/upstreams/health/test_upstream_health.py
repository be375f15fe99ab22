"""What failures say of an upstream, and of its models."""

from __future__ import annotations

from guardrails.proxy.upstreams.health.upstream_health import MOST_MODELS, UpstreamHealth


def test_a_model_fails_alone_and_a_server_for_all() -> None:
    """Until it answers again; what is of no model sees both."""
    health = UpstreamHealth(failures=2, open_s=10.0)
    for _ in range(2):
        health.record_start("a")
        health.record_end("a", 0.0, well=False)
    assert (health.remaining_wait("a", 0.0), health.remaining_wait("b", 0.0)) == (10.0, 0.0)
    assert health.remaining_wait(None, 0.0) == 10.0
    assert (health.is_healthy, health.failing_models) == (False, ["a"])

    health.record_end("b", 0.0, well=True)
    assert (health.is_healthy, health.failing_models) == (True, ["a"])
    for _ in range(2):
        health.record_end("b", 0.0, well=False, server=True)
    assert [health.remaining_wait(model, 0.0) for model in ("a", "b", "c", None)] == [10.0] * 4
    health.record_end("a", 10.0, well=True)
    assert [health.remaining_wait(model, 10.0) for model in ("a", "b", "c", None)] == [0.0] * 4


def test_it_is_asked_for_its_list_and_all_models_may_be_asked_again() -> None:
    """That is what health checks do."""
    health = UpstreamHealth(failures=1, open_s=10.0)
    health.record_end("a", 0.0, well=False)
    health.record_end(None, 0.0, well=True)
    assert (health.remaining_wait("a", 0.0), health.failing_models) == (0.0, [])


def test_what_is_remembered_is_bounded() -> None:
    """Clients choose what models are called, and how long that is."""
    health = UpstreamHealth(failures=1, open_s=10.0)
    for number in range(MOST_MODELS + 9):
        health.record_end(f"{number}" + "x" * 9_999, 0.0, well=False)
    assert len(health.failing_models) == MOST_MODELS
    assert max(map(len, health.failing_models)) == 256


def test_a_reset_forgets_failures() -> None:
    """As a new key does."""
    health = UpstreamHealth(failures=1, open_s=10.0)
    health.record_end("a", 0.0, well=False, server=True)
    health.reset()
    assert health.is_healthy
    assert health.remaining_wait("a", 0.0) == 0.0
