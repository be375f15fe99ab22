"""Names that programs give: of models, of answers, of reasons. They are shown where no words of people may be."""

from __future__ import annotations

import re
from typing import Final, TypeGuard

LONGEST: Final = 256
"""Characters up to which something is a name."""

_NAME: Final = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")


def is_program_name(value: object) -> TypeGuard[str]:
    """Tell whether a value can be the name of a model, the id of an answer or a reason: visible ASCII, without spaces."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
