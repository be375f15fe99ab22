"""Judges the same traffic by two versions of a policy and counts what changes. For `authoring.diff`."""
