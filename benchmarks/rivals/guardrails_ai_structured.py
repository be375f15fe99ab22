"""guardrails-ai: what it makes of a model's text before it validates that, and asks again where it can make nothing of it."""

from __future__ import annotations

import json
import sys

from guardrails.utils.parsing_utils import extract_json_from_ouput

if __name__ == "__main__":
    print(json.dumps([extract_json_from_ouput(text)[0] for text in json.load(sys.stdin)]))
