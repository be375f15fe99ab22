"""Pages of the site that are written from the code, or copied from files outside of `docs/pages`, when the site is built.

What stands in them cannot differ from what the code does: fields, help texts, routes and policies are read from where they are
declared. `PAGES` is the list; `tests/docs/test_generated_pages.py` holds it against the code without building the site.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

from guardrails import taxonomy
from guardrails.authoring.lint.lint_run import CHECKS
from guardrails.cli import COMMANDS, main
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import BUILTIN, find_kind
from guardrails.detectors.pii.entities import TABLE
from guardrails.detectors.pii.entity_descriptions import ENTITY_DESCRIPTIONS
from guardrails.detectors.pii.telephones.countries import COUNTRIES
from guardrails.detectors.pii.telephones.words import ANNOUNCE, NAMED
from guardrails.mcp.settings import McpDoc
from guardrails.media.audio.recording import SOUNDS
from guardrails.media.images.outline import NAMES
from guardrails.media.limits import FORMATS
from guardrails.media.unread_types import CURES, UNREAD, find_cure
from guardrails.media.video.file_type import FILMS
from guardrails.policy import schema
from guardrails.policy.endpoints import EndpointsDoc
from guardrails.policy.loading.source import read_yaml
from guardrails.policy.names import CONTEXT
from guardrails.policy.shipped import shipped_folder, shipped_names
from guardrails.policy.testing.test_fields import TestDoc, TestsDoc
from guardrails.proxy.configuration.settings import SettingsDoc
from guardrails.proxy.routes.route_table import DOCUMENT, ROUTES
from guardrails.proxy.server.counting.families import COUNTERS, HISTOGRAMS, MOST, OLD
from guardrails.proxy.server.metrics import GAUGES
from guardrails.telemetry.conventions import ATTRIBUTES, SIGNALS

ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = "https://github.com/guardrails-middleware/guardrails/blob/main"
"""Where files stand that are no pages of the site."""

WIDTH: Final = "100"
"""Columns of the help texts."""

ORDER: Final = tuple(
    f"{name}Doc"
    for name in (
        *(
            "Policy",
            "Rule",
            "Redaction",
            "Exception",
            "Unchecked",
            "Limits",
            "Films",
            "Tools",
            "Tool",
            "Override",
        ),
        *("Disable", "Test", "Expect", "Found", "Call", "Result", "Definition", "Tests"),
    )
)
"""The mappings of a policy, in the order in which people read about them."""

SAME: Final = {"ExceptionTestDoc": "TestDoc"}
"""Mapping → the one that has the same fields."""

Schema = Mapping[str, Any]


# ---------------------------------------------------------------------------------------------------------------- fields


def name_model(name: str) -> str:
    """Return how a declared mapping is called on a page: without the ending that such classes have."""
    return re.sub("(Doc|Config|Block)$", "", SAME.get(name, name))


def describe_type(node: Schema) -> str:
    """Return the type of a field, in words and code, from its JSON Schema."""
    if "$ref" in node:
        name = name_model(node["$ref"].rpartition("/")[2])
        return "any value" if name == "JsonValue" else f"[{name}](#{name.lower()})"
    if "const" in node:
        return f"`{node['const']}`"
    if "enum" in node:
        return " \\| ".join(f"`{value}`" for value in node["enum"])
    if "anyOf" in node:
        kinds = [describe_type(each) for each in node["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if node.get("type") == "array":
        return f"list of {describe_type(node.get('items', {}))}"
    if node.get("type") == "object":
        values = node.get("additionalProperties") or next(
            iter(node.get("patternProperties", {}).values()), None
        )
        return f"mapping to {describe_type(values)}" if isinstance(values, Mapping) and values else "mapping"
    return {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}.get(
        node.get("type", ""), "any value"
    )


def describe_bounds(node: Schema) -> str:
    """Return the bounds of a number, such as `1 to 100`; empty where it has none."""
    low = node.get("minimum", node.get("exclusiveMinimum"))
    high = node.get("maximum", node.get("exclusiveMaximum"))
    if low is None and high is None:
        return ""
    above = "above " if "exclusiveMinimum" in node else ""
    if high is None:
        return f", {above or 'at least '}{low:,}"
    return f", {above}{low:,} to {high:,}"


def describe_default(node: Schema, required: bool) -> str:
    """Return the default of a field, or that it has none."""
    if required:
        return "required"
    value = node.get("default")
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, Mapping):
        return "its own defaults"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def escape_cell(text: str) -> str:
    """Return a text as one cell of a table. In code a `|` parts no cells, and nothing is escaped."""
    parts = " ".join(text.split()).split("`")
    return "`".join(
        part if inside % 2 else part.replace("|", "\\|").replace("<", "&lt;")
        for inside, part in enumerate(parts)
    )


def write_fields(node: Schema) -> Iterator[str]:
    """Yield the lines of a table of the fields of a mapping."""
    yield "| field | is | default | meaning |"
    yield "|---|---|---|---|"
    required = node.get("required", ())
    for name, field in node.get("properties", {}).items():
        cells = (
            f"`{name}`",
            describe_type(field) + describe_bounds(field),
            describe_default(field, name in required).replace("|", "\\|"),
            escape_cell(field.get("description", "")),
        )
        yield f"| {' | '.join(cells)} |"


def write_model(model: type[Any], title: str, level: str = "##") -> Iterator[str]:
    """Yield a section with the fields of a model, and one for each mapping in it."""
    node = model.model_json_schema()
    inner = node.pop("$defs", {})
    yield from write_section(node, title, level)
    for name, each in inner.items():
        if "properties" in each:
            yield from write_section(each, name_model(name), "###")


def write_section(node: Schema, title: str, level: str = "##") -> Iterator[str]:
    """Yield one section: a heading, what the mapping is for, and its fields."""
    anchor = title.lower().replace(" ", "-").strip("`")
    yield ""
    yield f"{level} {title} {{ #{anchor} }}"
    yield ""
    if description := node.get("description"):
        yield escape_cell(description)
        yield ""
    yield from write_fields(node)


# ----------------------------------------------------------------------------------------------------------------- pages


def write_policy_fields() -> str:
    """Return the page on the fields of a policy file."""
    lines = [
        "# Policy fields",
        "",
        "Every field of a policy file, as the loader declares it. `guardrails schema -o policy.schema.json` writes the same as a"
        " JSON Schema for editors. [Write a policy](../guides/policies.md) explains how the fields work together.",
    ]
    found: dict[str, dict[str, Any]] = {}
    models: tuple[type[Config], ...] = (schema.PolicyDoc, *schema.ITEMS.values(), TestsDoc)
    for model in models:
        node = model.model_json_schema()
        found |= {**node.pop("$defs", {}), model.__name__: node}
    for name, field, item in [("PolicyDoc", *each) for each in schema.ITEMS.items()] + [
        ("TestsDoc", "tests", TestDoc)
    ]:
        found[name]["properties"][field]["items"] = {"$ref": item.__name__}
    for name in [*ORDER, *(each for each in found if each not in ORDER)]:
        if "properties" in found[name] and name not in SAME:
            lines += write_section(found[name], name_model(name))
    lines += [
        "",
        "The fields of detectors stand on a page of their own: [Detector fields](detectors.md).",
        "",
        "## Names in conditions",
        "",
        'Beside the [categories](categories.md), `count("category")` and `detector.NAME.CATEGORY`, a condition may use these. '
        "`request.user.*` and `request.client.*` may have further leaves of any type.",
        "",
        "| name | type | is |",
        "|---|---|---|",
        *(f"| `{name}` | {kind} | {escape_cell(text)} |" for name, (kind, text) in CONTEXT.items()),
    ]
    return "\n".join(lines) + "\n"


def write_detectors() -> str:
    """Return the page on the kinds of detectors and their fields."""
    lines = [
        "# Detector fields",
        "",
        "`use:` names the kind of a detector. Each section has the fields of one kind, the contents that it judges, and whether"
        " its findings say where something stands (only then a rule can redact them). "
        "[Detectors](../guides/detectors.md) says when to take which.",
        "",
        "| kind | finds | judges | says where | cost |",
        "|---|---|---|---|---|",
    ]
    costs = {0: "microseconds", 1: "milliseconds: a model", 2: "a call of a service"}
    kinds = [kind for name in BUILTIN if (kind := find_kind(name)) is not None]
    for kind in kinds:
        judged = ", ".join(sorted(kind.contents))
        cells = (
            f"[`{kind.name}`](#{kind.name})",
            escape_cell(kind.doc),
            judged,
            "yes" if kind.spans else "no",
            costs[kind.tier],
        )
        lines.append(f"| {' | '.join(cells)} |")
    known: set[str] = set()
    for kind in kinds:
        node = kind.config.model_json_schema()
        inner = node.pop("$defs", {})
        lines += write_section({**node, "description": kind.doc}, f"`{kind.name}`", "##")
        for name, each in inner.items():
            if "properties" in each and name not in known:
                known.add(name)
                lines += write_section(each, name_model(name), "###")
    return "\n".join(lines) + "\n"


def write_settings() -> str:
    """Return the page on the settings of the proxy, of the MCP guard, and of the file of endpoints."""
    lines = [
        "# Settings",
        "",
        "What an operator chooses, apart from any policy. `guardrails serve --config settings.yaml` reads a file with these"
        " fields; `guardrails schema --settings` writes its JSON Schema. The variable `GUARDRAILS_` and a field's name in"
        " capitals goes before the file, a flag before both.",
        *write_model(SettingsDoc, "The proxy"),
        *write_model(McpDoc, "The MCP guard"),
        *write_model(EndpointsDoc, "Endpoints"),
    ]
    text = "\n".join(lines) + "\n"
    # The same row of keys is declared for both servers: its section is wanted once.
    first, mark, rest = text.partition("\n## The MCP guard")
    for name in re.findall(r"^### (\w+) \{", first, re.MULTILINE):
        rest = re.sub(rf"\n### {name} \{{.*?(?=\n##|\Z)", "", rest, flags=re.DOTALL)
    return first + mark + rest


def read_help(*arguments: str) -> str:
    """Return what a command prints with `--help`."""
    out = io.StringIO()
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = WIDTH
    try:
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main([*arguments, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return out.getvalue()


def write_commands() -> str:
    """Return the page on the command line: the help of every command."""
    lines = [
        "# Command line",
        "",
        "Every command prints for people, and for programs with `--json`. The exit status is 0 where all is well, 1 where the"
        " answer is no (a content is blocked, a test failed, a limit is not kept), 2 where the command or a policy is wrong;"
        " then stderr says what and where.",
        "",
        "| command | does |",
        "|---|---|",
        *(f"| [`{name}`](#{name}) | {summary} |" for name, summary in COMMANDS.items()),
    ]
    for name in COMMANDS:
        lines += ["", f"## {name}", "", "```text", read_help(name).rstrip(), "```"]
    return "\n".join(lines) + "\n"


def write_server() -> str:
    """Return the page on the routes of the proxy and its metrics."""
    lines = [
        "# Routes and metrics",
        "",
        "## Routes",
        "",
        "What `guardrails serve` answers. `GET /openapi.json` is served where the setting `openapi` is true.",
    ]
    by_tag: dict[str, list[str]] = {}
    for route in (*ROUTES, DOCUMENT):
        judged = "yes" if route.is_judged else "no"
        row = f"| `{route.method} {route.path}` | {escape_cell(route.summary)} | {judged} |"
        by_tag.setdefault(route.tag, []).append(row)
    for tag, rows in by_tag.items():
        lines += ["", f"### {tag}", "", "| route | does | judged |", "|---|---|---|", *rows]
    lines += [
        "",
        "## Metrics",
        "",
        "`GET /metrics` gives these in the text format of Prometheus, for all processes of the server together.",
        "",
    ]
    lines += ["| name | kind | labels | meaning |", "|---|---|---|---|"]
    for kind, families in (("counter", COUNTERS), ("histogram", HISTOGRAMS)):
        for name, family in families.items():
            labels = ", ".join(f"`{label}`" for label in family.labels)
            lines.append(f"| `{name}` | {kind} | {labels} | {escape_cell(family.help)} |")
    merges = {sum: "", max: " The highest of all processes.", min: " The lowest of all processes."}
    for name, gauge in GAUGES.items():
        labels = ", ".join(f"`{label}`" for label in gauge.labels)
        told = escape_cell(gauge.help + merges[gauge.merge])
        lines.append(f"| `{name}` | gauge | {labels} | {told} |")
    lines += [
        "",
        "Of these labels so many values have a series of their own, all others together one: `other`.",
        "",
    ]
    lines += [
        "| label | values |",
        "|---|---|",
        *(f"| `{label}` | {most:,} |" for label, most in MOST.items()),
    ]
    lines += ["", "Old names are shown beside the new, with fewer labels.", ""]
    lines += ["| old name | labels | meaning |", "|---|---|---|"]
    for name, old in OLD.items():
        labels = ", ".join(f"`{label}`" for label in old.labels)
        lines.append(f"| `{name}` | {labels} | {escape_cell(old.help)} |")
    return "\n".join([*lines, *write_telemetry()]) + "\n"


def write_telemetry() -> Iterator[str]:
    """Yield the section on what OpenTelemetry is told."""
    yield from (
        "",
        "## Telemetry",
        "",
        "What is sent where the setting `telemetry` is there, and by `Guard.with_telemetry` (checks and events alone)."
        " [Run and observe](../guides/operations.md#telemetry) says how it is switched on. Names in development are sent with"
        " `conventions: development`.",
        "",
        "| span or event | tells of | kind | name |",
        "|---|---|---|---|",
    )
    for signal in SIGNALS:
        yield f"| `{signal.name}` | {escape_cell(signal.tells)} | {signal.kind} | {signal.stability} |"
    yield from ("", "| attribute | holds | on | name |", "|---|---|---|---|")
    for row in ATTRIBUTES:
        yield f"| `{row.name}` | {escape_cell(row.holds)} | {row.on} | {row.stability} |"


def read_policies() -> dict[str, Any]:
    """Return the shipped policies by name, as their files have them."""
    files = {name: shipped_folder() / f"{name}.yaml" for name in shipped_names()}
    return {name: read_yaml(path.read_bytes(), path.name).data for name, path in files.items()}


def write_policies() -> str:
    """Return the page on the shipped policies and the ids of their rules."""
    lines = [
        "# Shipped policies",
        "",
        'By name: `guardrails check --policy NAME`, `Guard.load("NAME")`, `extends: [NAME]`. All of them run offline on what the'
        " package brings, on one core. They stand alone and combine: `extends: [default, finance]`, then your changes under"
        " `override:` and `disable:`. Rule ids stand in verdicts, headers, logs and metrics.",
    ]
    for name, policy in read_policies().items():
        parents = policy.get("extends", [])
        built = ", ".join(
            f"[{each}](#{each})" for each in ([parents] if isinstance(parents, str) else parents)
        )
        lines += ["", f"## {name}", "", cleandoc(policy.get("description", ""))]
        lines += ["", f"Builds on {built}." if built else "Builds on no other policy."]
        lines += [f"[Its file]({SOURCE}/policies/{name}.yaml)."]
        rows = list(_rule_rows(policy))
        if rows:
            lines += ["", "| rule | at | does | severity | for |", "|---|---|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def _rule_rows(policy: Mapping[str, Any]) -> Iterator[str]:
    for rule in policy.get("rules", ()):
        stages = rule["on"] if isinstance(rule["on"], list) else [rule["on"]]
        action = rule["then"] + (" (shadow)" if rule.get("mode") == "shadow" else "")
        cells = (
            f"`{rule['id']}`",
            ", ".join(stages),
            action,
            rule.get("severity", "medium"),
            escape_cell(rule.get("description", "")),
        )
        yield f"| {' | '.join(cells)} |"
    for rule in policy.get("override", {}).get("rules", ()):
        changed = ", ".join(f"`{field}`" for field in rule if field != "id")
        yield f"| `{rule['id']}` | | changed: {changed} | | |"
    disabled = policy.get("disable", {})
    for rule in disabled if isinstance(disabled, list) else disabled.get("rules", ()):
        yield f"| `{rule}` | | left out | | |"


def write_categories() -> str:
    """Return the page on the taxonomy and its names in other systems."""
    systems = {
        "OpenAI moderation": taxonomy.OPENAI,
        "Azure AI Content Safety": taxonomy.AZURE,
        "Bedrock Guardrails": taxonomy.BEDROCK,
        "MLCommons AILuminate": taxonomy.MLCOMMONS,
        "Llama Guard 3": taxonomy.LLAMA_GUARD,
        "OWASP Top 10 for LLM 2025": taxonomy.OWASP,
    }
    lines = [
        "# Categories",
        "",
        "A finding has a category of this list. A parent's score is at least that of its children, and `unsafe` is at least that"
        " of any harm. Below "
        + ", ".join(f"`{root}.`" for root in taxonomy.OPEN)
        + " detectors and policies name leaves of their own, such as `pii.email` or `custom.unreleased`.",
        "",
        "| category | is | counts as `unsafe` |",
        "|---|---|---|",
    ]
    for name, text in taxonomy.CATEGORIES.items():
        harm = "yes" if taxonomy.is_harm(name) else "no"
        lines.append(f"| `{name}` | {escape_cell(text)} | {harm} |")
    lines += ["", "## Names in other systems", "", "| system | its name | category here |", "|---|---|---|"]
    for system, names in systems.items():
        lines += [f"| {system} | `{theirs}` | `{ours}` |" for theirs, ours in names.items()]
    return "\n".join(lines) + "\n"


WORDS: Final = 6
"""Words of a language, or of a kind, that a table shows."""


def write_personal_data() -> str:
    """Return the page on the kinds of personal data: whose numbers they are, and how each is found."""
    lines = [
        "# Kinds of personal data",
        "",
        "The names that `entities:` and `exclude:` of a [`pii` detector](detectors.md#pii) take; in conditions they stand behind"
        " `pii.`, as in `pii.email`. [Personal data](../guides/personal-data.md) says how to use them. A number that has no form"
        " of its own is found where a word announces it, within forty characters. Where numbers have check digits, their form"
        " alone counts only if these are right.",
        "",
        "| kind | of | is | found |",
        "|---|---|---|---|",
    ]
    for name, (region, meaning) in sorted(ENTITY_DESCRIPTIONS.items(), key=lambda each: each[1].region):
        lines.append(f"| `{name}` | {region or 'any'} | {escape_cell(meaning)} | {_tell_how_found(name)} |")
    lines += [
        "",
        "## Telephone numbers",
        "",
        "Numbers with `+` and a calling code are found in every country's form. National ones are found in the layouts below,"
        " where `#` is any digit and `?` follows what may be missing, and in any form where a word announces them.",
        "",
        "| country | languages | code | found alone | found beside a word |",
        "|---|---|---|---|---|",
    ]
    for country in COUNTRIES:
        layouts = _list_names(map(_show_layout, country.layouts)) or "none"
        lines.append(
            f"| {country.name} | {', '.join(country.languages)} | +{country.code} | {layouts} | `{country.announced}` |"
        )
    lines += [
        "",
        "| language | announces a number | names another number, which is then none |",
        "|---|---|---|",
    ]
    lines += [
        f"| {language} | {_list_names(words[:WORDS])} | {_list_names(NAMED.get(language, ())[:WORDS]) or 'none'} |"
        for language, words in ANNOUNCE.items()
    ]
    return "\n".join(lines) + "\n"


def _tell_how_found(name: str) -> str:
    """Return how a kind of personal data is found: by which of form, words and model."""
    if name == "phone":
        return "[see below](#telephone-numbers)"
    rows = [row for row in TABLE if row.category == f"pii.{name}"]
    words = [word for row in rows for word in row.context]
    ways = {
        "by its form": any(not row.context for row in rows),
        f"after words such as {_list_names(words[:WORDS])}": bool(words),
        "by the model of names": not rows,
    }
    return "; ".join(way for way, is_one in ways.items() if is_one)


def _show_layout(layout: str) -> str:
    """Return a layout of the table of countries with `#` for every digit and one sign where several may stand."""
    plain = re.sub(r"\[[^\]\d]*([ .\-/])\]", r"\1", layout)
    return re.sub(r"\[[\d\-]+\]|N", "#", plain)


def write_formats() -> str:
    """Return the page on types of files: those that are read, and those that are refused by their names."""
    named = {
        name: [ending for ending, of in NAMES.items() if of == name and "+" not in ending] for name in FORMATS
    }
    read = [
        *(("picture", name, [name, *named[name]]) for name in FORMATS),
        *(("film", FILMS[reader][0], FILMS[reader]) for reader in FILMS),
        *(("sound", SOUNDS[reader][0], SOUNDS[reader]) for reader in SOUNDS),
    ]
    lines = [
        "# Types of files",
        "",
        "A file is what its first bytes say. One that its name or a body calls something else is `mistyped`, unless the policy"
        " says `media: {mistyped: read}`. HEIC needs the extra `heic`, films and sounds the extra `video`.",
        "",
        "## Read",
        "",
        "| is a | type | called |",
        "|---|---|---|",
        *(f"| {what} | {name} | {_list_names(endings)} |" for what, name, endings in read),
        "",
        "## Refused by name",
        "",
        "Each is `unchecked` (`unsupported_type`) with its type and what to do: `unchecked:` says whether it blocks.",
        "",
        "| is a | type | files end in | instead |",
        "|---|---|---|---|",
        *(
            f"| {each.what} | {each.name} | {_list_names(each.endings)} | {find_cure(each.name)} |"
            for each in sorted(UNREAD, key=lambda each: [*CURES].index(each.what))
        ),
    ]
    return "\n".join(lines) + "\n"


def _list_names(names: Iterable[str]) -> str:
    """Return names as code, each once."""
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def write_lint_codes() -> str:
    """Return the page on what lint looks for."""
    lines = [
        "# Lint codes",
        "",
        "What `guardrails lint` looks for. An error makes the exit status 1, a warning does so with `--strict`. "
        "`# lint: ignore CODE` at the end of a line, or above it, silences a code for it and for what is indented below it; "
        "`# lint: ignore-file CODE` silences it for the file.",
        "",
        "| code | severity | what |",
        "|---|---|---|",
        *(f"| `{check.code}` | {check.severity} | {escape_cell(check.doc)} |" for check in CHECKS),
    ]
    return "\n".join(lines) + "\n"


LINK: Final = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)\s]*)?\)")


def copy_page(file: str, pages: Mapping[str, str]) -> Callable[[], str]:
    """Return what copies a file of the repository as a page; links to files that are no pages lead to the repository."""

    def copy() -> str:
        def lead(match: re.Match[str]) -> str:
            target, anchor = match[1], match[2] or ""
            return f"]({pages[target]}{anchor})" if target in pages else f"]({SOURCE}/{target}{anchor})"

        return LINK.sub(lead, (ROOT / file).read_text(encoding="utf-8"))

    return copy


COPIES: Final = {"SECURITY.md": "security.md", "CHANGELOG.md": "changelog.md"}
"""File of the repository → page of the site."""

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "reference/policy.md": write_policy_fields,
    "reference/detectors.md": write_detectors,
    "reference/settings.md": write_settings,
    "reference/cli.md": write_commands,
    "reference/server.md": write_server,
    "reference/shipped-policies.md": write_policies,
    "reference/categories.md": write_categories,
    "reference/lint.md": write_lint_codes,
    "reference/formats.md": write_formats,
    "reference/personal-data.md": write_personal_data,
    **{page: copy_page(file, COPIES) for file, page in COPIES.items()},
}
"""Page → what writes it."""
