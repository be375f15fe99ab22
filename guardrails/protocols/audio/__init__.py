"""OpenAI's audio API: its field tables."""
