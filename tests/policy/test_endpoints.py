"""The operator's endpoints: what the file declares, and what is said of one that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrails import Guard, PolicyErrors
from guardrails.detectors import ConfigProblems
from guardrails.policy.endpoints import VARIABLE, find_endpoint
from guardrails.remote.endpoint import Endpoint, SecretSource
from tests.cases import each_case

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Return a function: the text of the file in, where it then lies out; the environment names it."""

    def write(text: str) -> Path:
        path = tmp_path / "endpoints.yaml"
        path.write_text(text)
        monkeypatch.setenv(VARIABLE, str(path))
        return path

    return write


def test_an_endpoint_has_defaults(write: Write) -> None:
    """All but its URL."""
    write("endpoints:\n  a: {url: 'http://127.0.0.1:1/v1/'}\n")
    assert find_endpoint("a") == Endpoint("a", "http://127.0.0.1:1/v1")


def test_an_endpoint_has_what_is_declared(write: Write) -> None:
    """Times in milliseconds, a key by where it is kept, from the file's own folder."""
    path = write("""
endpoints:
  a:
    url: https://x.example/v1
    key: {file: keys/a}
    key_header: Ocp-Apim-Subscription-Key
    headers: {x-b: "2", x-a: "1"}
    timeout_ms: 250
    retries: 0
    connections: 2
    waiting: 0
    breaker: {failures: 1, open_ms: 500}
  b: {url: https://y.example, aws: {region: eu-central-1}}
  c: {url: https://z.example, key: {env: ZQX_KEY}}
""")
    assert find_endpoint("a") == Endpoint(
        "a", "https://x.example/v1", SecretSource(file=path.parent / "keys/a"), "Ocp-Apim-Subscription-Key",
        (("x-a", "1"), ("x-b", "2")), 0.25, 0, 2, 0, 1, 0.5,
    )  # fmt: skip
    assert find_endpoint("b") == Endpoint("b", "https://y.example", aws=("eu-central-1", "bedrock"))
    assert find_endpoint("c").key == SecretSource(env="ZQX_KEY")


def test_a_key_file_does_not_depend_on_the_current_folder(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Also where the environment names the file by a relative path."""
    path = write("endpoints: {a: {url: 'http://x', key: {file: key}}}")
    (tmp_path / "key").write_text("zqx")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(path.parent)
    monkeypatch.setenv(VARIABLE, path.name)
    endpoint = find_endpoint("a")
    monkeypatch.chdir(tmp_path / "sub")
    assert endpoint.request_headers() == {"authorization": "Bearer zqx"}


def said(error: ConfigProblems) -> list[str]:
    """Return the problems as they are shown, without the folder."""
    return [
        f"{'' if each.place is None else f'{each.place[1]}:{each.place[2]}: '}{each.code}: {each.message}"
        for each in error.problems
    ]


@each_case(
    ("text", "problems"),
    [
        ("", ["1:1: empty_policy"]),
        ("endpoints: []", ["1:12: wrong_type: endpoints must be a mapping, not a list"]),
        ("endpoints: {a: {}}", ["1:16: missing_field: endpoints.a in the endpoints' file needs 'url'"]),
        (
            "endpoints:\n  a:\n    url: http://x\n    timeout: 5\n",
            ["4:5: unknown_field: 'timeout' is not a field of endpoints.a in the endpoints' file"],
        ),
        (
            "endpoints:\n  a: {url: http://x, retries: 99}\n  b: {url: http://x, timeout_ms: 0}\n",
            [
                "2:31: invalid_value: endpoints.a.retries must be at most 10, not 99",
                "3:34: invalid_value: endpoints.b.timeout_ms must be at least 1, not 0",
            ],
        ),
        (
            "endpoints:\n  a: {url: http://x}\n  a: {url: http://y}\n",
            ["3:3: duplicate_key: key 'a' is there already, in line 2"],
        ),
        (
            "endpoints: {a: {url: http://x, key: {}}}",
            ["1:37: invalid_value: endpoints.a.key: needs either 'env' or 'file'"],
        ),
        (
            "endpoints: {a: {url: http://x, key: {env: A, file: b}}}",
            ["1:37: invalid_value: endpoints.a.key: needs either 'env' or 'file'"],
        ),
        ("endpoints: {a: [", ["yaml_syntax"]),
        ("endpoints: {a: {url: http://x, headers: {'x y': '1'}}}", ["header 'x y' is none that can be sent"]),
        ('endpoints: {a: {url: http://x, headers: {x: "a\\nb"}}}', ["header 'x' is none that can be sent"]),
        (
            "endpoints: {a: {url: http://x, key: {env: A}, aws: {region: r}}}",
            ["has both 'key' and 'aws': requests carry a key, or are signed"],
        ),
    ],
)
def test_what_is_wrong_has_its_place(write: Write, text: str, problems: list[str]) -> None:
    """In the operator's file, line and column, all at once."""
    path = write(text)
    with pytest.raises(ConfigProblems) as error:
        find_endpoint("a")
    found = said(error.value)
    assert len(found) == len(problems)
    for each, problem in zip(found, problems, strict=True):
        assert problem in each
    assert all(each.place is not None and each.place[0] == str(path) for each in error.value.problems)


@each_case(
    "text",
    [
        "endpoints: {a: {url: http://x, key: sk-zqx}}",
        "endpoints: {a: {url: http://x, key: {env: sk-zqx}}}",
        "endpoints: {a: {url: http://x, key: {env: [sk-zqx]}}}",
        "endpoints: {a: {url: 'http://ann:sk-zqx@x'}}",
        "endpoints: {a: {url: 'http://x?key=sk-zqx'}}",
        "endpoints: {a: {url: http://x, key_header: 'x: sk-zqx'}}",
        "endpoints: {a: {url: http://x, headers: sk-zqx}}",
        "endpoints: {a: {url: http://x, headers: {x: [sk-zqx]}}}",
        'endpoints: {a: {url: http://x, headers: {x: "sk-zqx\\u0007"}}}',
        "endpoints: {a: {url: http://x, timeout_ms: sk-zqx}}",
    ],
)
def test_a_key_in_the_wrong_place_is_not_shown(write: Write, text: str) -> None:
    """Whoever reads the errors of a policy is not the operator."""
    write(text)
    with pytest.raises(ConfigProblems) as error:
        find_endpoint("a")
    assert all("zqx" not in f"{each.message} {each.hint}" for each in error.value.problems)


def test_a_policy_says_where(write: Write, tmp_path: Path) -> None:
    """A name that is not declared in the policy, anything else in the operator's file."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("""format: 1
name: tested
detectors:
  far: {use: remote, service: openai, endpoint: moderatoin}
rules:
  - {id: hate, on: input, when: hate > 0.5, then: block}
""")
    path = write("endpoints:\n  moderation: {url: http://x}\n")
    with pytest.raises(PolicyErrors) as error:
        load(policy)
    assert str(error.value) == (
        f"{policy}:4:49: unknown_endpoint: detector 'far': no endpoint 'moderatoin' is declared in endpoints.yaml"
        " - did you mean 'moderation'?"
    )
    write("endpoints:\n  moderation: {url: nowhere}\n")
    with pytest.raises(PolicyErrors) as error:
        load(policy)
    assert str(error.value).startswith(
        f"{path}:2:15: invalid_value: detector 'far': endpoints.moderation: url must be"
    )


def load(policy: Path) -> Guard:
    """Load a policy that may ask services."""
    from guardrails.detectors.services.services_detector import KIND

    return Guard.load(policy, detectors={"remote": KIND})


@each_case("value", [None, ""])
def test_without_a_file_there_is_no_endpoint(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    """The error says how one is declared."""
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(ConfigProblems) as error:
        find_endpoint("a")
    assert said(error.value) == [f"unknown_endpoint: endpoint 'a' is not declared: {VARIABLE} is not set"]
    assert error.value.problems[0].path == ("endpoint",)


@each_case(("name", "reason"), [("none.yaml", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, reason: str
) -> None:
    """With the system's reason."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / name))
    with pytest.raises(ConfigProblems) as error:
        find_endpoint("a")
    assert said(error.value) == [f"unknown_endpoint: {VARIABLE}={tmp_path / name}: {reason}"]
