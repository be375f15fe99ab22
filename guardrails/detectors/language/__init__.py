"""Detectors for the language of a text, and for text that is no language."""
