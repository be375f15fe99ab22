"""The settings of the TLS that clients connect with."""

from __future__ import annotations

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.sources import load_settings
from tests.proxy.tls_kit import Authority


def test_files_lie_beside_the_settings(tmp_path) -> None:
    """As all paths do."""
    Authority().file(tmp_path, "guard").rename(tmp_path / "server.pem")
    settings = tmp_path / "settings.yaml"
    settings.write_text("upstream: http://h\ntls: {cert_file: server.pem}\n")

    found = load_settings(settings, {}, {}).settings.tls

    assert found is not None
    assert found.cert_file == str(tmp_path / "server.pem")


def test_what_is_wrong_is_told_with_its_place(tmp_path) -> None:
    """Before anything is served."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("upstream: http://h\ntls:\n  cert_file: gone.pem\n")
    with pytest.raises(
        PolicyErrors, match=r"settings\.yaml:3:3: invalid_certificate: .*gone\.pem: No such file"
    ):
        load_settings(settings, {}, {})
