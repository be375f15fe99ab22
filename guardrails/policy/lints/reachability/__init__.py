"""Decides whether rules can fire, by what detectors may find."""
