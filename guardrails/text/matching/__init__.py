"""Searches of texts: RE2 that a process may fork beside, tests of many short texts at a time. Texts go in, places come out.

Detectors, views of texts and conditions import this.
"""
