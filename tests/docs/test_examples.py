"""Every example of README and of the documentation's pages is run."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from guardrails import Guard
from tests.docs.page_run import PageRun, Serve, serving
from tests.docs.upstream import run_upstream
from tests.films import film, scene
from tests.pages import GUIDE, ROOT, blocks, bring_rows

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/pages").rglob("*.md"))]
"""The pages with examples. The guide for policy editors is run by `test_guide.py`."""

REASONS = {
    "client": 4,  # needs a package that these tests do without; tests/system/clients has it
    "install": 6,  # installs packages
    "containers": 2,  # needs Docker or Kubernetes
    "framework": 13,  # needs a framework: tests/system/frameworks runs it
    "other": 2,  # is of another product
    "files": 1,  # needs files of the reader's own
    "served": 2,  # needs a server that goes on running, and its files
}
"""Why a block may be left out, and how many are for that."""

LANGUAGES = {"python", "yaml", "console", "bash", "json", "diff", "text", "dockerfile", "toml", ""}


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The address of the model behind the examples."""
    with run_upstream() as url:
        yield url


@pytest.fixture(scope="module")
def serve(upstream: str) -> Iterator[Serve]:
    """What starts proxies before it."""
    with serving(upstream) as start:
        yield start


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstream: str) -> Path:
    """The folder of a reader, with a picture, a film and the guide's rows, whose SDKs reach the model behind the examples."""
    for name, value in {
        "XDG_STATE_HOME": f"{tmp_path}/state",
        "OPENAI_BASE_URL": f"{upstream}/v1",
        "OPENAI_API_KEY": "sk-example",
        "ANTHROPIC_BASE_URL": upstream,
        "ANTHROPIC_API_KEY": "sk-example",
        "GUARDRAILS_ENDPOINTS": str(tmp_path / "endpoints.yaml"),
        "GOOGLE_GEMINI_BASE_URL": upstream,
        "GEMINI_API_KEY": "example",
        "HF_HUB_CACHE": str(tmp_path / "hub"),
    }.items():
        monkeypatch.setenv(name, value)
    bring_rows(tmp_path)
    (tmp_path / "film.mp4").write_bytes(film(scene(60)))
    Image.new("RGB", (64, 64), "white").save(tmp_path / "picture.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as of a program in it
    return tmp_path


@pytest.mark.parametrize("page", [page for page in PAGES if page != GUIDE], ids=lambda page: page.stem)
def test_what_a_page_shows_is_so(
    page: Path, folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its programs run and print what their comments say, its policies and settings load, its commands do what is shown."""
    PageRun(str(page.relative_to(ROOT)), folder, serve, capsys).run(page.read_text(encoding="utf-8"))


def test_few_blocks_are_left_out_and_each_says_why() -> None:
    """What is not run is marked, with one of the reasons, and there are no more of it than are known."""
    left = [(page, block) for page in PAGES for block in blocks(page.read_text("utf-8"))]
    marked = [block for _, block in left if "no-run" in block.classes]
    strange = [
        (page.name, block.line, block.language) for page, block in left if block.language not in LANGUAGES
    ]

    assert not strange
    assert all(block.reason in REASONS for block in marked), [block.line for block in marked]
    counts = Counter(block.reason for block in marked)
    assert counts == REASONS


def test_conditions_of_the_table_are_conditions() -> None:
    """Each that the page on policies shows loads as the `when:` of a rule."""
    page = (ROOT / "docs/pages/guides/policies.md").read_text(encoding="utf-8")
    shown = re.findall(
        r"^\| `(.+?)` \|", page.partition("## Conditions")[2].partition("\n## ")[0], re.MULTILINE
    )
    rules = [{"id": f"r{at}", "on": "input", "when": each, "then": "flag"} for at, each in enumerate(shown)]
    attacks = {"use": "classifier", "categories": ["jailbreak", "hate"]}
    detectors = {"attacks": attacks, "contact": {"use": "pii", "entities": ["email"]}}

    assert len(shown) > 8
    assert Guard.load({"format": 1, "name": "table", "detectors": detectors, "rules": rules})


def test_a_page_that_is_wrong_is_found(
    folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind of block that shows what is not so is an error, with its place on the page."""
    wrong = {
        "python": "print(1 + 1)  # 3\n",
        "yaml": "detectors:\n  a: {use: terms, terms: [x]}\nrules:\n  - {id: a, on: input, when: b > 0, then: block}\n",
        "console": "$ guardrails check hello\nBLOCK …\n…\n",
        "bash": "guardrails check --no-such-option\n",
        "json": "{\n",
    }
    for language, text in wrong.items():
        run = PageRun("page.md", folder, serve, capsys)
        with pytest.raises(AssertionError, match=r"page\.md:3: "):
            run.run(f"Text.\n\n```{language}\n{text}```\n")


def test_what_listens_at_the_addresses_of_the_pages_is_not_asked(
    folder: Path, serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address of the proxy on the pages is that of one that this run has started."""
    run = PageRun("page.md", folder, serve, capsys)
    run.run('```python\naddress = "http://127.0.0.1:8080"\n```\n')
    host, port = run.namespace["address"].removeprefix("http://").split(":")

    with socket.create_connection((host, int(port))):
        assert port != "8080"
