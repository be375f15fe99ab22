"""`python -m guardrails` is the command `guardrails`."""

from __future__ import annotations

import sys

from guardrails.cli import main

if __name__ == "__main__":
    sys.exit(main())
