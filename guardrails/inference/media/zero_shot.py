"""Classifies pictures by words with a CLIP or SigLIP model: a score in 0..1 for each text.

    model = load_zero_shot_model(folder, ZeroShotTexts(("a photo of a knife", "an ordinary photo")))
    scores = model.scores(picture.views)                # [views, texts]; those of CLIP add up to 1

Of CLIP the texts exclude one another (softmax): how likely one is depends on which others there are. SigLIP and SigLIP 2 were
trained to judge each text by itself (sigmoid); they can be read in the first way as well. What the texts mean to the model is
computed once. A folder holds `config.json`, safetensors, `preprocessor_config.json` and a tokenizer, as the transformers library
saves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from guardrails.inference.hub.hub_cache import file_digests
from guardrails.inference.hub.runtimes import TorchRuntime, read_vocabulary
from guardrails.inference.media.picture_model import Batch, PictureModel
from guardrails.inference.media.pixels import LARGE, read_preparation
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import load_tokenizer
from guardrails.inference.shared_models import SharedModels

LONGEST: Final = 77
"""Tokens of a text that CLIP reads; SigLIP reads 64."""


@dataclass(frozen=True, slots=True)
class ZeroShotTexts:
    """What pictures are compared with, and how the model runs, as in `PictureOptions`; logits are divided by `temperature`."""

    texts: tuple[str, ...]
    activation: Literal["softmax", "sigmoid"] | None = None
    temperature: float = 1.0
    device: str | None = None
    large: int = LARGE


class ZeroShotModel(PictureModel):
    """A model that is ready to run; its labels are the texts."""

    def __init__(self, folder: Path, options: ZeroShotTexts) -> None:
        """Load the model, read the texts and run it once; raises `ModelError`."""
        self.labels = options.texts
        self.identity = " ".join(file_digests(folder))
        self._large = options.large
        self._preparation = read_preparation(folder)
        runtime = ComparedPictures(folder, options.texts, options.device or "cpu", options.temperature)
        self.activation = options.activation or ("sigmoid" if runtime.each_by_itself else "softmax")
        if self.activation == "sigmoid" and not runtime.each_by_itself:
            hint = "remove it, or take a SigLIP model"
            raise ModelError("texts exclude one another for CLIP", hint, field="activation")
        self._runtime = runtime
        try:
            self.scores([np.zeros((8, 8, 3), dtype=np.uint8)])
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error


class ComparedPictures(TorchRuntime):
    """CLIP or SigLIP, with texts that were read; raises `ModelError` for what is no such model. `each_by_itself` tells whether
    the model was trained to judge each text without the others.
    """

    def __init__(self, folder: Path, texts: tuple[str, ...], device: str, temperature: float) -> None:
        super().__init__(folder, "AutoModel", device)
        if not hasattr(self._model, "logit_scale"):
            hint = "take one of CLIP's or SigLIP's kind, or a classifier of pictures with labels"
            raise ModelError("the model does not compare pictures with texts as CLIP does", hint)
        if "spatial_shapes" in self._taken:
            hint = "take one of a fixed size, such as siglip2-base-patch16-224"
            raise ModelError("the model reads patches of pictures of any shape (NaFlex)", hint)
        self.each_by_itself = hasattr(self._model, "logit_bias")
        self._scale = float(self._model.logit_scale.detach().exp()) / temperature
        self._bias = float(self._model.logit_bias.detach()) / temperature if self.each_by_itself else 0.0
        self._ids = self._read_texts(folder, texts)
        size = read_preparation(folder)
        blank = np.zeros((1, 3, size.height, size.width), dtype=np.float32)
        try:
            self._texts: Scores = np.concatenate([self._embed(blank, ids)[1] for ids in self._ids])
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def run(self, batch: Any) -> Scores:
        """Return the logits of each picture, one column a text."""
        images, _ = self._embed(batch, self._ids[0])
        return np.asarray(self._scale * images @ self._texts.T + self._bias, dtype=np.float32)

    def _read_texts(self, folder: Path, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """Return the tokens of each text: SigLIP was trained on texts in small letters that are filled up to one length."""
        tokenizer = load_tokenizer(read_vocabulary(folder))
        tokenizer.no_padding()
        of = getattr(self._model.config, "text_config", None)
        longest = min(LONGEST, getattr(of, "max_position_embeddings", LONGEST))
        tokenizer.enable_truncation(longest)
        if self.each_by_itself:
            texts = [text.lower() for text in texts]
            tokenizer.enable_padding(length=longest, pad_id=getattr(of, "pad_token_id", None) or 0)
        return [np.array([tokenizer.encode(text).ids], dtype=np.int64) for text in texts]

    def _embed(self, batch: Batch, ids: Any) -> tuple[Scores, Scores]:
        """Return what pictures and a text are about: vectors of length 1."""
        torch = self._torch
        given = {"pixel_values": torch.from_numpy(batch), "input_ids": torch.from_numpy(ids)}
        with self._lock, torch.inference_mode():
            found = self._model(**{name: values.to(self._device) for name, values in given.items()})
            images, texts = (each.float().cpu().numpy() for each in (found.image_embeds, found.text_embeds))
        return images, texts


_SHARED = SharedModels(ZeroShotModel)


def load_zero_shot_model(folder: Path, options: ZeroShotTexts) -> ZeroShotModel:
    """Return the model in a folder; the same for all who ask for the same files with the same texts.

    Raises:
        ModelError: what is wrong with the folder, or what is missing from the system.
    """
    return _SHARED.get(folder, options)
