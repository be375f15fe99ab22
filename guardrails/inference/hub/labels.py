"""Reads what a model's `config.json` says: the labels of its columns and the forms it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from guardrails.inference.safety.folder import ModelError

Activation = Literal["softmax", "sigmoid", "none"]
"""What makes scores of logits: of labels that exclude one another, of each by itself, or nothing."""

SHIFTED: Final = frozenset(
    {
        *("camembert", "data2vec-text", "ibert", "longformer", "luke", "mpnet", "roberta"),
        *("roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"),
    }
)
"""Architectures that begin to count positions behind the number of padding, and so have fewer than they name."""

SAVED: Final = "save the fast tokenizer of the model: AutoTokenizer.from_pretrained(…).save_pretrained(…)"


def read_config(folder: Path) -> dict[str, Any]:
    """Return what `config.json` holds; raises `ModelError`."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError("the folder has no config.json") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"config.json: {error}") from error
    if not isinstance(found, dict):
        raise ModelError("config.json is no mapping")
    return found


def column_labels(of: Mapping[str, Any], *, unnamed: int | None = None) -> tuple[str, ...]:
    """Return the labels of the columns in order, as `id2label` has them.

    Where that is left out there are as many as `num_labels` says, or else `unnamed`, and they are called `LABEL_0` and on.
    Without `unnamed` it must be there. Raises `ModelError`.
    """
    named = of.get("id2label")
    if named is None and unnamed is not None:
        count = of.get("num_labels", unnamed)
        if isinstance(count, int) and count > 0:
            return tuple(f"LABEL_{at}" for at in range(count))
    if not isinstance(named, dict) or {*named} != {str(at) for at in range(len(named))} or not named:
        hint = "it names the label of each column, as {'0': 'O', '1': 'B-PER', …}"
        raise ModelError("config.json has no id2label with the numbers from 0", hint)
    return tuple(str(named[str(at)]) for at in range(len(named)))


def max_positions(of: Mapping[str, Any]) -> int | None:
    """Return how many tokens the model can read at once, special ones included; None where it does not say."""
    found = of.get("max_position_embeddings", of.get("n_positions"))
    if not isinstance(found, int) or isinstance(found, bool) or found <= 0:
        return None
    pad = of.get("pad_token_id", 1)
    return found - (pad + 1 if isinstance(pad, int) else 2) if of.get("model_type") in SHIFTED else found


def infer_activation(of: Mapping[str, Any], count: int) -> Activation:
    """Return what the problem that the model was trained for asks for, with so many labels; its own word comes first."""
    match of.get("function_to_apply", of.get("problem_type")):
        case "regression" | "none":
            return "none"
        case "multi_label_classification" | "sigmoid":
            return "sigmoid"
        case "softmax":
            return "softmax"
        case _:
            return "sigmoid" if count == 1 else "softmax"


def read_tokenizer(folder: Path) -> bytes:
    """Return the bytes of `tokenizer.json`; raises `ModelError`."""
    try:
        return (folder / "tokenizer.json").read_bytes()
    except FileNotFoundError as error:
        raise ModelError("the folder has no tokenizer.json", SAVED) from error
    except OSError as error:
        raise ModelError(f"tokenizer.json: {error.strerror}") from error
