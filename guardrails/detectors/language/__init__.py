"""The language of a text, and text that is none: a text goes in, findings for stretches of it come out."""
