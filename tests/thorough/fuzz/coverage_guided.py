"""Runs one harness under atheris, which seeks inputs that reach code that no other did.

    python -m tests.thorough.fuzz.coverage_guided NAME SECONDS [FOLDER]

Starts from the corpus and keeps what it finds in FOLDER, by default a new one; an input that fails is written there as well, as
`crash-…`, and the exit status is not 0. Put a small one into the corpus, and its case into the test of what was wrong.
`--harnesses` prints the names. Needs atheris (`pip install atheris`), of which there are wheels for Linux and CPython 3.11 to 3.13.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

MOST_SECONDS_OF_ONE = 30
"""Of an input: what takes longer is reported as a failure."""


def _escape(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def main(arguments: list[str]) -> None:
    """Run the harness of a name for some seconds, which does not return; or print the names."""
    if arguments == ["--harnesses"]:
        from tests.thorough.fuzz.harnesses import HARNESSES

        sys.stdout.write(" ".join(each.name for each in HARNESSES) + "\n")
        return
    import atheris

    with atheris.instrument_imports(include=["guardrails"]):
        from tests.thorough.fuzz.harness import CORPUS, LONGEST
        from tests.thorough.fuzz.harnesses import HARNESSES
    name, seconds = arguments[:2]
    harness = next(each for each in HARNESSES if each.name == name)
    folder = Path(arguments[2] if len(arguments) > 2 else tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    folder.mkdir(parents=True, exist_ok=True)
    tokens = folder.with_name(f"{folder.name}.dict")
    tokens.write_text("".join(f'"{_escape(token)}"\n' for token in harness.tokens))
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={MOST_SECONDS_OF_ONE}",
        f"-artifact_prefix={folder}/",
        f"-dict={tokens}",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    with atheris.instrument_imports(include=["guardrails"]):
        for seed in harness.seeds():
            harness.run(seed.read_bytes())  # imports what is imported at first use
    atheris.Setup([sys.argv[0], *options, str(folder), str(CORPUS / name)], harness.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
