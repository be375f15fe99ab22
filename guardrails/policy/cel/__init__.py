"""Conditions in CEL: a text goes in, a syntax tree and a checked program come out, or the mistake in words for editors."""
