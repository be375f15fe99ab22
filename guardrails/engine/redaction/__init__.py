"""Edits of what rules redact: findings go in, new texts, pictures and films come out, and values are put back into replies."""
