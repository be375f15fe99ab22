"""The sample package, installed with pip as any package is: its plugins work wherever the built-in ones do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from openai import OpenAI

from guardrails import Action, Guard
from guardrails.cli.run import demo_model
from guardrails.errors import PolicyErrors
from guardrails.proxy.configuration.settings import Settings
from guardrails.proxy.server.serve import Running

HERE = Path(__file__).parent
POLICY = HERE / "policy.yaml"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that the package is installed in."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source")
    for file in (
        "pyproject.toml",
        "README.md",
        *(f"acme_guardrails/{p.name}" for p in (HERE / "acme_guardrails").glob("*.*")),
    ):
        (source / file).parent.mkdir(exist_ok=True)
        (source / file).write_bytes((HERE / file).read_bytes())
    how = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--no-compile")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *how, "--target", folder, source], check=True, timeout=120
    )
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the package on the path of this process."""
    monkeypatch.syspath_prepend(site)
    monkeypatch.delenv("GUARDRAILS_PLUGINS", raising=False)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "acme_guardrails"]:
        del sys.modules[name]


COMMANDS = """
import contextlib, io, json, sys
from guardrails.cli import main
done = []
for arguments in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
        status = main(arguments)
    done.append((status, out.getvalue(), errors.getvalue()))
print(json.dumps(done))
"""
"""Runs commands one after the other: most of what one takes alone is the start of Python."""


class Done(NamedTuple):
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def commands(site: Path) -> Callable[..., list[Done]]:
    """Return a function that runs commands of `guardrails`, in one process, where the package is installed."""
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])

    def run(*given: Sequence[str | Path], **environment: str) -> list[Done]:
        asked = json.dumps([[*map(str, arguments)] for arguments in given])
        done = subprocess.run(
            [sys.executable, "-c", COMMANDS, asked],
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [Done(*each) for each in json.loads(done.stdout)]

    return run


def test_commands_of_policy_editors_know_the_plugins(commands: Callable[..., list[Done]]) -> None:
    """`check` redacts as the plugins say, `test` counts their coverage, `lint` and `fmt` know their fields, `explain` names them,
    and `schema` offers them to editors: the detector with the descriptions of its fields, and the redaction beside the others.
    """
    checked, tested, linted, formatted, explained, offered = commands(
        ["check", "--policy", POLICY, "two of ACME-123456 now", "--json"],
        ["test", POLICY, "--coverage"],
        ["lint", POLICY],
        ["fmt", "--check", POLICY],
        ["explain", "--policy", POLICY, "two of ACME-123456 now"],
        ["schema"],
    )
    verdict = json.loads(checked.stdout)
    assert (verdict["action"], verdict["content"]) == ("redact", "two of *********56 now"), checked.stderr
    assert verdict["coverage"]["text"] == {"parts": 1, "checked": 1, "characters": 22}
    assert "2 passed, 0 failed" in tested.stdout
    assert "coverage 100.0 %" in tested.stdout
    assert (linted.returncode, formatted.returncode) == (0, 0)
    assert "by parts.redact (last_digits)" in explained.stdout

    schema = json.loads(offered.stdout)
    fields = schema["$defs"]["PartNumbersPluginConfig"]
    assert fields["description"] == "Part numbers: a prefix, a dash, and digits."
    assert fields["properties"]["digits"]["description"] == "How many digits they have."
    [own, named] = schema["$defs"]["RedactionDoc"]["properties"]["text"]["anyOf"]
    assert "last_digits" in named["enum"]
    assert own["type"] == "object"


def test_doctor_lists_them(commands: Callable[..., list[Done]]) -> None:
    """With what they are, and whether they may be used; with `--load` also whether they are what they say."""
    for found in commands(["doctor", "--json"], ["doctor", "--json", "--load"]):
        plugins = json.loads(found.stdout)["plugins"]
        assert [(each["group"], each["name"], each["version"], each["problem"]) for each in plugins] == [
            ("detectors", "part_numbers", "1.2.0", ""),
            ("redactions", "last_digits", "1.2.0", ""),
            ("sinks", "folder", "1.2.0", ""),
        ]
        assert found.returncode == 0


def test_an_operator_says_which_plugins_may_be_used(commands: Callable[..., list[Done]]) -> None:
    """By the environment, whatever a policy names; the error says how, and so does `doctor`."""
    check = ["check", "--policy", POLICY, "a text"]
    [refused] = commands(check, GUARDRAILS_PLUGINS="other")
    assert refused.returncode == 2
    assert (
        f"{POLICY}:6:16: plugin_not_allowed: 'part_numbers' is offered by acme-guardrails 1.2.0"
        in refused.stderr
    )
    [told] = commands(["doctor"], GUARDRAILS_PLUGINS="acme-guardrails==2.*")
    assert told.returncode == 1
    assert "is not among the plugins that may be used" in told.stdout
    [allowed] = commands(check, GUARDRAILS_PLUGINS="acme-guardrails==1.*")
    assert allowed.returncode == 0


@pytest.mark.usefixtures("installed")
def test_texts_that_grow_are_judged_by_them() -> None:
    """What is settled goes out at once, however a text is cut; no part number does."""
    guard = Guard.load(POLICY)
    assert guard.held() == {}
    text = "Take ACME-123456, then ACME-65432 or ACME-9876543."
    whole = guard.check(text, "output").content
    for size in (1, 2, 5, 11, 60):
        stream = guard.stream()
        first = stream.feed(text[:5])
        rest = [stream.feed(text[at : at + size]) for at in range(5, len(text), size)]
        assert "".join([first, *rest, stream.flush()]) == whole
    assert whole == "Take *********56, then ACME-65432 or *********543."[: len(whole)]
    assert Guard.load(POLICY).stream().feed("Please take some parts that nobody needs, and ") != ""


@pytest.mark.usefixtures("installed")
def test_the_proxy_uses_what_its_settings_allow(tmp_path: Path) -> None:
    """Requests and streamed answers are redacted, and every verdict is in the sink; without the package nothing is served."""
    folder = tmp_path / "verdicts"
    with demo_model.run_model() as upstream:
        settings = Settings(
            upstream, policy=str(POLICY), port=0,
            plugins=["acme-guardrails==1.*"], sinks=[{"use": "folder", "path": str(folder)}],
        )  # fmt: skip
        with Running(settings) as url, OpenAI(base_url=f"{url}/v1", api_key="none") as client:
            said = client.chat.completions.create(
                model="demo-model", messages=[{"role": "user", "content": "Repeat: ACME-123456"}], stream=True
            )
            text = "".join(chunk.choices[0].delta.content or "" for chunk in said if chunk.choices)
    assert "*********56" in text
    records = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    assert {each["stage"] for each in records} == {"input", "output"}
    assert {each["policy"]["name"] for each in records} == {"acme"}

    with pytest.raises(PolicyErrors, match="plugin_not_allowed"):
        Guard.load(POLICY, plugins=[])


@pytest.mark.usefixtures("installed")
def test_another_version_is_another_policy(site: Path) -> None:
    """The digest names package, version and entry point."""
    metadata = next(site.glob("acme_guardrails-*.dist-info")) / "METADATA"
    digests, before = [], metadata.read_text()
    try:
        for version in ("1.2.0", "1.3.0"):
            metadata.write_text(before.replace("Version: 1.2.0", f"Version: {version}"))
            digests.append(Guard.load(POLICY).policy.ref.digest)
    finally:
        metadata.write_text(before)
    assert len({*digests}) == 2


@pytest.mark.usefixtures("installed")
def test_a_plugin_that_fails_is_a_failure_of_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash and nonsense alike follow `on_error`, by default to block; the verdict says which detector."""
    from acme_guardrails.detectors import PartNumbers

    for answer in (lambda self, text: 1 / 0, lambda self, text: "nonsense"):
        monkeypatch.setattr(PartNumbers, "_judge", answer)
        verdict = Guard.load(POLICY).check("a text")
        assert verdict.action is Action.BLOCK
        assert [each.detector for each in verdict.errors] == ["parts"]
