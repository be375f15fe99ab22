"""`guardrails key`: a new key, and the row that lets it in."""

from __future__ import annotations

import io
import json

from guardrails.cli import main
from guardrails.proxy.access.admission import Admission
from guardrails.proxy.access.keys import find_weakness, hash_key
from guardrails.proxy.configuration.sources import load_settings
from tests.cases import each_case


def test_what_it_prints_is_a_settings_file_that_lets_the_key_in(tmp_path, capsys) -> None:
    """The key itself stands in a comment alone."""
    assert main(["key", "shop-web", "--team", "retail"]) == 0
    printed = capsys.readouterr().out
    key = printed.splitlines()[0].rpartition(" ")[2]
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: http://h\n{printed}")

    keys = load_settings(str(path), {}, {}).settings.keys

    scope = {"headers": [(b"authorization", f"Bearer {key}".encode())]}
    assert Admission(keys).admit(scope, "2026-01-01").key.id == "shop-web"
    assert keys[0].tenant == "retail"


def test_a_key_whose_system_messages_are_trusted(capsys) -> None:
    """Its row says so; other rows do not speak of it."""
    assert main(["key", "backend", "--system", "trusted", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["row"]["system"] == "trusted"
    assert main(["key", "shop-web"]) == 0
    assert "system" not in capsys.readouterr().out


def test_json_and_bare(capsys) -> None:
    """For programs, and for the environment."""
    assert main(["key", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["row"] == {"id": "client", "sha256": hash_key(made["key"])}
    assert main(["key", "--bare"]) == 0
    assert find_weakness(capsys.readouterr().out.strip()) is None


def test_a_key_of_ones_own_comes_by_standard_input(capsys, monkeypatch) -> None:
    """It is not printed again."""
    own = "kR7!wq9Zt2@vLx5#Np8$"
    monkeypatch.setattr("sys.stdin", io.StringIO(own + "\n"))
    assert main(["key", "a", "--stdin"]) == 0
    printed = capsys.readouterr().out
    assert hash_key(own) in printed
    assert own not in printed


@each_case(
    ("arguments", "typed", "told"),
    [(["key", "--stdin"], "changeme\n", "well-known"), (["key", "A B"], "", "lower-case letters")],
)
def test_what_lets_strangers_in_is_refused(arguments, typed, told, capsys, monkeypatch) -> None:
    """Status 2, and never the key."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "changeme" not in error
