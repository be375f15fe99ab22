"""Credentials by their published forms: each is found whole in any surroundings, near misses are not."""

from __future__ import annotations

import base64
import hashlib
import random
import string
import uuid
from pathlib import Path

import pytest

from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.secrets.checksums import crc32_digits
from guardrails.detectors.secrets.secrets_detector import CATEGORIES, KIND, KINDS, SecretsConfig
from guardrails.types import Text
from tests.cases import each_case

ALL = KIND.build("secrets", SecretsConfig(use="secrets"), PolicyFolder(Path()))
WORD = (string.ascii_letters + string.digits) * 5
H = "3f9a1c7be2d58046" * 8
# Put together here, so that no scanner takes this file for a leak.
HITS = [
    ("secret.aws_access_key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("secret.github_token", "ghp_" + WORD[:36]),
    ("secret.github_token", "github_pat_" + WORD[:70]),
    ("secret.gitlab_token", "glpat-" + WORD[:20]),
    ("secret.anthropic_key", "sk-ant-" + "api03-" + WORD[:40]),
    ("secret.openai_key", "sk-" + WORD[:48]),
    ("secret.openai_key", "sk-proj-" + WORD[:40]),
    ("secret.slack_token", "xoxb-" + "1234567890-" + WORD[:12]),
    ("secret.google_api_key", "AIza" + WORD[:35]),
    ("secret.stripe_key", "sk_live_" + WORD[:24]),
    ("secret.npm_token", "npm_" + WORD[:36]),
    ("secret.huggingface_token", "hf_" + WORD[:34]),
    ("secret.jwt", f"eyJ{WORD[:20]}.eyJ{WORD[:30]}.{WORD[:40]}"),
    (
        "secret.private_key",
        "-----BEGIN RSA PRIVATE " + "KEY-----\nMIIB\nAAAA=\n-----END RSA PRIVATE KEY-----",
    ),
]
MISSES = [
    "AKIA-short", "AKIA" + "IOSFODNN7EXAMPL", "ghp_" + WORD[:20], "sk-short", "pk_live_" + WORD[:24], "eyJhbGciOi",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "task-" + WORD[:40].lower().replace("k-", ""),
    # A character too few, or of another alphabet, in each family.
    "do" + "p_v1_" + H[:63], "gs" + "k_" + WORD[:51], "r8" + "_" + WORD[:30], "pplx" + "-" + WORD[:20], "glptt" + "-" + WORD[:40],
    "CCIPAT" + "_" + WORD[:22], "pypi" + "-" + WORD[:60], "rubygems" + "_" + WORD[:48], "dckr_pat" + "_" + WORD[:10],
    "shpat" + "_" + WORD[:32], "sq0atp" + "-" + WORD[:9], "rzp_live" + "_" + WORD[:9], "xoxb" + "-" + "my-bot-token",
    "https://hooks.slack.com/services/", "12345:AA" + WORD[:33], "SG" + "." + WORD[:22], "key" + "-" + H[:31],
    H[:32] + "-eu1", "AC" + H[:32], "NRAK" + "-" + WORD[:20], "glsa" + "_" + WORD[:32], "dapi" + H[:20], "lin_api" + "_" + H[:20],
    "hvs" + "." + WORD[:9], "AGE-SECRET-KEY-1" + "Q" * 58, "5" + "Hue" + "K" * 48, "eyJ" + WORD[:20] + ".eyJ" + WORD[:20],
    # Context without the value's form, and values without context.
    "datadog: " + H[:31], "wandb login " + WORD[:12], H[:32], H[:40], H[:64], WORD[:40], "okta: see the manual",
    "AccountKey=" + WORD[:20], "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
    # URLs without a password, or with a stand-in.
    "postgres://joe@host/db", "postgres://joe:${PGPASSWORD}@host/db", "mysql://root:password@localhost", "http://host:8080/@user",
    "redis://localhost:6379", "https://user:<token>@host", "amqp://guest:guest@localhost", "mongodb://u:****@h",
    "curl -u joe http://host", "curl -H 'Accept: application/json' h", "Authorization: Bearer <token>", "Authorization: Bearer $TOKEN",
]  # fmt: skip


def found(text: str) -> list[tuple[str, str]]:
    """Return category and text of each finding."""
    return [(each.category, text[slice(*each.span)]) for each in ALL.detect([Text(text)])[0].findings]


@each_case(("category", "text"), HITS, ids=[f"{at}" for at in range(len(HITS))])
@each_case("around", ["{}", 'key="{}"', "密钥{}结束", "é {} é"])
def test_published_forms_are_found_whole(category: str, text: str, around: str) -> None:
    """Each form is found whole: alone, in quotes, and touching Chinese characters."""
    assert (category, text) in found(around.format(text))


@each_case("text", MISSES)
def test_near_misses_are_not_found(text: str) -> None:
    """Short, public or broken forms are no credentials."""
    assert found(text) == []


def test_a_cut_off_private_key_is_found_by_its_head() -> None:
    """Without its end the head of a private key is found, so that a cut cannot hide it."""
    head = "-----BEGIN PRIVATE " + "KEY-----"
    assert found(f"{head}\nMIIB") == [("secret.private_key", head)]


def test_declared_categories_are_those_of_the_table() -> None:
    """The kind declares every category of the table, and the older ones are still called the same."""
    assert {category for category, _ in HITS} <= CATEGORIES
    assert (
        KIND.categories("s", SecretsConfig(use="secrets"))
        == CATEGORIES
        == {f"secret.{kind}" for kind in KINDS}
    )


def test_a_dressed_key_is_found() -> None:
    """An invisible character inside a key does not hide it."""
    key = "AKIA" + "IOSF\u200bODNN7EXAMPLE"
    assert found(f"my key {key}") == [("secret.aws_access_key", key)]


STAND_INS = [
    "x" * 24, "your-key-here-please-12", "${MY_SECRET_TOKEN_1}", "<your token goes here>", "changeme-changeme-1", "REDACTED" * 3,
    "example-a1b2c3d4e5f6g7", "****************", "os.environ['TOKEN_1A2B']", "config.get_secret_value_v2()", "none",
    "0" * 32, H[:40], H[:64], "tokenizer_v2_base_large", "AuthenticationProviderFactory", "123e4567-e89b-42d3-a456-426614174000",
]  # fmt: skip


@each_case("value", STAND_INS)
@each_case("form", ['password = "{}"', "api_key: {}", "SECRET_TOKEN={}", "clientSecret='{}',"])
def test_stand_ins_are_not_found_by_context(form: str, value: str) -> None:
    """A name such as password makes no secret out of a placeholder, a reference, code, words or a UUID."""
    assert found(form.format(value)) == []


@each_case("name", ["password", "DB_PASSWD", "client_secret", "authToken", "API_KEY", "x-api-key", "ApiKey"])
@each_case("form", ['{} = "{}"', "{}: {}", "{}={}\n", "'{}' => '{}'", '"{}": "{}",', "{} := `{}`"])
def test_random_values_are_found_by_context(name: str, form: str) -> None:
    """A random value assigned to a telling name is a secret, in the syntax of any language."""
    value = "Zk3xQ9mB7vT2nR5pL8"
    assert found(form.format(name, value)) == [("secret.generic", value)]


def clean_texts() -> list[str]:
    """Return machine-made texts that look random and are no secrets."""
    draw = random.Random(5)
    ids = [str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(500)]
    digests = [
        hashlib.new(name, f"{at}".encode()).hexdigest()
        for at in range(200)
        for name in ("md5", "sha1", "sha256", "sha512")
    ]
    image = base64.b64encode(draw.randbytes(100_000)).decode()
    lock = "\n".join(
        f'    "node_modules/pkg{at}": {{"version": "1.{at}.0", "resolved": "https://packages.example/p/-/p-1.{at}.0.tgz", '
        f'"integrity": "sha512-{base64.b64encode(hashlib.sha512(b"%d" % at).digest()).decode()}"}},'
        for at in range(200)
    )
    pins = "\n".join(
        f"pkg=={at}.0 --hash=sha256:{hashlib.sha256(b'%d' % at).hexdigest()}" for at in range(200)
    )
    names = "abcdefghijklmnopqrstuvwxyz"
    script = ";".join(
        f"function {draw.choice(names)}(e,t){{var {draw.choice(names)}=e.token||t.password;return this.{draw.choice(names)}[{at}]}}"
        for at in range(500)
    )
    return [
        " ".join(ids),
        "\n".join(digests),
        f'<img src="data:image/png;base64,{image}">',
        lock,
        pins,
        script,
    ]


@each_case("text", clean_texts(), ids=["uuids", "digests", "image", "lockfile", "pins", "minified"])
def test_machine_made_texts_are_clean(text: str) -> None:
    """UUIDs, digests, images in base64, lock files, pins and minified code are no secrets."""
    assert found(text) == []


def test_kinds_choose_what_is_looked_for() -> None:
    """Only the kinds that are named are found, and only their categories are declared."""
    config = SecretsConfig(use="secrets", kinds=["npm_token"])
    assert KIND.categories("s", config) == {"secret.npm_token"}
    text = f"{'npm' + '_' + WORD[:36]} {'ghp' + '_' + WORD[:36]}"
    detection = KIND.build("s", config, PolicyFolder(Path())).detect([Text(text)])[0]
    assert [each.category for each in detection.findings] == ["secret.npm_token"]


@each_case(
    ("kind", "hint"),
    [("npm_tokn", "did you mean 'npm_token'?"), ("secret.jwt", "did you mean 'jwt'?"), ("?", "one of: ")],
)
def test_an_unknown_kind_is_a_located_problem_with_a_hint(kind: str, hint: str) -> None:
    """A misspelt kind is reported at its place, with the nearest name, or all of them."""
    config = SecretsConfig(use="secrets", kinds=["jwt", kind])
    with pytest.raises(ConfigProblems) as caught:
        KIND.build("s", config, PolicyFolder(Path()))
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("unknown_kind", ("kinds", 1))
    assert (problem.hint or "").startswith(hint)
    assert KIND.categories("s", config) == CATEGORIES


def test_a_right_checksum_scores_more() -> None:
    """A GitHub token is found with or without its checksum, with more certainty where it is right."""
    body = "Zk3xQ9mB7vT2nR5pL8wJ1cG4hD6gF0"
    scores = [
        [each.score for each in ALL.detect([Text("ghp" + "_" + body + end)])[0].findings]
        for end in (crc32_digits(body), "000000")
    ]
    assert scores == [[1.0], [0.9]]


def test_a_password_with_a_url_is_the_span() -> None:
    """Of a URL only the password is the secret, so that redaction keeps the host."""
    assert found("see postgresql://joe:s3cr3t!@db.example.com/app") == [("secret.postgres_url", "s3cr3t!")]
