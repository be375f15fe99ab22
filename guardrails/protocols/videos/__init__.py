"""OpenAI's videos API: its field tables."""
