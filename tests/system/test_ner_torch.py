"""Models of names on torch: a folder with safetensors runs as transformers runs it, and nothing else in it does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import BertConfig, BertForTokenClassification

from guardrails.detectors import ConfigProblems, PolicyFolder
from guardrails.detectors.pii.ner_model import load_token_model
from guardrails.detectors.pii.pii_detector import KIND, PiiConfig
from guardrails.types import Text

LABELS = ["O", "B-PER", "I-PER"]
TEXT = "jo lives in bonn jo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of a tiny model with random weights, as `save_pretrained` makes it."""
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=8, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        id2label=dict(enumerate(LABELS)), label2id={label: at for at, label in enumerate(LABELS)},
    )  # fmt: skip
    home = tmp_path / "ner"
    BertForTokenClassification(config).save_pretrained(home)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "jo", "lives", "in", "bonn"]
    tokenizer = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(home / "tokenizer.json"))
    return home


def test_torch_gives_what_transformers_gives(folder: Path) -> None:
    """The probabilities are those of the model, special tokens left out."""
    pieces = load_token_model(folder, None, "torch", 64).pieces(TEXT)
    model = BertForTokenClassification.from_pretrained(folder, local_files_only=True).eval()
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([[2, 4, 5, 6, 7, 4, 3]])).logits[0]
    assert np.allclose(pieces.probabilities, torch.softmax(logits, -1)[1:-1].numpy(), atol=1e-5)
    assert [TEXT[slice(*span)] for span in pieces.spans] == TEXT.split()


def test_a_policy_chooses_torch(folder: Path) -> None:
    """The detector runs; with random weights what it finds is words of the text."""
    config = PiiConfig.model_validate(
        {"use": "pii", "entities": ["person"], "ner": {"model": "ner", "runtime": "torch", "min_score": 0.01}}
    )
    (detection,) = KIND.build("pii", config, PolicyFolder(folder.parent)).detect([Text(TEXT)])
    assert detection.error is None
    assert detection.findings
    assert all(TEXT[slice(*each.span)].strip() for each in detection.findings)


def test_pickled_weights_and_code_are_refused(folder: Path) -> None:
    """Weights that could run code, and a folder that brings its own, are problems of the field `model`."""
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    settings = json.loads((folder / "config.json").read_text())
    for more in (
        {},
        {
            "model_type": "own",
            "auto_map": {"AutoConfig": "own.Own", "AutoModelForTokenClassification": "own.M"},
        },
    ):
        (folder / "config.json").write_text(json.dumps(settings | more))
        with pytest.raises(ConfigProblems) as caught:
            load_token_model(folder, None, "torch", 64)
        (problem,) = caught.value.problems
        assert (problem.code, problem.path) == ("unreadable_model", ("ner", "model"))
