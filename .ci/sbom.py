"""Writes the SBOM of a release, CycloneDX as JSON: `python .ci/sbom.py FILE`.

Of what deploy/requirements.lock pins, each with the hashes of its files and what it needs, by cyclonedx-bom; and of the files of
others inside the package (`guardrails/models/THIRD_PARTY.md`). The same lock gives the same bytes.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "deploy/requirements.lock"
NOTICE = ROOT / "guardrails/models/THIRD_PARTY.md"
PROJECT = "guardrails-middleware"
ROW = re.compile(
    r"\| `(?P<file>[^`]+)` \| (?P<what>[^|]+) \| (?P<version>[^|]+) \| (?P<licence>[^|]+) \| `(?P<sha256>[0-9a-f]{64})` \|"
)


class ThirdPartyFile(NamedTuple):
    """A file of others inside the package; `file` is its path below it, `licence` an SPDX identifier or expression."""

    file: str
    what: str
    version: str
    licence: str
    sha256: str


def third_party_files(notice: str) -> list[ThirdPartyFile]:
    """Return the rows of the notice."""
    return [ThirdPartyFile(**found.groupdict()) for found in ROW.finditer(notice)]


def read_needs(lock: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each package of a lock file, as `name==version`, with the names of those that need it: the comments `via` say so."""
    name, by = "", list[str]()
    for line in [*lock.splitlines(), "end==0"]:
        if found := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line):
            if name:
                yield name, by
            name, by = f"{canonicalize_name(found[1])}=={found[2]}", []
        elif found := re.match(r"    #   (?:via )?([A-Za-z0-9._-]+)", line.replace("# via ", "#   ")):
            by.append(canonicalize_name(found[1]))


def run_generator(lock: Path) -> Any:
    """Return what cyclonedx-bom writes of a lock file."""
    options = [
        "--pyproject",
        str(ROOT / "pyproject.toml"),
        "--mc-type",
        "application",
        "--output-reproducible",
        "--of",
        "JSON",
    ]
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", str(lock), *options]
    return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=300).stdout)


def complete(bom: Any, lock: str, files: list[ThirdPartyFile]) -> Any:
    """Return an SBOM with the graph of dependencies, and the files of others, without the lines of the lock as descriptions."""
    root = bom["metadata"]["component"]["bom-ref"]
    refs: dict[str, list[str]] = {
        PROJECT: [root]
    }  # several where a package has several versions, for some platforms each
    for component in bom["components"]:
        component.pop("description", None)
        component["bom-ref"] = component["purl"]
        refs.setdefault(canonicalize_name(component["name"]), []).append(component["bom-ref"])
    inside = [describe_file(each) for each in files]
    needs: dict[str, set[str]] = {root: {each["bom-ref"] for each in inside}}
    needs |= {each["bom-ref"]: set() for each in (*bom["components"], *inside)}
    for pinned, needed_by in read_needs(lock):
        for other in needed_by:
            for ref in refs[other]:
                needs[ref].add(f"pkg:pypi/{pinned.replace('==', '@')}")
    bom["components"] += inside
    bom["dependencies"] = [
        {"ref": ref, **({"dependsOn": sorted(others)} if others else {})}
        for ref, others in sorted(needs.items())
    ]
    return bom


def describe_file(each: ThirdPartyFile) -> dict[str, Any]:
    """Return a file of others as a component."""
    return {
        "type": "machine-learning-model" if each.file.startswith("models/") else "data",
        "bom-ref": f"file:guardrails/{each.file}",
        "name": f"guardrails/{each.file}",
        "version": each.version,
        "description": each.what,
        "hashes": [{"alg": "SHA-256", "content": each.sha256}],
        "licenses": [
            {"expression": each.licence} if " " in each.licence else {"license": {"id": each.licence}}
        ],
    }


def validate(written: str) -> None:
    """Raise `ValueError` where a text is no SBOM as CycloneDX's schema has it."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    version = SchemaVersion.from_version(json.loads(written)["specVersion"])
    if (problem := JsonStrictValidator(version).validate_str(written)) is not None:
        raise ValueError(f"the SBOM does not fit its schema: {problem}")


def main(arguments: list[str]) -> None:
    """Write the SBOM."""
    files = third_party_files(NOTICE.read_text(encoding="utf-8"))
    bom = complete(run_generator(LOCK), LOCK.read_text(encoding="utf-8"), files)
    bom["metadata"]["component"]["version"] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "version"
    ]
    written = json.dumps(bom, indent=1, sort_keys=True) + "\n"
    validate(written)
    Path(arguments[0]).write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
