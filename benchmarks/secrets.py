"""Credentials: recall and precision on labelled vectors, false findings on clean prose and code, and the speed.

    python benchmarks/secrets.py --data FOLDER     # or GUARDRAILS_DATA=FOLDER, with public/*.jsonl.gz in it

The vectors are gitleaks' own test cases: a rule's "false" cases are texts in which gitleaks wants nothing found, many
of them real forms of keys with too little entropy. They measure; no pattern is taken from them.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import importlib.util
import json
import os
import random
import sys
import sysconfig
import uuid
from collections import Counter
from pathlib import Path
from time import perf_counter

if __name__ != "__main__":
    # For the other benchmarks, whose folder comes first in sys.path, this file would hide the standard library's module.
    _spec = importlib.util.spec_from_file_location(
        __name__, Path(sysconfig.get_paths()["stdlib"], "secrets.py")
    )
    sys.modules[__name__] = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(sys.modules[__name__])


MOST = 60_000_000
"""Characters of code from one folder; what is installed may be hundreds of megabytes."""


def _import_detector():  # a file called secrets.py in sys.path[0] would hide the standard library's module
    here = str(Path(__file__).resolve().parent)
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(here)]
    from guardrails.detectors import PolicyFolder
    from guardrails.detectors.secrets.secrets_detector import KIND, KINDS, SecretsConfig
    from guardrails.types import Text

    sys.path.append(here)
    detector = KIND.build("secrets", SecretsConfig(use="secrets"), PolicyFolder(Path()))
    return (lambda text: detector.detect([Text(text)])[0]), len(KINDS)


def rows(data: Path) -> list[dict[str, object]]:
    """Return the labelled vectors; say what to do where they are missing."""
    path = data / "public" / "gitleaks_vectors.jsonl.gz"
    if not path.is_file():
        sys.exit(f"no {path}: give the folder that holds public/ by --data or GUARDRAILS_DATA")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def vectors(find, data: Path, *, show: bool) -> None:
    """Print precision and recall overall, and what was missed or found by mistake for each rule."""
    right: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = {"missed": Counter(), "false": Counter()}
    blamed: Counter[str] = Counter()
    for row in rows(data):
        label, rule = row["labels"]["secret"], row["meta"]["rule"]
        findings = find(row["text"]).findings
        if bool(findings) == bool(label):
            right["hit" if label else "clean"] += 1
            continue
        wrong["missed" if label else "false"][rule] += 1
        if not label:
            blamed.update({each.category for each in findings})
        if show:
            print(
                "missed" if label else "false",
                rule,
                sorted({f.category for f in findings}),
                row["text"][:300],
            )
    missed, false = (sum(wrong[kind].values()) for kind in ("missed", "false"))
    hit = right["hit"]
    print(f"vectors: recall {hit / (hit + missed):.3f} ({hit} of {hit + missed}), "
          f"precision {hit / (hit + false):.3f}, false on {false} of {false + right['clean']} clean")  # fmt: skip
    for kind, rules in wrong.items():
        print(f"  {kind}: {', '.join(f'{rule} {count}' for rule, count in rules.most_common()) or 'none'}")
    print(f"  false by category: {', '.join(f'{name} {count}' for name, count in blamed.most_common())}")


def prose(find) -> None:
    """Print the speed and the false findings on a megabyte of clean prose, in texts of 2 kB."""
    from lexical_corpus import corpus, text

    job = corpus(1, 20)
    words = sorted({word.strip(".,").lower() for sample in job.ascii for word in sample.split()})
    words = [word for word in words if word.isalpha()]
    draw = random.Random(7)
    for kind, mixed in (("ascii", False), ("unicode", True)):
        accented = [word for word in words if set(word) & set("aeiousn")]
        texts = [text(draw, accented, words, mixed=mixed) for _ in range(500)]
        size = sum(map(len, texts))
        found, elapsed = 0, float("inf")
        for _ in range(3):
            start = perf_counter()
            found = sum(len(find(sample).findings) for sample in texts)
            elapsed = min(elapsed, perf_counter() - start)
        print(f"clean prose, {kind}: {size / 1e6:.2f} M characters, {found} false findings, "
              f"{elapsed * 1e9 / size:.1f} us per 1,000 characters")  # fmt: skip


def code(find, *, show: bool) -> None:
    """Print the false findings for each megabyte of the standard library and of what is installed, and the speed."""
    paths = sysconfig.get_paths()
    roots = {"standard library": Path(paths["stdlib"]), "site-packages": Path(paths["purelib"])}
    for name, root in roots.items():
        files = [path for path in sorted(root.rglob("*.py")) if _source(path.relative_to(root).parts)]
        texts: list[tuple[str, str]] = []
        size = 0
        for path in files:
            texts.append((str(path.relative_to(root)), path.read_text(encoding="utf-8", errors="replace")))
            size += len(texts[-1][1])
            if size > MOST:
                break
        counted(find, name, texts, show=show)


def _source(parts: tuple[str, ...]) -> bool:
    return not {"test", "tests", "testing", "site-packages"} & {*parts}


def lock_files(find, *, show: bool) -> None:
    """Print the same for generated lock files and JSON: versions, links, integrity hashes, commits, UUIDs, digests."""
    draw = random.Random(13)
    texts = []
    for number in range(200):
        packages = {}
        for _ in range(40):
            name = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz-", k=draw.randint(4, 18))).strip("-")
            sha512 = base64.b64encode(draw.randbytes(64)).decode()
            packages[f"node_modules/{name}"] = {
                "version": f"{draw.randint(0, 20)}.{draw.randint(0, 20)}.{draw.randint(0, 20)}",
                "resolved": f"https://registry.example/{name}/-/{name}-1.0.0.tgz#{draw.randbytes(20).hex()}",
                "integrity": f"sha512-{sha512}",
                "gitHead": draw.randbytes(20).hex(),
                "id": str(uuid.UUID(bytes=draw.randbytes(16), version=4)),
                "key": f"{name}:{draw.randint(1, 10**9)}",
                "token": name,
                "shasum": draw.randbytes(20).hex(),
                "etag": f'W/"{draw.randbytes(8).hex()}"',
                "digest": f"sha256:{draw.randbytes(32).hex()}",
            }
        texts.append((f"lock {number}", json.dumps({"name": "app", "packages": packages}, indent=2)))
    counted(find, "lock files", texts, show=show)


def counted(find, name: str, texts: list[tuple[str, str]], *, show: bool) -> None:
    """Print what is found in clean texts, for each megabyte, and the speed."""
    size = sum(len(text) for _, text in texts)
    by: Counter[str] = Counter()
    errors = 0
    start = perf_counter()
    for where, text in texts:
        detection = find(text)
        errors += detection.error is not None
        by.update(each.category for each in detection.findings)
        if show:
            for each in detection.findings:
                print(where, each.category, text[slice(*each.span)][:80])
    elapsed = perf_counter() - start
    print(f"{name}: {len(texts)} texts, {size / 1e6:.1f} M characters, {sum(by.values())} findings "
          f"({sum(by.values()) * 1e6 / size:.2f} in a million) {dict(by)}, {errors} errors, "
          f"{elapsed * 1e9 / size:.1f} us per 1,000 characters")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("GUARDRAILS_DATA"), help="folder with public/ in it")
    parser.add_argument(
        "--show", action="store_true", help="print each text that was missed or found by mistake"
    )
    options = parser.parse_args()
    if options.data is None:
        sys.exit("no data: give the folder that holds public/ by --data or GUARDRAILS_DATA")
    find, kinds = _import_detector()
    from measure import machine

    print(f"{kinds} kinds; {machine()}")
    vectors(find, Path(options.data), show=options.show)
    prose(find)
    code(find, show=options.show)
    lock_files(find, show=options.show)


if __name__ == "__main__":
    main()
