"""The forms of known guard models: how each is asked, and how its answers are read.

`policy/editing/canonical_form.py`       what a form is
`verdict.py`    scores from the probabilities of tokens
`media/images/markers.py`    texts without the markers of chat templates
`authoring/scan/judges.py`     a form and a model, behind a server or in this process, as a judge of texts

Each other file is a family of models. Adding one takes a file with its `GuardForm` and a line in `GUARD_FORMS`.
"""

from __future__ import annotations

import re
from typing import Final

from guardrails.detectors.llm.guards.form import GuardForm
from guardrails.detectors.llm.guards.gpt_oss_safeguard import GPT_OSS_SAFEGUARD
from guardrails.detectors.llm.guards.granite_guardian import (
    GRANITE_GUARDIAN_3,
    GRANITE_GUARDIAN_3_3,
    GRANITE_GUARDIAN_4,
)
from guardrails.detectors.llm.guards.llama_guard import LLAMA_GUARD_3, LLAMA_GUARD_4
from guardrails.detectors.llm.guards.qwen3guard import QWEN3GUARD
from guardrails.detectors.llm.guards.shieldgemma import SHIELDGEMMA
from guardrails.detectors.llm.guards.wildguard import WILDGUARD

GUARD_FORMS: Final = {
    form.name: form
    for form in (
        LLAMA_GUARD_3,
        LLAMA_GUARD_4,
        SHIELDGEMMA,
        GRANITE_GUARDIAN_3,
        GRANITE_GUARDIAN_3_3,
        GRANITE_GUARDIAN_4,
        QWEN3GUARD,
        WILDGUARD,
        GPT_OSS_SAFEGUARD,
    )
}
"""Name in `form:` → the form."""


def find_form(model: str) -> GuardForm | None:
    """Return the form of the model that has this name on the hub, in a server or as a folder; None where no name tells."""
    found = [form for form in GUARD_FORMS.values() if re.search(form.models, model, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None
