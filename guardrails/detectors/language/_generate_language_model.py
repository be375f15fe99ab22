"""Makes the model of languages: `python -m guardrails.detectors.language._generate_language_model FILE`.

Reads the model of py3langid (BSD-3), which comes with it and is needed for this alone (extra `test`), and writes the same numbers
as the table of `language_model.py`. Py3langid walks an automaton that says the longest n-gram which ends at each byte; here the
n-grams are read back from it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guardrails.detectors.language.language_model import LENGTH_SHIFT, LONGEST, LanguageModel

BYTES: Final = 256


def pack_ngram(ngram: bytes) -> int:
    """Return an n-gram as one number."""
    return int.from_bytes(ngram, "big") | len(ngram) << LENGTH_SHIFT


def read_ngrams(moves: NDArray[Any], outputs: Sequence[int]) -> dict[bytes, int]:
    """Return the n-grams of an automaton with the number of what each counts as.

    Args:
        moves: the state after each byte, by state.
        outputs: what counts where a state is reached; less than 0 for nothing.

    Raises:
        ValueError: where an n-gram is too long for the table, or what counts is not the longest one.
    """
    names: dict[int, bytes] = {0: b""}
    level = [0]
    while level:
        reached = [(state, byte, int(moves[state][byte])) for state in level for byte in range(BYTES)]
        level = []
        for state, byte, after in reached:
            if after not in names:
                names[after] = names[state] + bytes((byte,))
                level.append(after)
    found: dict[bytes, int] = {}
    for state, name in names.items():  # the shorter ones come first
        longest = next((name[at:] for at in range(len(name)) if name[at:] in found), None)
        known = -1 if longest is None else found[longest]
        if outputs[state] >= 0 and outputs[state] != known:
            if len(name) > LONGEST:
                raise ValueError(f"{name!r} has more than {LONGEST} bytes")
            found[name] = outputs[state]
        elif outputs[state] < 0 <= known:
            raise ValueError(f"after {name!r} nothing counts, and {longest!r} ends there")
    return found


def make_model(
    languages: Sequence[str], prior: NDArray[Any], weights: NDArray[Any], ngrams: dict[bytes, int]
) -> LanguageModel:
    """Return the table of a model: `weights` by what counts and language; `ngrams` with the number of what each counts as."""
    least = weights.min(axis=0)
    ordered = sorted((pack_ngram(ngram), row) for ngram, row in ngrams.items())
    rows = weights[[row for _, row in ordered]]
    known = rows != least
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    return LanguageModel(
        tuple(languages),
        prior.astype(np.float32),
        least.astype(np.float32),
        np.array([key for key, _ in ordered], dtype=np.uint64),
        starts.astype(np.uint32),
        np.nonzero(known)[1].astype(np.uint8),
        rows[known].astype(np.float16),
    )


def main() -> None:
    from py3langid.langid import MODEL_DIR, MODEL_FILE  # type: ignore[import-untyped]
    from py3langid.modelio import load_model  # type: ignore[import-untyped]

    weights, prior, languages, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
    by_state = np.asarray(moves).reshape(-1, BYTES)[np.asarray(rows)]
    make_model(languages, prior, weights, read_ngrams(by_state, outputs)).save(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
