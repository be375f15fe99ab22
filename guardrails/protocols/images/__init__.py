"""OpenAI's images API: its field tables."""
