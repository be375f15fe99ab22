"""Perceptual hashes and lists of them: pixels and files of hashes go in, distances and entries come out."""
