"""Swear words in the languages that the shipped classifier was validated in: a text in, a finding for each of them out."""
