"""What an operator says of several upstreams, and what is told of mistakes."""

from __future__ import annotations

import json

import pytest

from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.settings import Settings, SettingsError, json_schema
from guardrails.proxy.configuration.sources import load_settings
from guardrails.proxy.upstreams.upstream_settings import UpstreamDoc, base_url
from tests.cases import each_case

HEAD = "upstreams:\n  a:\n    url: http://h:1\n    models: [llama-*, gpt-4]\n"
"""One upstream, in four lines; what follows belongs to it where it is indented by four."""


@pytest.fixture
def problems(tmp_path):
    """Return a function: the text of a settings file in, what is wrong out, each without the file's name."""

    def problems(text: str) -> list[str]:
        path = tmp_path / "settings.yaml"
        path.write_text(text)
        with pytest.raises(PolicyErrors) as raised:
            load_settings(path, {}, {})
        return [str(error).removeprefix(f"{path}:") for error in raised.value]

    return problems


@each_case(
    ("text", "told"),
    [
        (f"{HEAD}    modles: [x]", "5:5: unknown_field: 'modles' is not a field of upstreams.a in the server - did you mean 'models'"),
        (f"{HEAD}    key: sk-zqx", "5:5: unknown_field: 'key' is not a field of upstreams.a in the server"),
        ("upstreams: {a: {models: [x]}}", "1:16: missing_field: upstreams.a in the server needs 'url' - such as url: http://127.0.0.1:8000/v1"),
        ("upstreams: {a: {url: 'http://h'}}", "1:16: missing_field: upstreams.a in the server needs 'models'"),
        ("upstreams: {a: {url: 'http://h', models: []}}", "1:42: invalid_value: upstreams.a.models must have at least 1 entry"),
        ("upstreams: {a: {url: 'http://h', models: ['']}}", "1:43: invalid_value: upstreams.a.models.0 must not be empty"),
        ("upstreams: {a: {url: 'http://h', models: x}}", "1:42: wrong_type: upstreams.a.models must be a list, not a str"),
        ("upstreams: {a: {url: h, models: [x]}}", "1:22: invalid_value: upstreams.a.url: url must be a URL such as http://127.0.0.1:8000/v1"),
        ("upstreams: {a: {url: 'http://a:sk-zqx@h', models: [x]}}",
         "1:22: invalid_value: upstreams.a.url: url must not hold a name or password: key_env names where the key is"),
        ("upstreams: {A b: {url: 'http://h', models: [x]}}", "1:18: invalid_value: upstreams.A b must be lower-case letters"),
        (f"{HEAD}    key_env: sk-zqx", "5:14: invalid_value: upstreams.a.key_env must be a text of the form"),
        (f"{HEAD}    tries: 0", "5:12: invalid_value: upstreams.a.tries must be at least 1, not 0"),
        (f"{HEAD}    tries: 99", "5:12: invalid_value: upstreams.a.tries must be at most 10, not 99"),
        (f"{HEAD}    idle_s: 0", "5:13: invalid_value: upstreams.a.idle_s must be more than 0.0, not 0"),
        (f"{HEAD}    retry_on_timeout: yes", "5:23: wrong_type: upstreams.a.retry_on_timeout must be true or false"),
        (f"{HEAD}    rename: {{gpt-5: x}}", "5:14: unknown_model: upstreams.a.rename has a model that is not among its models"),
        (f"{HEAD}  default: {{url: 'http://i', models: [x]}}\nupstream: http://j",
         "5:3: duplicate_name: upstreams.default has the name of the server that upstream gives"),
        (f"{HEAD}  b: {{url: 'http://h:1/v1/', models: [x, gpt-4]}}",
         "5:42: duplicate_model: upstreams.a is asked for this already, at the same URL with the same key"),
        ("upstreams: {a: {url: 'http://h', models: [x, x]}}",
         "1:46: duplicate_model: upstreams.a is asked for this already, at the same URL with the same key"),
        ("upstreams: {}", "1:1: missing_field: the server needs 'upstream' - such as upstream: http://127.0.0.1:8000/v1"),
        ("upstreams: [a]", "1:12: wrong_type: upstreams must be a mapping, not a list"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(problems, text, told) -> None:
    """One mistake, one problem; no key that stands in the wrong place is shown."""
    [problem] = problems(text)

    assert problem.startswith(told)
    assert "sk-zqx" not in problem


def test_all_mistakes_are_told_at_once(problems) -> None:
    """Of every upstream, and of what stands beside them."""
    told = problems("port: x\nupstreams:\n  a: {url: h, models: []}\n  b: {url: 'http://h', modles: [x]}\n")

    assert [each.split(": ")[1] for each in told] == [
        "wrong_type",
        "invalid_value",
        "invalid_value",
        "unknown_field",
    ]


@each_case(
    "more",
    [
        {"b": {"url": "http://h:1", "models": ["other"]}},
        {"b": {"url": "http://h:1", "models": ["gpt-4"], "key_env": "B_KEY"}},
        {"b": {"url": "http://i:1", "models": ["gpt-4", "*"]}},
    ],
)
def test_one_server_may_be_there_twice(more) -> None:
    """For other models (with other times, say), or with another key; and several may be asked for one model."""
    settings = Settings(upstreams={"a": {"url": "http://h:1/v1", "models": ["gpt-4"]}, **more})

    assert [*settings.upstreams] == ["a", "b"]


def test_settings_of_workers_are_the_same() -> None:
    """What goes through the environment of worker processes comes out as it was; keys do not go through it."""
    settings = Settings(
        upstreams={
            "a": {"url": "http://h", "models": ["m"], "rename": {"m": "n"}, "key_env": "A_KEY", "idle_s": 2.0}
        }
    )

    assert Settings(**json.loads(settings.model_dump_json())).upstreams == settings.upstreams
    assert settings.upstream is None


def test_the_environment_can_name_them() -> None:
    """As YAML in the variable; a mistake in it is told with its place."""
    environment = {"GUARDRAILS_UPSTREAMS": "{a: {url: 'http://h', models: [m]}}"}

    found = load_settings(None, {}, environment)

    assert found.settings.upstreams["a"].models == ["m"]
    assert found.origins == {"upstreams": "GUARDRAILS_UPSTREAMS"}
    with pytest.raises(PolicyErrors, match=r"GUARDRAILS_UPSTREAMS:1:1: invalid_value: upstreams\.a\.url"):
        load_settings(None, {}, {"GUARDRAILS_UPSTREAMS": "{a: {url: h, models: [m]}}"})


def test_without_any_upstream_nothing_is_served() -> None:
    """Neither by a file nor in Python."""
    with pytest.raises(SettingsError, match="needs 'upstream'"):
        Settings()


def test_the_schema_describes_every_field() -> None:
    """For editors, as it does those beside."""
    fields = json_schema()["$defs"]["UpstreamDoc"]["properties"]

    assert fields.keys() == UpstreamDoc.model_fields.keys()
    assert all(field.get("description") for field in fields.values())


@each_case(("url", "base"), [("http://h:8000", "http://h:8000/v1"), ("https://h/a/", "https://h/a")])
def test_the_base_url_is_with_or_without_v1(url: str, base: str) -> None:
    """As that of `upstream`."""
    assert base_url(url) == base
