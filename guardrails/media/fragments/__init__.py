"""Cuts films that are made of fragments while they come in, each fragment once it is all there."""
