"""Redaction: new texts, pictures and films for what rules redact, and the user's own values put back into replies."""
