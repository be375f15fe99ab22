"""Texts that grow: deltas go in, what may be shown comes out as soon as no later text can change it."""
