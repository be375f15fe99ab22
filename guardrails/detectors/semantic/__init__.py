"""What a text is about or resembles: topics, known attacks, and replies that rest on what was retrieved. Texts go in, scores
come out.
"""
