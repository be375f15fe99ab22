"""Explains why a policy judges a content as it does, by its detectors, conditions and edits. For `cli`."""
