"""Classifies pictures by words with a CLIP model: a score in 0..1 for each text.

    model = load_zero_shot_model(folder, ZeroShotTexts(("a photo of a knife", "an ordinary photo")))
    scores = model.scores(picture.views)                # [views, texts], each row adds up to 1

The texts exclude one another: how likely one is depends on which others there are. What they mean to the model is computed once.
A folder holds `config.json`, safetensors, `preprocessor_config.json` and a tokenizer, as the transformers library saves them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from guardrails.inference.hub.hub_cache import file_digests
from guardrails.inference.hub.runtimes import TorchRuntime, read_vocabulary
from guardrails.inference.media.picture_model import Batch, PictureModel
from guardrails.inference.media.pixels import LARGE, read_preparation
from guardrails.inference.safety.folder import ModelError, first_line
from guardrails.inference.safety.scores import Scores
from guardrails.inference.safety.windows import load_tokenizer
from guardrails.inference.shared_models import SharedModels

LONGEST: Final = 77
"""Tokens of a text that CLIP reads."""


@dataclass(frozen=True, slots=True)
class ZeroShotTexts:
    """What pictures are compared with, and how the model runs, as in `PictureOptions`."""

    texts: tuple[str, ...]
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
        self._activation = "softmax"
        self._runtime = ClipPictures(folder, options.texts, options.device or "cpu")
        try:
            self.scores([np.zeros((8, 8, 3), dtype=np.uint8)])
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error


class ClipPictures(TorchRuntime):
    """CLIP, with texts that were read; raises `ModelError` for what is no such model."""

    def __init__(self, folder: Path, texts: tuple[str, ...], device: str) -> None:
        super().__init__(folder, "AutoModel", device)
        if not hasattr(self._model, "logit_scale") or hasattr(self._model, "logit_bias"):
            hint = "take one of CLIP's kind, or a classifier of pictures with labels"
            raise ModelError("the model does not compare pictures with texts as CLIP does", hint)
        self._scale = float(self._model.logit_scale.detach().exp())
        tokenizer = load_tokenizer(read_vocabulary(folder))
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST)
        self._ids = [np.array([tokenizer.encode(text).ids], dtype=np.int64) for text in texts]
        size = read_preparation(folder)
        blank = np.zeros((1, 3, size.height, size.width), dtype=np.float32)
        try:
            self._texts: Scores = np.concatenate([self._embed(blank, ids)[1] for ids in self._ids])
        except Exception as error:
            raise ModelError(f"the model does not run: {first_line(error)}") from error

    def run(self, batch: Any) -> Scores:
        """Return the logits of each picture, one column a text."""
        images, _ = self._embed(batch, self._ids[0])
        return np.asarray(self._scale * images @ self._texts.T, dtype=np.float32)

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
