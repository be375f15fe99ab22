"""What all tests share: guards from small policies, detectors of a test's own, and models of a kilobyte."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from guardrails import Content, Detection, Guard
from guardrails.detectors import Kind
from guardrails.detectors.config import Config

# The same examples in every run: what is found by chance is kept as an `@example`, and a red build means a change.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


class OwnConfig(Config):
    """The configuration of a test's own detector: none but its kind."""

    use: str
    """The kind of detector."""


class Own:
    """A detector that is a function of one content; it counts the contents that it sees."""

    def __init__(self, judge: Callable[[Content], Any]) -> None:
        self.judge = judge
        self.seen: list[Content] = []

    def detect(self, batch: Sequence[Content]) -> list[Detection]:
        """Judge each content by the function."""
        self.seen += batch
        return [self.judge(content) for content in batch]


@pytest.fixture(scope="session")
def guard_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Guard]:
    """Return a function: the text of a policy (and of a floor) in, a guard out."""
    folder = tmp_path_factory.mktemp("policies")
    numbers = itertools.count()

    def make(text: str, *, floor: str | None = None, detectors: Mapping[str, Kind] | None = None) -> Guard:
        paths = []
        for policy in (text, floor):
            if policy is not None:
                path = folder / f"{next(numbers)}.yaml"
                path.write_text(policy if "format:" in policy else f"format: 1\nname: tested\n{policy}")
                paths.append(path)
        return Guard.load(paths[0], floor=paths[1] if floor is not None else None, detectors=detectors)

    return make


@pytest.fixture(scope="session")
def kind_of() -> Callable[..., Kind]:
    """Return a function: a detector, or a function of one content, in, the kind that a policy can use out."""

    def make(detector: Any, *categories: str, **more: Any) -> Kind:
        built = detector if hasattr(detector, "detect") else Own(detector)
        given = frozenset(categories or ("custom.own",))
        return Kind("own", "A test's own.", OwnConfig, lambda _n, _c: given, lambda _n, _c, _f: built, **more)

    return make


@pytest.fixture(scope="session")
def own() -> type[Own]:
    """Return the class of detectors that count what they see."""
    return Own


EVERYWHERE = "[input, output, tool_definition, tool_call, tool_result, retrieval]"


@pytest.fixture(scope="session")
def bomb_guard(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that blocks the word `zqxbomb`, at every stage."""
    return guard_of(f"""
detectors:
  words: {{use: terms, terms: [zqxbomb], category: custom.bomb}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: block}}
history: block
""")


@pytest.fixture(scope="session")
def bomb_redactor(guard_of: Callable[..., Guard]) -> Guard:
    """A guard that redacts the word `zqxbomb`, at every stage, wherever in a word it stands."""
    return guard_of(f"""
detectors:
  words: {{use: terms, terms: [zqxbomb], category: custom.bomb, match: substring}}
rules:
  - {{id: bomb, on: {EVERYWHERE}, when: custom.bomb > 0, then: redact}}
""")


BIO = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-MISC")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


def save_tokenizer(words: Sequence[str], path: Path) -> None:
    """Save a tokenizer that knows these words (`##` begins one that goes on)."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *words])}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.add_special_tokens([*SPECIAL])
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    made.save(str(path))


def token_scores(words: Mapping[str, str | Mapping[str, float]], labels: Sequence[str]) -> Any:
    """Return the scores of each label for each token: 0.9 for the one that is named, or as said; the rest even."""
    import numpy as np

    rows = [{"O": 0.9}] * len(SPECIAL) + [{of: 0.9} if isinstance(of, str) else of for of in words.values()]
    rest = [(1 - sum(row.values())) / max(len(labels) - len(row), 1) for row in rows]
    table = [
        [max(row.get(label, left), 1e-6) for label in labels] for row, left in zip(rows, rest, strict=True)
    ]
    return np.log(np.array(table, dtype=np.float32))


@pytest.fixture
def ner_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function: what each word piece is labelled as in, the folder of a real model that does so out."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def make(
        words: Mapping[str, str | Mapping[str, float]],
        labels: Sequence[str] = BIO,
        *,
        files: Sequence[str] = ("model.onnx",),
        inputs: Sequence[str] = ("input_ids", "attention_mask"),
    ) -> Path:
        folder = tmp_path / "ner"
        folder.mkdir(exist_ok=True)
        save_tokenizer([*words], folder / "tokenizer.json")
        named = {str(index): label for index, label in enumerate(labels)}
        (folder / "config.json").write_text(json.dumps({"id2label": named, "max_position_embeddings": 512}))
        graph = helper.make_graph(
            [helper.make_node("Gather", ["scores", "input_ids"], ["logits"])],
            "ner",
            [helper.make_tensor_value_info(each, TensorProto.INT64, [1, "tokens"]) for each in inputs],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "tokens", len(labels)])],
            [numpy_helper.from_array(token_scores(words, labels), "scores")],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        for file in files:
            (folder / file).parent.mkdir(exist_ok=True)
            onnx.save(model, str(folder / file))
        return folder

    return make


HEADS = ("toxic", "sexual", "sexual.minors", "unsafe", "unsafe_reply", "injection")


@pytest.fixture(scope="session")
def text_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function: the logits of words in, by head, for the encoder and for the fast tier, the folder of a real model
    that gives those out. All other words have -4, which the fast tier finds clear, with both tiers -6.
    """
    import hashlib

    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from guardrails.inference.hashed import BUCKETS, Hashed, buckets

    def encoder(words: Mapping[str, Mapping[str, float]], heads: Sequence[str]) -> Any:
        rows = [dict[str, float]()] * len(SPECIAL) + list(words.values())
        table = np.array([[row.get(head, -6.0) for head in heads] for row in rows], dtype=np.float32)
        inputs = ("input_ids", "attention_mask", "token_type_ids")
        graph = helper.make_graph(
            [
                helper.make_node("Gather", ["scores", "input_ids"], ["each"]),
                helper.make_node("ReduceMax", ["each"], ["logits"], axes=[1], keepdims=0),
            ],
            "text",
            [helper.make_tensor_value_info(each, TensorProto.INT64, ["batch", "tokens"]) for each in inputs],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(heads)])],
            [numpy_helper.from_array(table, "scores")],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def hashed(words: Mapping[str, Mapping[str, float]], heads: Sequence[str]) -> Hashed:
        weights = np.zeros((BUCKETS, len(heads)), dtype=np.float32)
        for word, logits in words.items():
            for head, logit in logits.items():
                weights[buckets(word), heads.index(head)] = logit
        return Hashed.of(heads, weights, np.full(len(heads), -4.0, dtype=np.float32))

    def make(
        words: Mapping[str, Mapping[str, float]],
        fast: Mapping[str, Mapping[str, float]],
        *,
        heads: Sequence[str] = HEADS,
        window: int = 16,
        view: str = "folded",
        languages: Sequence[str] = (),
    ) -> Path:
        folder = tmp_path_factory.mktemp("model")
        save_tokenizer([*words], folder / "tokenizer.json")
        onnx.save(encoder(words, heads), str(folder / "encoder.onnx"))
        hashed(fast, heads).save(folder / "hashed.npz")
        row = {"encoder": [1, 0], "hashed": [1, 0], "both": [1, 0, 0], "clear": 0.05, "sure": 0.95}
        files = ("encoder.onnx", "tokenizer.json", "hashed.npz")
        manifest = {
            "name": "tiny",
            "version": "1",
            "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
            "heads": list(heads),
            "window": window,
            "prompt_tokens": 5,
            "view": view,
            "languages": list(languages),
            "scores": dict.fromkeys(heads, row),
        }
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


@pytest.fixture
def sequence_folder(tmp_path: Path) -> Callable[..., Path]:
    """Return a function: the logits of words in, by label, the folder of a real sequence classifier that adds them up out.

    `bias` is what all texts have of each label, 0 where nothing is said; `more` goes into `config.json`.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def make(
        words: Mapping[str, Mapping[str, float]],
        labels: Sequence[str] = ("safe", "bad"),
        *,
        bias: Mapping[str, float] | None = None,
        inputs: Sequence[str] = ("input_ids", "attention_mask", "token_type_ids"),
        file: str | None = "model.onnx",
        name: str = "sequence",
        columns: int | None = None,
        **more: Any,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        save_tokenizer([*words], folder / "tokenizer.json")
        named = {str(index): label for index, label in enumerate(labels)}
        config = {"id2label": named, "max_position_embeddings": 64, "pad_token_id": 0, **more}
        (folder / "config.json").write_text(json.dumps(config))
        rows = [dict[str, float]()] * len(SPECIAL) + list(words.values())
        table = np.array([[row.get(label, 0.0) for label in labels] for row in rows], dtype=np.float32)
        base = np.array([(bias or {}).get(label, 0.0) for label in labels], dtype=np.float32)
        graph = helper.make_graph(
            [
                helper.make_node("Gather", ["table", "input_ids"], ["each"]),
                helper.make_node("ReduceSum", ["each", "axis"], ["summed"], keepdims=0),
                helper.make_node("Add", ["summed", "base"], ["logits"]),
            ],
            "sequence",
            [helper.make_tensor_value_info(each, TensorProto.INT64, ["batch", "tokens"]) for each in inputs],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", columns or len(labels)])],
            [
                numpy_helper.from_array(table[:, :columns], "table"),
                numpy_helper.from_array(base[:columns], "base"),
                numpy_helper.from_array(np.array([1]), "axis"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        if file is not None:
            (folder / file).parent.mkdir(exist_ok=True)
            onnx.save(model, str(folder / file))
        return folder

    return make
