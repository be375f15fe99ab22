"""Tunes the thresholds of a rule on labelled rows for a target. For `cli`."""
