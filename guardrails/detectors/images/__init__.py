"""Detectors and extractors for pictures: what they show, and the texts that are written in them."""
