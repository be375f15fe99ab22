"""All that is wrong with a server, at once."""

from __future__ import annotations

import os

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.diagnosis.preflight import preflight


def test_everything_that_is_wrong_is_told_at_once(tmp_path) -> None:
    """Settings, keys, certificates, and every policy that is named, though the settings are wrong."""
    (tmp_path / "a.yaml").write_text("rules: [{id: r, on: inputt, when: 'true', then: block}]\n")
    (tmp_path / "b.yaml").write_text("rulez: []\n")
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "upstreams:\n  gpu: {url: 'http://h', models: ['*'], key_file: gone, ca_file: none.pem}\n"
        "prot: 9\nworkers: 0\npolicy: a.yaml\nfloor: b.yaml\npolicies: [{policy: missing.yaml, models: [m]}]\n"
    )

    with pytest.raises(PolicyErrors) as raised:
        preflight(str(settings), {}, os.environ)

    told = "\n".join(map(str, raised.value.errors))
    for part in ("'prot' is not a field", "workers must be at least 1", "inputt", "rulez", "missing.yaml"):
        assert part in told
    settings.write_text(settings.read_text().replace("prot: 9\nworkers: 0\n", ""))
    with pytest.raises(PolicyErrors) as raised:
        preflight(str(settings), {}, os.environ)
    told = "\n".join(map(str, raised.value.errors))
    for part in ("gone: No such file", "none.pem: No such file", "inputt", "rulez", "missing.yaml"):
        assert part in told


def test_what_can_be_served_is_returned(tmp_path) -> None:
    """Settings with the guards of their policies."""
    found, state = preflight(None, {"upstream": "http://h", "policy": "pii-only", "floor": "secrets"}, {})
    assert found.settings.policy == "pii-only"
    assert len(state.guards[0].pipeline.policies) == 2
