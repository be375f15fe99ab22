"""Vision models behind an endpoint as judges of pictures: how each family is asked, and how its answers are read.

`form.py`          what a form is
`vision_judge.py`  the detector: frames of a picture as data URIs, all questions about each, scores

Each other file is a family. Adding one takes a file with its `VisionForm`, a line in `VISION_FORMS` and one in `form:` of the
configuration. Questions and answers are those of `detectors/llm/guards`: what an answer is not wholly of its form has failed.
"""

from __future__ import annotations

import re
from typing import Final

from guardrails.detectors.images.vision.described import DESCRIBED
from guardrails.detectors.images.vision.form import VisionForm
from guardrails.detectors.images.vision.llama_guard import LLAMA_GUARD_4_VISION
from guardrails.detectors.images.vision.llavaguard import LLAVAGUARD
from guardrails.detectors.images.vision.shieldgemma import SHIELDGEMMA_2

VISION_FORMS: Final = {
    form.name: form for form in (LLAMA_GUARD_4_VISION, SHIELDGEMMA_2, LLAVAGUARD, DESCRIBED)
}
"""Name in `form:` → the form."""


def find_vision_form(model: str) -> VisionForm:
    """Return the form of the model that a server has under this name; that of any model (`described`) where no name tells."""
    found = [
        form for form in VISION_FORMS.values() if form.models and re.search(form.models, model, re.IGNORECASE)
    ]
    return found[0] if len(found) == 1 else DESCRIBED
