"""The site is whole: pages of its navigation are there, links lead somewhere, and generated pages have what the code has."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import guardrails
from guardrails import taxonomy
from guardrails.cli import COMMANDS
from guardrails.detectors.kinds import BUILTIN
from guardrails.detectors.pii.pii_detector import ENTITIES, OF_MODELS
from guardrails.detectors.pii.telephones.countries import COUNTRIES
from guardrails.detectors.pii.telephones.words import ANNOUNCE
from guardrails.engine.content.budget import Budget
from guardrails.errors import GuardrailsError
from guardrails.media.limits import FORMATS
from guardrails.media.unread_types import UNREAD
from guardrails.policy.redactions import BUILTIN as REDACTIONS
from guardrails.policy.schema import ExceptionDoc, PolicyDoc, RuleDoc, UncheckedDoc
from guardrails.policy.shipped import shipped_names
from guardrails.proxy.configuration.settings import SettingsDoc
from guardrails.proxy.routes.route_table import ROUTES
from guardrails.proxy.server.metrics import Metrics
from guardrails.types import Stage
from tests.cases import each_case
from tests.pages import ROOT, blocks

DOCS = ROOT / "docs"
PAGES = DOCS / "pages"
WRITTEN = {path.relative_to(PAGES).as_posix(): path for path in sorted(PAGES.rglob("*.md"))}
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "policies/README.md")]
"""Pages outside of the site, whose links lead into it too."""

GREEN = "green_square"
"""The kind that the tests register for themselves."""

PUBLIC = {name: getattr(guardrails, name) for name in guardrails.__all__}
ERRORS = [
    name
    for name, each in PUBLIC.items()
    if isinstance(each, type) and issubclass(each, GuardrailsError) and each is not GuardrailsError
]

FENCE = re.compile(r"^(`{3,}).*?^\1$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +\{ *#([\w-]+) *\})?$", re.MULTILINE)
VARIABLE = re.compile(r'"(GUARDRAILS_[A-Z]+)"')


@cache
def generated() -> Mapping[str, Any]:
    """Return the pages that are written from the code, by name."""
    sys.path.insert(0, str(DOCS))
    try:
        import generated_pages

        return {name: write() for name, write in generated_pages.PAGES.items()}
    finally:
        sys.path.remove(str(DOCS))


@cache
def text_of(page: str) -> str | None:
    """Return the text of a page of the site, written or generated; None where there is none."""
    if page in WRITTEN:
        return WRITTEN[page].read_text(encoding="utf-8")
    found: str | None = generated().get(page)
    return found


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as the site and GitHub make them."""
    found = set()
    for title, given in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"[^\w\s-]", "", title.strip().lower())
        found |= {given or re.sub(r"[-\s]+", "-", plain).strip("-")}
    return found | set(re.findall(r"^::: ([\w.]+)", text, re.MULTILINE))


def links(text: str) -> Iterator[str]:
    """Yield where the links of a page lead, but for those to other sites."""
    for target in LINK.findall(re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))):
        if not re.match(r"[a-z]+:", target):
            yield target


def nav(node: Any) -> Iterator[str]:
    """Yield the pages of the navigation."""
    if isinstance(node, str):
        yield node
    for each in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from nav(each)


def config() -> dict[str, Any]:
    """Return the configuration of the site."""
    loaded: dict[str, Any] = yaml.safe_load((DOCS / "mkdocs.yml").read_text(encoding="utf-8"))
    return loaded


def test_the_navigation_has_every_page_once() -> None:
    """Nothing that it names is missing, and no page is out of reach."""
    assert sorted(nav(config()["nav"])) == sorted({*WRITTEN, *generated()})


def test_a_page_fetches_nothing_from_elsewhere() -> None:
    """No fonts, no scripts, no pictures, and no repository whose stars are asked for."""
    found = config()
    assert found["theme"]["font"] is False
    assert not {"repo_url", "extra_javascript", "extra_css"} & found.keys()
    assert not [
        page for page in WRITTEN if re.search(r"!\[[^\]]*\]\(http|<script|<iframe", text_of(page) or "")
    ]


@each_case(
    "page",
    [
        *WRITTEN,
        "security.md",
        "changelog.md",
        "reference/settings.md",
        "reference/policy.md",
        "reference/personal-data.md",
    ],
)
def test_links_within_the_site_lead_somewhere(page: str) -> None:
    """To a page or a file of it, and to a heading there."""
    text = text_of(page)
    assert text is not None
    for target in links(text):
        path, _, anchor = target.partition("#")
        aim = (PAGES / page).parent / path if path else PAGES / page
        name = aim.resolve().relative_to(PAGES.resolve()).as_posix()
        there = text_of(name)
        assert there is not None or aim.is_file(), f"{page}: {target}"
        assert not anchor or there is None or anchor in anchors(there), f"{page}: {target}"


@each_case("page", TOP, ids=lambda path: path.name)
def test_links_into_the_site_lead_somewhere(page: Path) -> None:
    """Pages at the top of the repository lead to files that are there, as they are read without a built site."""
    for target in links(page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        aim = page.parent / path if path else page
        assert aim.is_file(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(aim.read_text(encoding="utf-8")), f"{page.name}: {target}"


@each_case(
    ("page", "names"),
    [
        ("reference/cli.md", [f"## {name}\n" for name in COMMANDS]),
        ("reference/detectors.md", [f"## `{name}` " for name in BUILTIN]),
        ("reference/policy.md", [f"| `{name}` |" for name in PolicyDoc.model_fields]),
        (
            "reference/policy.md",
            [f"| `{field.alias or name}` |" for name, field in RuleDoc.model_fields.items()],
        ),
        ("reference/settings.md", [f"| `{name}` |" for name in SettingsDoc.model_fields]),
        ("reference/server.md", [f"`{route.method} {route.path}`" for route in ROUTES]),
        ("reference/shipped-policies.md", [f"## {name}\n" for name in shipped_names()]),
        ("reference/categories.md", [f"| `{name}` |" for name in taxonomy.CATEGORIES]),
        ("reference/formats.md", [f"| {each.what} | {each.name} | `{each.endings[0]}`" for each in UNREAD]),
        ("reference/formats.md", [f"| picture | {name} | `{name}`" for name in FORMATS]),
        ("reference/personal-data.md", [f"| `{name}` |" for name in (*ENTITIES, *OF_MODELS)]),
        ("reference/personal-data.md", [f"| {each.name} |" for each in COUNTRIES]),
        ("reference/personal-data.md", [f"| {language} |" for language in ANNOUNCE]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_generated_pages_have_what_the_code_has(page: str, names: list[str]) -> None:
    """Each command, kind, field, route, metric, policy and category, with what it says of itself."""
    text = generated()[page]
    assert not [name for name in names if name not in text]
    assert (
        not re.search(r"\| +\|$", text.partition("## Names in conditions")[0], re.MULTILINE)
        or "shipped" in page
    )


def test_every_metric_stands_on_the_page_with_its_help() -> None:
    """Those too that the server makes beside its tables."""
    told = re.findall(r"^# HELP (\w+) (.*)$", Metrics().text(), re.MULTILINE)

    page = generated()["reference/server.md"]

    assert len(told) > 20
    assert not [name for name, help_ in told if f"| `{name}` |" not in page or help_ not in page]


@each_case(
    ("page", "heading", "names"),
    [
        ("concepts.md", "## Coverage and unchecked", UncheckedDoc.model_fields),
        ("concepts.md", "## Contents and stages", list(Stage)),
        ("guides/policies.md", "## A policy file", PolicyDoc.model_fields),
        (
            "guides/policies.md",
            "## Rules",
            [field.alias or name for name, field in RuleDoc.model_fields.items()],
        ),
        ("guides/policies.md", "## Exceptions", ExceptionDoc.model_fields),
        ("guides/policies.md", "## Redaction", REDACTIONS),
        ("guides/applications.md", "## Errors", ERRORS),
        ("guides/detectors.md", "# Detectors", [name for name in BUILTIN if name != GREEN]),
        ("guides/access.md", "## What one request may cost", [f"max_{each.name}" for each in fields(Budget)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_tables_of_the_guides_are_complete(page: str, heading: str, names: Iterable[str]) -> None:
    """What a guide lists in a table is all that there is."""
    below = (text_of(page) or "").partition(f"{heading}\n")[2].partition("\n## ")[0]
    shown = {
        name for row in re.findall(r"^\|(.+)\|$", below, re.MULTILINE) for name in re.findall(r"`(\w+)", row)
    }
    assert not {*map(str, names)} - shown


def test_the_defaults_of_what_could_not_be_judged_are_those_of_the_policy() -> None:
    """In the table of the concepts, and in the policy that shows them."""
    defaults = {name: field.default for name, field in UncheckedDoc.model_fields.items()}
    table = re.findall(r"^\| `(\w+)` \| .* \| `(\w+)` \|$", text_of("concepts.md") or "", re.MULTILINE)
    [shown] = re.findall(r"^unchecked: \{(.*)\}$", text_of("guides/policies.md") or "", re.MULTILINE)

    assert dict(table) == defaults
    assert dict(each.split(": ") for each in shown.split(", ")) == defaults


def test_help_is_shown_as_it_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page of commands has the help of each, as a terminal of its width shows it."""
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        guardrails.cli.main(["lint", "--help"])

    assert capsys.readouterr().out.rstrip() in generated()["reference/cli.md"]


def test_every_public_name_stands_on_the_page_of_python() -> None:
    """All of `guardrails.__all__`, each where it is declared."""
    listed = re.findall(r"^::: ([\w.]+)$", text_of("reference/python.md") or "", re.MULTILINE)
    declared = {
        f"{getattr(guardrails, name).__module__}.{name}" for name in guardrails.__all__ if name != "Content"
    }

    assert not {*declared, "guardrails.types.Content"} - {*listed}
    assert len(listed) == len({*listed})


BETWEEN_PROCESSES = {"GUARDRAILS_SERVE", "GUARDRAILS_GIVEN", "GUARDRAILS_SLOT", "GUARDRAILS_SLOTS"}


def test_every_variable_stands_on_the_page_of_the_environment() -> None:
    """What the package reads of the environment under a name of its own; those between its own processes are no one's to set."""
    found = {
        name
        for path in (ROOT / "guardrails").rglob("*.py")
        for name in VARIABLE.findall(path.read_text("utf-8"))
    }

    text = text_of("reference/environment.md") or ""
    assert not {name for name in found - BETWEEN_PROCESSES if f"`{name}`" not in text}


def test_every_extra_stands_on_the_page_that_says_how_to_install() -> None:
    """What can be installed besides, as `pyproject.toml` declares it."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    table = (text_of("start.md") or "").partition("| extra |")[2].partition("\n\n")[0]
    assert {*re.findall(r"`([\w-]+)`", table)} == {*declared}


def test_the_readme_is_short() -> None:
    """What it says at length stands on the site."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    assert [block.language for block in blocks(readme)].count("python") == 2
