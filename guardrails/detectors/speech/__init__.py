"""Transcribes speech in sounds and films, with times, for all rules on texts."""
