"""A settings file, the environment and flags: what goes before what, and what is said of mistakes."""

from __future__ import annotations

import json

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.settings import Settings, SettingsDoc
from guardrails.proxy.configuration.sources import PREFIX, load_settings
from tests.cases import each_case
from tests.proxy.tls_kit import Authority

OTHER = {
    "upstreams": {"a": {"url": "http://a:1/v1", "models": ["a-*"], "rename": {"a-1": "b"}, "key_env": "A_KEY", "tries": 1}},
    "upstream": "http://other:1/v1", "upstream_key_env": "OTHER_KEY", "logs": {"requests": False, "format": "json", "level": "error"}, "balance": "least_busy", "fallbacks": {"big": ["small"]}, "policy": "strict", "floor": "pii-only", "host": "::1",
    "port": 1, "probe_port": 2, "unix": "/run/guard.sock", "admin": "127.0.0.1:3", "workers": 2,
    "drain": {"notice_s": 1.5, "streams_s": 2.5}, "openapi": True, "reload": False, "connect_s": 1.5, "idle_s": 2.0, "total_s": 3.0, "keep_alive_s": 4.0,
    "keys": [{"id": "shop", "sha256": "0" * 64, "team": "retail"}], "policies": [{"policy": "agents", "teams": ["retail"]}],
    "admin_key_env": "OTHER_ADMIN", "cors_origins": ["https://app.example.com"], "allowed_hosts": ["guard", "*.example.com"], "open": True,
    "head_s": 5.0, "body_s": 6.0, "body_bytes_per_s": 7, "max_connections": 8, "max_connections_per_address": 2,
    "max_body_bytes": 5, "max_bodies_bytes": 8, "max_answer_bytes": 6, "max_files_bytes": 9, "max_concurrent": 7, "max_wait_s": 1.5,
    "max_contents": 10, "max_characters": 111, "max_pictures": 12, "max_pixels": 13, "max_files": 14, "max_windows": 15, "max_choices": 16, "unknown_fields": "refuse",
    "shadow": {
        "policy": "agents", "log": "/var/decisions.jsonl", "content": True, "sample": 0.5,
        "queue": 3, "queue_bytes": 4, "log_bytes": 5_000, "log_files": 6,
    },
    "plugins": ["acme-detectors==1.*"], "protocols": ["acme.translations"], "sinks": [{"use": "jsonl", "path": "/var/verdicts.jsonl"}],
    "records": {"path": "/var/records", "on_error": "block", "keep_days": 90.0},
    "application_text": [{"text": "You are the support agent of Acme."}, {"sha256": "0" * 64}],
    "telemetry": {
        "endpoint": "http://127.0.0.1:4318", "service_name": "chat-guard", "sample": 0.1, "conventions": "development",
        "content": True, "logs": False,
    },
    "fetch": {"hosts": ["*.example.com"], "networks": ["10.0.0.0/8"], "max_bytes": 8, "timeout_s": 1.0, "most": 2},
}  # fmt: skip
"""Every setting but those of files that must be there, none at its default."""


@pytest.fixture
def write(tmp_path):
    """Return a function: the text of a settings file in, where it lies out."""

    def write(text: str):
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        return path

    return write


def problems(*given) -> list[str]:
    """Return what is wrong."""
    with pytest.raises(PolicyErrors) as raised:
        load_settings(*given)
    return [str(error) for error in raised.value]


def test_every_setting_can_stand_in_a_file_and_in_the_environment(write, tmp_path) -> None:
    """By the same name, and it means the same; who gave it is told."""
    (tmp_path / "key").write_text("sk-upstream")
    files = {
        "upstream_key_file": str(tmp_path / "key"),
        "tls": {"cert_file": str(Authority().file(tmp_path, "guard")), "min_version": "1.3"},
    }
    other = {**OTHER, **files}
    assert other.keys() == SettingsDoc.model_fields.keys()
    environment = {
        PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
        for name, value in other.items()
    }
    path = write(json.dumps(other))

    from_file, from_environment = load_settings(path, {}, {}), load_settings(None, {}, environment)

    assert from_file.settings == from_environment.settings == Settings(**other)
    assert from_file.origins == dict.fromkeys(other, str(path))
    assert from_environment.origins == {name: PREFIX + name.upper() for name in other}


def test_flags_go_before_the_environment_and_that_before_the_file(write) -> None:
    """One by one; what nobody gave is the default. An empty variable is none."""
    path = write("upstream: http://h\nport: 1\nhost: 127.0.0.2\nworkers: 3\n")
    flags = {"port": 3, "host": None, "unknown_fields": "refuse"}

    found = load_settings(
        path, flags, {"GUARDRAILS_PORT": "2", "GUARDRAILS_HOST": "127.0.0.3", "GUARDRAILS_WORKERS": ""}
    )

    settings = found.settings
    assert (settings.port, settings.host, settings.workers, settings.policy) == (3, "127.0.0.3", 3, "default")
    assert found.origins == {
        "upstream": str(path), "port": "--port", "host": "GUARDRAILS_HOST", "workers": str(path),
        "unknown_fields": "--unknown-fields",
    }  # fmt: skip


@each_case(
    ("policy", "of_file"),
    [("default", None), ("p.yaml", "p.yaml"), ("sub/p.yaml", "sub/p.yaml"), ("/a/p.yaml", "/a/p.yaml")],
)
def test_a_files_policy_lies_beside_it(write, policy, of_file) -> None:
    """Unless it is a shipped one or a full path; elsewhere a path counts from where one stands."""
    path = write(f"upstream: http://h\npolicy: {policy}\n")

    assert load_settings(path, {}, {}).settings.policy == (str(path.parent / of_file) if of_file else policy)
    assert load_settings(None, {"upstream": "http://h", "policy": policy}, {}).settings.policy == policy


@each_case(
    ("line", "told"),
    [
        ("prot: 9", ":2:1: unknown_field: 'prot' is not a field of the server - did you mean 'port' or 'protocols'?"),
        ("host: 127.0.0.1\nhost: 127.0.0.2", ":3:1: duplicate_key: key 'host' is there already, in line 2 - remove or rename one of the two"),
        ("port: '80'", ":2:7: wrong_type: port must be a whole number, not a str - write it without quotes"),
        ("port: 81\nprobe_port: 81", ":3:13: invalid_value: probe_port: must be another port than port, where requests are answered"),
        ("admin: 127.0.0.1", ":2:8: invalid_value: admin: must be a host and a port, such as 127.0.0.1:9090 or [::1]:9090"),
        ("drain: {notice_s: -1}", ":2:19: invalid_value: drain.notice_s must be at least 0.0, not -1"),
        ("workers:  0", ":2:11: invalid_value: workers must be at least 1, not 0"),
        ("reload: yes", ":2:9: wrong_type: reload must be true or false, not a str - write true"),
        ("unknown_fields: refused", ":2:17: invalid_value: unknown_fields must be 'judge' or 'refuse', not a str "
         "- did you mean 'refuse'?"),
        ("total_s: 0", ":2:10: invalid_value: total_s must be more than 0.0, not 0"),
        ("policy: ''", ":2:9: invalid_value: policy must not be empty"),
        ("a: [", ":2:4: yaml_syntax"),
        ("host: 0.0.0.0", ":2:7: open_to_everybody: whoever reaches 0.0.0.0 could ask: there are no keys, and neither --open nor "
         "open: true - give each client a key"),
        ("allowed_hosts: ['http://guard']", ":2:16: invalid_value: allowed_hosts has names of hosts such as guard, *.example.com or *"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_told_with_its_place(write, line, told) -> None:
    """File, line, column, code, and what was most likely meant."""
    path = write(f"upstream: http://h\n{line}\n")

    [problem] = problems(path, {}, {})

    assert problem.startswith(f"{path}{told}")


@each_case(
    "line",
    ["upstream_key: sk-zqx", "upstream_key_env: sk-zqx", "port: sk-zqx", "upstream: 'http://a:sk-zqx@h'"],
)
def test_a_secret_in_a_file_is_an_error_that_does_not_show_it(write, line) -> None:
    """Only the environment holds secrets."""
    path = write(f"upstream: http://h\n{line}\n" if "upstream:" not in line else line)

    assert "sk-zqx" not in "\n".join(problems(path, {}, {}))


@each_case(("text", "kind"), [("[a]", "a list"), ("a", "a single value"), ("~", "a single value")])
def test_settings_are_a_mapping(write, text, kind) -> None:
    """Nothing else."""
    [problem] = problems(write(text), {}, {})

    assert f"wrong_type: settings must be a mapping, not {kind}" in problem


def test_a_file_may_be_empty(write) -> None:
    """All may stand in the environment."""
    path = write("# port: 9\n")

    assert load_settings(path, {}, {"GUARDRAILS_UPSTREAM": "http://h"}).settings == Settings("http://h")


def test_all_mistakes_are_told_at_once(write) -> None:
    """Of the file, the environment and the flags, each by the name under which it was given."""
    path = write("host: 1\n")
    environment = {
        "GUARDRAILS_PORT": "tcp://10.0.0.1:80",
        "GUARDRAILS_RELOAD": "[",
        "GUARDRAILS_IDLE_S": "{a: 1, a: 2}",
    }

    told = problems(path, {"workers": 0}, environment)

    assert [each.split(" ")[0:2] for each in told] == [
        ["--workers:1:1:", "invalid_value:"],
        [f"{path}:1:1:", "missing_field:"],
        [f"{path}:1:7:", "wrong_type:"],
        ["GUARDRAILS_IDLE_S:1:1:", "wrong_type:"],
        ["GUARDRAILS_IDLE_S:1:8:", "duplicate_key:"],
        ["GUARDRAILS_PORT:1:1:", "wrong_type:"],
        ["GUARDRAILS_RELOAD:1:1:", "wrong_type:"],
        ["GUARDRAILS_RELOAD:1:1:", "yaml_syntax:"],
    ]


def test_what_is_missing_is_told_without_a_file_too(tmp_path) -> None:
    """The upstream is the only setting without a default; a file that is not there is named."""
    [missing] = problems(None, {}, {})
    [unreadable] = problems(tmp_path / "no.yaml", {}, {})

    assert (
        "missing_field: the server needs 'upstream' - such as upstream: http://127.0.0.1:8000/v1" in missing
    )
    assert problems(None, {"upstream": "nowhere"}, {}) == [
        "--upstream:1:1: invalid_value: upstream must be a URL such as http://127.0.0.1:8000/v1"
    ]
    assert unreadable == f"{tmp_path / 'no.yaml'}:0:0: unreadable_file: No such file or directory"


@pytest.mark.parametrize(
    ("text", "environment", "flags", "path", "origin"),
    [
        ("", {}, {}, "guardrails/records", "default"),
        ("records: mine\n", {}, {}, "mine", "settings.yaml"),
        ("records: {path: mine}\n", {}, {}, "mine", "settings.yaml"),
        ("records: {keep_days: 3}\n", {}, {}, "guardrails/records", "settings.yaml"),
        ("records: on\n", {}, {}, "on", "settings.yaml"),
        ("records: true\n", {}, {}, "guardrails/records", "settings.yaml"),
        ("records: off\n", {}, {}, None, "settings.yaml"),
        ("records: false\n", {}, {}, None, "settings.yaml"),
        ("records: mine\n", {"GUARDRAILS_RECORDS": "off"}, {}, None, "GUARDRAILS_RECORDS"),
        ("records: off\n", {"GUARDRAILS_RECORDS": "/named"}, {}, "/named", "GUARDRAILS_RECORDS"),
        ("records: mine\n", {}, {"records": "off"}, None, "--records"),
    ],
)
def test_a_server_has_records_unless_it_is_told_not_to(
    write, tmp_path, monkeypatch, text, environment, flags, path, origin
) -> None:
    """In the default folder where nothing is said; a program that reads the settings otherwise has none unasked."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    file = write(f"upstream: http://h\n{text}")
    found = load_settings(file, flags, {"XDG_STATE_HOME": str(tmp_path), **environment}, on_record=True)
    records = found.settings.records
    assert (None if records is None else records.path) == (None if path is None else str(tmp_path / path))
    assert found.origins.get("records", "default").endswith(origin)
    assert (load_settings(file, {}, {}).settings.records is None) is (
        text == "" or "off" in text or "false" in text
    )
