"""Checks the licences of everything that is installed for this package.

    python .ci/licences.py

prints what is wrong, and exits 1 where something is. Looks at the dependencies of the core and of each extra, and of theirs, as
far as they are installed, by what their metadata says. Nothing of the core may be under the GPL or the AGPL. What an extra brings
under them, the LGPL anywhere, and what names no licence needs a row under `[tool.licences]` in pyproject.toml that says why it
may stay.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
COPYLEFT = re.compile(
    r"(?i)\b(A?GPL|(?:Affero )?General Public|SSPL|Server Side Public|EUPL|OSL-|Open Software Lic)"
)
LESSER = re.compile(r"(?i)LGPL|Lesser General Public")
CHOICE = re.compile(r"(?i)\s+OR\s+")
UNSAID = frozenset({"", "unknown", "dual license", "other/proprietary license"})
COLLECTIONS = frozenset({"all", "test", "dev"})
"""Extras that are made of others, which are named first."""
LONGEST = 100
"""Characters of the field `License` that are a name; more of them are the licence itself."""


class Found(NamedTuple):
    """A package that is installed: its name, the extra by which it came (the core's is ""), by way of what, and its licences."""

    name: str
    extra: str
    chain: tuple[str, ...]
    licences: tuple[str, ...]


def declared_licences(meta: metadata.PackageMetadata) -> tuple[str, ...]:
    """Return what a package's metadata says of its licence: the SPDX expression alone where it has one."""
    if expression := meta.get("License-Expression"):
        return (expression,)
    named = " ".join((meta.get("License") or "").split())
    classifiers = [
        each.split(" :: ")[-1] for each in meta.get_all("Classifier") or () if each.startswith("License ::")
    ]
    return tuple(each for each in (named[:LONGEST], *classifiers) if each.lower() not in UNSAID)


def judge(found: Found, allowed: Mapping[str, str]) -> str | None:
    """Return what is wrong with a package's licence, and the cure; None where nothing is."""
    texts = [" ".join(found.licences)] if len(found.licences) > 1 else CHOICE.split("".join(found.licences))
    strong = bool(found.licences) and all(COPYLEFT.search(LESSER.sub("", each)) for each in texts)
    if found.name in allowed and not (strong and not found.extra):
        return None
    way = " → ".join(((found.extra and f"extra {found.extra}") or "the core", *found.chain, found.name))
    if not found.licences:
        return f"{way}: names no licence; read its files, and write what they say under [tool.licences] in pyproject.toml"
    if any(not COPYLEFT.search(LESSER.sub("", each)) and not LESSER.search(each) for each in texts):
        return None
    said = ", ".join(found.licences)
    if strong and not found.extra:
        return f"{way}: is under {said}; take another package"
    return f"{way}: is under {said}; take another package, or say under [tool.licences] in pyproject.toml why it may stay"


def walk(project: str) -> Iterator[Found]:
    """Yield each package that is installed for a project's core and for each of its extras, once, by the shortest way."""
    seen: set[str] = {canonicalize_name(project)}
    extras = metadata.metadata(project).get_all("Provides-Extra") or ()
    for extra in ("", *sorted(extras, key=COLLECTIONS.__contains__)):
        waiting = [(project, extra, ())]
        for name, wanted, chain in waiting:
            for line in metadata.requires(name) or ():
                requirement = Requirement(line)
                key = canonicalize_name(requirement.name)
                marker = requirement.marker
                if key in seen or not (marker is None or marker.evaluate({"extra": wanted})):
                    continue
                try:
                    meta = metadata.metadata(key)
                except metadata.PackageNotFoundError:
                    continue
                seen.add(key)
                yield Found(key, extra, chain, declared_licences(meta))
                waiting += [(key, each, (*chain, key)) for each in ("", *requirement.extras)]


def read_project(path: Path = PROJECT) -> tuple[str, dict[str, str]]:
    """Return the name of the project, and which packages may stay for which reason."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return document["project"]["name"], document.get("tool", {}).get("licences", {})


def main() -> int:
    """Print what is wrong; return the exit status."""
    name, allowed = read_project()
    found = [*walk(name)]
    problems = [problem for each in found if (problem := judge(each, allowed))]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"licences: {len(found)} packages, {len(problems)} problems")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
