"""What all tests share: guards from small policies, detectors of a test's own, and models of a kilobyte."""

from __future__ import annotations

import asyncio
import gc
import importlib
import itertools
import json
import os
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from guardrails import Content, Detection, Guard
from guardrails.detectors.config import Config
from guardrails.detectors.kinds import BUILTIN, Kind

# Imports and collected tests make some million objects that stay; at Python's own thresholds a fifth of a worker's start is spent
# looking whether any of them may go.
gc.set_threshold(100_000, 20, 100)

# The same examples in every run: what is found by chance is kept as an `@example`, and a red build means a change. A seventh of
# them is enough between two commits; `.ci/full properties` has all, by `--hypothesis-profile thorough`.
settings.register_profile("thorough", derandomize=True, deadline=None, max_examples=100)
settings.register_profile("short", settings.get_profile("thorough"), max_examples=15)
# `.ci/full fuzz`: other inputs in each run.
settings.register_profile(
    "long", derandomize=False, database=None, deadline=None, max_examples=2_000, print_blob=True
)
settings.load_profile("short")

# Hypothesis tries what is written in the loaded modules, too: other examples wherever another file was run before, and time to ask for
# each kind of text whether it may be one of ten thousand. So it does so where each run is another one.
if find_constants := getattr(providers, "_get_local_constants", None):
    NO_CONSTANTS = find_constants.__globals__["_local_constants"]
    providers._get_local_constants = lambda: (
        NO_CONSTANTS if settings.default.derandomize else find_constants()
    )

# Rules on pictures are tried with green squares (`tests/green_square.py`).
BUILTIN["green_square"] = "tests.green_square:KIND"

# Each program that a test starts would compile the package again, where an environment (of an image of a container) says that nothing
# compiled is kept. Workers of pytest-xdist are started after this.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Commands put decisions on record, in a folder of the user's where nothing else is said: here in one that ends with the tests.
STATE = tempfile.TemporaryDirectory(prefix="guardrails-state-", ignore_cleanup_errors=True)
os.environ["XDG_STATE_HOME"] = STATE.name

# A script's background jobs ignore Ctrl-C, and so would every process that a test starts from one and then interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def _little_to_collect() -> None:
    """Leave what is there before a file's tests, which stays, to none of their collections: each would take up to a second for it."""
    with warnings.catch_warnings():
        # Clients of SDKs that a file's tests dropped are closed here, where the warning would be another file's error.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _authorities_are_read_once() -> Iterator[None]:
    """Have clients of httpx, and of its successor in the SDKs, share what they believe: each of thousands would read the file of all
    authorities again, for 6 ms.
    """
    with pytest.MonkeyPatch.context() as patched:
        for library in ("httpx", "httpx2"):
            with suppress(ModuleNotFoundError):  # an SDK has one or the other
                default = importlib.import_module(f"{library}._transports.default")
                patched.setattr(default, "create_ssl_context", _remembering(default.create_ssl_context))
        yield


def _remembering(make: Callable[..., Any]) -> Callable[..., Any]:
    known = cache(lambda named: make())

    def create(verify: Any = True, cert: Any = None, trust_env: bool = True) -> Any:
        if verify is True and cert is None and trust_env:
            return known((os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")))
        return make(verify=verify, cert=cert, trust_env=trust_env)

    return create


@pytest.fixture(scope="session", autouse=True)
def _servers_stop_at_once() -> Iterator[None]:
    """Have uvicorn look every 10 ms whether to stop, not every 100, and wait as long for what is open: tests stop a thousand servers."""
    import uvicorn.server

    quick = SimpleNamespace(**vars(asyncio) | {"sleep": lambda seconds: asyncio.sleep(seconds / 10)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", quick)
        yield


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
    that gives those out. All other words have -4, which the fast tier finds clear, with both tiers -6. `more` goes into
    its manifest.
    """
    import numpy as np

    from guardrails.inference.safety.hashed import BUCKETS, HashedHeads, hash_texts
    from tests.larger_model import digest, save_encoder

    def hashed(words: Mapping[str, Mapping[str, float]], heads: Sequence[str]) -> HashedHeads:
        weights = np.zeros((BUCKETS, len(heads)), dtype=np.float32)
        for word, logits in words.items():
            for head, logit in logits.items():
                weights[hash_texts([word]).buckets, heads.index(head)] = logit
        return HashedHeads.train_on(heads, weights, np.full(len(heads), -4.0, dtype=np.float32))

    def make(
        words: Mapping[str, Mapping[str, float]],
        fast: Mapping[str, Mapping[str, float]],
        *,
        heads: Sequence[str] = HEADS,
        window: int = 16,
        view: str = "folded",
        languages: Sequence[str] = (),
        **more: Any,
    ) -> Path:
        folder = tmp_path_factory.mktemp("model")
        save_tokenizer([*words], folder / "tokenizer.json")
        rows = [dict[str, float]()] * len(SPECIAL) + list(words.values())
        table = np.array([[row.get(head, -6.0) for head in heads] for row in rows], dtype=np.float32)
        save_encoder(table, folder / "encoder.onnx")
        hashed(fast, heads).save(folder / "hashed.npz")
        row = {"encoder": [1, 0], "hashed": [1, 0], "both": [1, 0, 0], "clear": 0.05, "sure": 0.95}
        files = ("encoder.onnx", "tokenizer.json", "hashed.npz")
        manifest = {
            "name": "tiny",
            "version": "1",
            "files": {name: digest(folder / name) for name in files},
            "heads": list(heads),
            "window": window,
            "prompt_tokens": 5,
            "view": view,
            "languages": list(languages),
            "scores": dict.fromkeys(heads, row),
            **more,
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


@pytest.fixture(scope="session")
def green_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that gives the folder of a real classifier of pictures: it looks for a pure green square, of at least a
    tenth of a side. Its labels are `other` and `green`; `more` goes into `config.json`, `of_pixels` into the preprocessor's.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def make(
        labels: Sequence[str] = ("other", "green"),
        *,
        last: bool = False,
        inputs: Sequence[str] = ("input",),
        columns: int = 2,
        of_pixels: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Path:
        folder = tmp_path_factory.mktemp("green")
        config = {"id2label": {str(index): label for index, label in enumerate(labels)}, **more}
        (folder / "config.json").write_text(json.dumps(config))
        pixels = {"size": {"height": 64, "width": 64}, "do_normalize": False, "resample": 2}
        (folder / "preprocessor_config.json").write_text(json.dumps(pixels | dict(of_pixels or {})))
        shape = ["batch", 64, 64, 3] if last else ["batch", 3, 64, 64]
        first = [helper.make_node("Transpose", ["input"], ["colours"], perm=[0, 3, 1, 2])] if last else []
        graph = helper.make_graph(
            [
                *first,
                helper.make_node("Conv", ["colours" if last else "input", "greenness"], ["green"]),
                helper.make_node("AveragePool", ["green"], ["around"], kernel_shape=[6, 6]),
                helper.make_node("GlobalMaxPool", ["around"], ["most"]),
                helper.make_node("Flatten", ["most"], ["one"]),
                helper.make_node("MatMul", ["one", "slope"], ["steep"]),
                helper.make_node("Add", ["steep", "base"], ["logits"]),
            ],
            "green",
            [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each in inputs],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", columns])],
            [
                numpy_helper.from_array(
                    np.array([-0.5, 1, -0.5], np.float32).reshape(1, 3, 1, 1), "greenness"
                ),
                numpy_helper.from_array(np.array([[0, 20, 0][:columns]], np.float32), "slope"),
                numpy_helper.from_array(np.array([0, -10, 0][:columns], np.float32), "base"),
            ],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, str(folder / "model.onnx"))
        return folder

    return make


VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
"""The formants of a, i, u, e and o, in Hz."""


def tract(formants: Sequence[int]) -> Any:
    """Return how a mouth rings that is shaped for a vowel: one resonator behind the other, at 16 kHz."""
    import numpy as np

    ring = np.zeros(400)
    ring[0] = 1.0
    for frequency, width in zip(formants, (80, 100, 140), strict=True):
        radius = np.exp(-np.pi * width / 16_000)
        one, two = 2 * radius * np.cos(2 * np.pi * frequency / 16_000), -radius * radius
        before = last = 0.0
        for at in range(len(ring)):
            ring[at] = (1 - one - two) * ring[at] + one * last + two * before
            before, last = last, ring[at]
    return ring


@pytest.fixture(scope="session")
def spoken() -> Callable[..., Any]:
    """Return a function: seconds in, as many of a voice out that says vowels with a hiss between them (16 kHz, floats)."""
    import numpy as np

    tracts = [tract(formants) for formants in VOWELS]

    @cache
    def make(seconds: float, seed: int = 0) -> Any:
        chance = np.random.default_rng(seed)
        count = int(seconds * 16_000)
        swing = np.sin(2 * np.pi * 2.5 * np.arange(count) / 16_000)
        pitch = 120 + 20 * swing + chance.normal(0, 1, count).cumsum() * 0.02
        pulses = np.diff(np.floor(np.cumsum(pitch) / 16_000), prepend=0.0)
        source = np.convolve(pulses, np.exp(-np.arange(80) / 18.0), "same") + chance.normal(0, 0.02, count)
        out = np.zeros(count)
        at = turn = 0
        while at < count:
            vowel = source[at : at + int(chance.uniform(0.12, 0.22) * 16_000)]
            ramp = np.minimum(np.arange(len(vowel)), np.arange(len(vowel))[::-1]) / 320
            rung = np.convolve(vowel, tracts[turn % len(tracts)])[: len(vowel)]
            out[at : at + len(vowel)] = rung * np.minimum(1.0, ramp)
            at, turn = at + len(vowel), turn + 1
            hiss = out[at : at + int(chance.uniform(0.02, 0.06) * 16_000)]
            hiss += 0.02 * np.diff(chance.normal(0, 1, len(hiss) + 1))
            at += len(hiss)
        made = (0.5 * out / np.abs(out).max()).astype(np.float32)
        made.flags.writeable = False  # all who want the same get this one
        return made

    return make


@pytest.fixture(scope="session")
def face_drawn() -> Callable[..., Any]:
    """Return a function that makes pixels with a drawn face in them: its size, the picture's width and height, and where it is.

    It is nobody's, and is drawn here, so that no picture of a person is needed.
    """
    import numpy as np
    from PIL import Image, ImageDraw, ImageFilter

    image = Image.new("RGB", (256, 256), (90, 120, 150))
    draw = ImageDraw.Draw(image)
    draw.rectangle((104, 180, 152, 256), fill=(190, 140, 115))  # the neck
    draw.ellipse((40, 210, 216, 330), fill=(60, 60, 70))
    draw.ellipse((70, 40, 186, 170), fill=(50, 35, 25))  # hair
    draw.ellipse((78, 58, 178, 206), fill=(214, 168, 140))
    hair = [(76, 96), (82, 60), (128, 48), (174, 60), (180, 96), (160, 76), (96, 76)]
    draw.polygon(hair, fill=(50, 35, 25))
    for x in (106, 150):
        for radius, height, colour in ((13, 8, (240, 240, 240)), (7, 8, (60, 40, 30)), (3, 4, (10, 10, 10))):
            draw.ellipse((x - radius, 120 - height, x + radius, 120 + height), fill=colour)
        draw.line([(x - 15, 104), (x, 99), (x + 15, 104)], fill=(60, 40, 30), width=5)
        draw.ellipse((x - 13, 135, x + 13, 150), fill=(222, 160, 135))
    draw.polygon([(128, 118), (116, 152), (140, 152)], fill=(196, 146, 118))
    for x in (117, 131):
        draw.ellipse((x, 147, x + 8, 155), fill=(150, 100, 80))
    draw.ellipse((106, 168, 150, 184), fill=(170, 80, 80))
    draw.line([(106, 175), (150, 175)], fill=(110, 40, 40), width=3)
    face = image.filter(ImageFilter.GaussianBlur(4))

    def drawn(size: int, picture: tuple[int, int], at: tuple[int, int]) -> Any:
        made = Image.new("RGB", picture, (90, 120, 150))
        made.paste(face.resize((size, size), Image.Resampling.BICUBIC), at)
        return np.asarray(made)

    return drawn
