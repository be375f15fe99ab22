"""The settings that say which plugins may be used, and where verdicts go."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.settings import Settings, SettingsError
from guardrails.proxy.configuration.sources import load_settings
from guardrails.registry.environment import allow_files
from tests.cases import each_case


@each_case(
    ("given", "entries"),
    [
        ("acme==1.*, ./mine.py", ["acme==1.*", "./mine.py"]),
        ("", []),
        (["acme==1.*"], ["acme==1.*"]),
        (["*"], ["*"]),
    ],
)
def test_plugins_are_a_list_or_a_text_with_commas(given: object, entries: list[str]) -> None:
    """The second is what the environment's GUARDRAILS_PLUGINS holds."""
    assert Settings("http://up:1", plugins=given).plugins == entries
    assert Settings("http://up:1").plugins is None


@each_case(
    ("more", "message"),
    [
        ({"plugins": ["acme detectors"]}, "names no package and no file"),
        ({"plugins": 3}, "plugins must be a list"),
        ({"sinks": [{"use": "jsonlines"}]}, "'jsonlines' is not a kind of sink; there are: "),
        ({"sinks": [{"use": "jsonl"}]}, "sink 'jsonl': path: Field required"),
    ],
)
def test_what_is_wrong_is_an_error_of_the_settings(more: dict[str, object], message: str) -> None:
    """Before anything is served."""
    with pytest.raises(SettingsError, match=message):
        Settings("http://up:1", **more)


def test_files_count_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    """Python files of plugins, and files that verdicts go to."""
    path = tmp_path / "settings.yaml"
    path.write_text(
        dedent("""
        upstream: http://up:1
        plugins: [acme, ./mine.py]
        sinks: [{use: jsonl, path: out/verdicts.jsonl}]
        """)
    )
    (tmp_path / "mine.py").write_text("")
    settings = load_settings(path, {}, {}).settings
    assert settings.plugins == ["acme", str(tmp_path / "./mine.py")]
    assert settings.sinks == [{"use": "jsonl", "path": str(tmp_path / "out/verdicts.jsonl")}]


def test_mistakes_in_a_file_have_their_place(tmp_path: Path) -> None:
    """Line and column of the entry."""
    path = tmp_path / "settings.yaml"
    path.write_text("upstream: http://up:1\nsinks:\n  - {use: nowhere}\n")
    with pytest.raises(
        PolicyErrors, match=r"settings\.yaml:3:5: invalid_value: 'nowhere' is not a kind of sink"
    ):
        load_settings(path, {}, {})


@each_case(
    ("environment", "given", "entries"),
    [
        ({}, "plugins: [acme]", ["acme"]),
        ({"GUARDRAILS_PLUGINS": ""}, "plugins: [acme]", []),
        ({"GUARDRAILS_PLUGINS": "other==1"}, "plugins: [acme]", ["other==1"]),
        ({}, "", None),
    ],
)
def test_the_environment_goes_before_the_file(
    environment: dict[str, str], given: str, entries: list[str] | None, tmp_path: Path
) -> None:
    """Also where it is empty, which allows none. `--plugin` changes nothing of the list."""
    path = tmp_path / "settings.yaml"
    path.write_text(f"upstream: http://up:1\n{given}\n")
    (tmp_path / "mine.py").write_text("")
    with allow_files([str(tmp_path / "mine.py")]):
        assert load_settings(path, {}, environment).settings.plugins == entries
