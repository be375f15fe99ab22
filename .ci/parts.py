"""The parts of a full check: what each runs, what it needs, which paths it is about.

    python .ci/parts.py [PART…]                    all parts but the long ones, or those that are named
    python .ci/parts.py --touched --seconds 600    those that the change since the merge base touches, within a budget
    python .ci/parts.py --list

Runs in the environment that `.ci/run` and `.ci/full` make, and installs there what a part needs besides: packages by pip, whose
own configuration says where large ones come from, with the versions of constraints.txt. Exits 1 where a part failed, after all
have run.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PYTEST = "python -m pytest -q -n auto -p once_more"
SYSTEM = f"{PYTEST} --dist loadfile"
DAY_S = 86_400


class Part(NamedTuple):
    """One part of a full check.

    Attributes:
        name: by which it is called.
        seconds: about how long it takes on two cores, with what it installs.
        paths: patterns of the files that it is about, for `fnmatch`.
        commands: what it runs, by a shell.
        extras: of this package.
        programs: what has to be on the PATH, each with Debian's package that brings it; a path with `*` is looked for.
        is_long: it runs only where it is named.
    """

    name: str
    seconds: int
    paths: tuple[str, ...]
    commands: tuple[str, ...]
    extras: tuple[str, ...] = ()
    programs: tuple[tuple[str, str], ...] = ()
    is_long: bool = False


NPM = ("npm", "npm")
CURL = ("curl", "curl")
ESPEAK = ("espeak-ng", "espeak-ng")
POSTGRESQL = ("/usr/lib/postgresql/*/bin/postgres", "postgresql")

PARTS = (
    Part(
        "clients",
        120,
        ("guardrails/wrapping/*", "guardrails/protocols/*", "tests/system/clients/*"),
        (
            f"{SYSTEM} tests/system/clients/test_model_clients.py tests/system/clients/test_django.py"
            " tests/system/clients/test_notebook.py tests/system/clients/test_sdk_errors.py"
            " tests/system/clients/test_workers.py tests/system/test_ollama.py"
            " tests/system/test_wrapped_anthropic.py tests/system/test_openai_routes.py tests/system/test_leak_tests.py",
        ),
        ("system",),
    ),
    Part(
        "frameworks",
        300,
        ("guardrails/wrapping/*", "docs/pages/guides/frameworks.md", "tests/system/frameworks/*"),
        (
            f"{SYSTEM} tests/system/frameworks tests/system/test_wrapped_langchain.py"
            " tests/system/test_wrapped_langchain_forms.py tests/system/test_wrapped_langchain_streams.py",
        ),
        ("system",),
    ),
    Part(
        "server",
        150,
        ("guardrails/proxy/*", "guardrails/records/*", "guardrails/telemetry/*", "guardrails/cli/operate/*"),
        (
            f"{SYSTEM} tests/system/test_proxy_serve.py tests/system/test_serve_drain.py tests/system/test_records.py"
            " tests/system/test_telemetry.py tests/system/test_guide.py",
        ),
    ),
    Part(
        "npm",
        300,
        (
            "guardrails/proxy/*",
            "guardrails/protocols/*",
            "guardrails/authoring/reports/*",
            "policies/policy.schema.json",
        ),
        (
            f"{SYSTEM} tests/system/test_clients.py tests/system/clients/test_npm.py tests/system/test_editor.py"
            " tests/system/test_gateways.py tests/system/test_gemini.py tests/system/test_protocols.py"
            " tests/system/test_pyright.py tests/system/test_report_tables.py",
        ),
        programs=(NPM, CURL),
    ),
    Part(
        "postgresql",
        90,
        ("guardrails/records/*", "guardrails/stores/*"),
        (f"{SYSTEM} tests/system/test_postgresql.py",),
        programs=(POSTGRESQL,),
    ),
    Part(
        "prometheus",
        60,
        ("guardrails/proxy/server/*", "deploy/*"),
        (f"{SYSTEM} tests/system/test_alerts.py tests/system/test_serve_metrics.py",),
        programs=(("prometheus", "prometheus"),),
    ),
    Part("mcp", 40, ("guardrails/mcp/*",), (f"{SYSTEM} tests/system/test_mcp.py",)),
    Part(
        "pictures",
        90,
        ("guardrails/detectors/images/*", "guardrails/media/images/*"),
        (f"{SYSTEM} tests/system/test_image_text.py",),
        ("ocr",),
    ),
    Part(
        "speech",
        120,
        ("guardrails/inference/media/*", "guardrails/detectors/speech/*", "guardrails/media/audio/*"),
        (f"{SYSTEM} tests/system/test_speech_whisper.py tests/system/test_transcripts.py",),
        ("speech", "speech-multilingual"),
        (ESPEAK,),
    ),
    Part(
        "torch",
        300,
        (
            "guardrails/inference/hub/*",
            "guardrails/wrapping/diffusers/*",
            "guardrails/wrapping/transformers.py",
        ),
        (
            "python -m pip install --quiet diffusers",
            f"{SYSTEM} tests/system/test_classifier_torch.py tests/system/test_frames_torch.py"
            " tests/system/test_guard_model_torch.py tests/system/test_ner_torch.py tests/system/test_pictures_torch.py"
            " tests/system/test_speech_torch.py tests/system/test_tensors_torch.py tests/system/test_zero_shot_torch.py"
            " tests/system/test_wrapped_diffusers.py tests/system/test_wrapped_transformers.py",
        ),
        ("models",),
    ),
    Part(
        "release",
        90,
        ("pyproject.toml", "constraints.txt", "deploy/requirements.lock", ".ci/release", ".ci/sbom.py"),
        (
            "python -m pip install --quiet --dry-run --require-hashes --requirement deploy/requirements.lock",
            "python .ci/audit.py",
            'PYTHON=python .ci/release "$(mktemp -d)"',
            f"{SYSTEM} tests/system/test_install.py",
        ),
    ),
    Part(
        "container",
        240,
        ("deploy/*",),
        (f"{SYSTEM} tests/system/test_container.py",),
        programs=(("debootstrap", "debootstrap"), ("systemd-analyze", "systemd")),
    ),
    Part("thorough", 420, ("tests/thorough/*",), (f"{PYTEST} tests/thorough",)),
    Part(
        "properties",
        300,
        ("guardrails/engine/streaming/*", "guardrails/text/*"),
        (f"{PYTEST} -m hypothesis --hypothesis-profile thorough",),
    ),
    Part("pythons", 900, (), (".ci/pythons",)),
    Part(
        "fuzz",
        7_200,
        (),
        (
            "python -m pytest tests/fuzz tests/thorough/fuzz --hypothesis-profile long",
            "python -m pip install --quiet 'atheris>=3'",
            "for harness in $(python -m tests.thorough.fuzz.coverage_guided --harnesses); do"
            ' python -m tests.thorough.fuzz.coverage_guided "$harness" "${GUARDRAILS_FUZZ_SECONDS:-300}" "$(mktemp -d)"'
            " || exit 1; done",
        ),
        is_long=True,
    ),
    Part(
        "soak",
        1_800,
        (),
        (
            "for _ in 1 2 3 4 5; do python -m pytest tests/thorough/cli/operate/test_serve.py -k killed || exit 1; done",
            "GUARDRAILS_KILLS=100 python -m pytest tests/system/test_records.py -k answered",
            'python benchmarks/soak.py --seconds "${GUARDRAILS_SOAK_SECONDS:-600}"',
        ),
        is_long=True,
    ),
)
"""The parts, in the order in which a change gets them."""


def list_changed(root: Path = ROOT) -> list[str]:
    """Return the paths that differ from where the change began: the merge base with `origin/main`; on that branch itself what
    is older than a day before its newest commit. GUARDRAILS_CI_BASE names another commit.
    """

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    base = os.environ.get("GUARDRAILS_CI_BASE") or git("merge-base", "HEAD", "origin/main")
    if not base or base == git("rev-parse", "HEAD"):
        since = int(git("log", "-1", "--format=%ct") or 0) - DAY_S
        base = git("rev-list", "-1", f"--before={since}", "HEAD") or git(
            "rev-list", "--max-parents=0", "HEAD"
        )
    return git("diff", "--name-only", base).splitlines()


def choose_parts(
    changed: Sequence[str], seconds: int, parts: Sequence[Part] = PARTS
) -> tuple[list[Part], list[Part]]:
    """Return the parts that changed paths touch: those that the seconds allow, in their order, and those that they do not."""
    taken: list[Part] = []
    left: list[Part] = []
    for part in parts:
        if part.is_long or not any(fnmatch.fnmatch(path, each) for path in changed for each in part.paths):
            continue
        fits = sum(each.seconds for each in taken) + part.seconds <= seconds
        (taken if fits else left).append(part)
    return taken, left


def install(part: Part) -> None:
    """Install what a part needs and this machine lacks.

    Raises:
        subprocess.CalledProcessError: that failed.
    """
    missing = [
        package
        for program, package in part.programs
        if not (any(Path("/").glob(program[1:])) if "*" in program else shutil.which(program))
    ]
    if missing:
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *missing]
        subprocess.run(command, check=True, env=quiet, stdout=subprocess.DEVNULL)
    if part.extras:
        named = f".[{','.join(part.extras)}]"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--editable", named]
        subprocess.run([*command, "--constraint", "constraints.txt"], check=True, cwd=ROOT)


def run_part(part: Part, folder: str) -> bool:
    """Run a part; return whether all of it passed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environments = os.environ.get("GUARDRAILS_TEST_ENVIRONMENTS", folder)
    given = os.environ | {
        "PATH": path,
        "GUARDRAILS_TEST_ENVIRONMENTS": environments,
        "PYTHONPATH": str(ROOT / ".ci"),
    }
    try:
        install(part)
    except subprocess.CalledProcessError as error:
        print(f"{part.name}: what it needs cannot be installed: {error}", file=sys.stderr)
        return False
    return all(
        subprocess.run(["bash", "-c", command], cwd=ROOT, env=given, check=False).returncode == 0
        for command in part.commands
    )


def run_parts(parts: Sequence[Part]) -> int:
    """Run parts one after the other, print how long each took; return the exit status."""
    rows: list[str] = []
    failed = 0
    with tempfile.TemporaryDirectory(prefix="guardrails-environments-", ignore_cleanup_errors=True) as folder:
        for part in parts:
            print(f"== part {part.name}", flush=True)
            started = time.monotonic()
            passed = run_part(part, folder)
            failed += not passed
            rows.append(f"{time.monotonic() - started:5.0f} s  {part.name}{'' if passed else ': FAILED'}")
    print("== times of parts", *rows, sep="\n", flush=True)
    return int(failed > 0)


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; return the exit status."""
    reader = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    reader.add_argument("parts", nargs="*", metavar="PART", choices=[[], *(part.name for part in PARTS)])
    reader.add_argument("--touched", action="store_true", help="the parts that the change touches")
    reader.add_argument("--seconds", type=int, default=600, help="the budget of --touched")
    reader.add_argument("--list", action="store_true", help="list the parts")
    options = reader.parse_args(arguments)
    if options.list:
        for part in PARTS:
            print(
                f"{part.name:12} {part.seconds:5} s  {'long  ' if part.is_long else ''}{' '.join(part.paths)}"
            )
        return 0
    if not options.touched:
        named = [part for part in PARTS if part.name in options.parts]
        return run_parts(named or [part for part in PARTS if not part.is_long])
    taken, left = choose_parts(list_changed(), options.seconds)
    print(f"parts that run: {', '.join(part.name for part in taken) or 'none'}")
    print(
        f"parts that the budget of {options.seconds} s leaves out: {', '.join(part.name for part in left) or 'none'}"
    )
    return run_parts(taken) if taken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
