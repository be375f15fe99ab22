"""What is known beforehand of every row."""

from __future__ import annotations

from tests.cases import widen
from tests.policy.loading import test_generate_pattern_rows as short

test_the_files_are_those_of_the_tables = widen(short.test_the_files_are_those_of_the_tables, "step", [1])
