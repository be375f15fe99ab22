"""OpenAI's embeddings API: its field tables."""
