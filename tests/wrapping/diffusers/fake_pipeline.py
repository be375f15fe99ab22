"""A pipeline of the form that diffusers' have, without the library: `tests/system/test_wrapped_diffusers.py` has that."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from PIL import Image as Pillow

SIDE = 48


def draw(*, green: bool = False) -> Any:
    """Return pixels, with or without a green square."""
    pixels = np.full((SIDE, SIDE, 3), 200, np.uint8)
    if green:
        pixels[10:40, 10:40] = (0, 255, 0)
    return pixels


class BaseOutput(OrderedDict[str, Any]):
    """What the outputs of the library are: mappings with attributes."""

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            super().__setitem__(each.name, getattr(self, each.name))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, value)
        object.__setattr__(self, name, value)


@dataclass
class PicturesOutput(BaseOutput):
    """Pictures, and which were stopped."""

    images: Any
    nsfw_content_detected: Any = None


class DiffusionPipeline:
    """The class that all pipelines have above them."""

    __module__ = "diffusers.pipelines.pipeline_utils"

    def __init__(self, *pictures: Any) -> None:
        self.pictures, self.asked = pictures, list[Any]()

    @property
    def components(self) -> dict[str, Any]:
        """What it is made of."""
        return {"pictures": self.pictures}

    @classmethod
    def from_pipe(cls, other: Any) -> Any:
        """Return a pipeline of another one's components."""
        return cls(*other.components["pictures"])

    def to(self, device: str) -> Any:
        """Return the pipeline itself."""
        return self


class Pictures(DiffusionPipeline):
    """One that makes pictures of texts."""

    __module__ = "diffusers.pipelines.fake"

    def __call__(
        self,
        prompt: Any = None,
        prompt_2: Any = None,
        negative_prompt: Any = None,
        image: Any = None,
        num_images_per_prompt: int = 1,
        output_type: str = "pil",
        return_dict: bool = True,
        prompt_embeds: Any = None,
        height: int = SIDE,
        width: int = SIDE,
    ) -> Any:
        """Return the pictures that it was made with."""
        self.asked.append((prompt, negative_prompt, image))
        forms = {
            "pil": lambda: [*map(Pillow.fromarray, self.pictures)],
            "np": lambda: np.stack(self.pictures) / 255,
        }
        made = forms.get(output_type, lambda: np.zeros((1, 4, 6, 6)))()
        return PicturesOutput(made) if return_dict else (made, None)


class Other(DiffusionPipeline):
    """A pipeline of another class."""
