"""Watches the frames of a film: samples to look at, with an account of all that was seen."""
