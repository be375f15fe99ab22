"""Models that read a text and answer in words: guard models and an editor's own questions. Texts go in, scores of categories
come out.
"""
