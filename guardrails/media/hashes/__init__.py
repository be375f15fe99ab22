"""Perceptual hashes of pictures and films, and lists of them."""
