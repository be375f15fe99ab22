"""Mistral's API: OpenAI's chat API with fields of its own, for models and for agents. Read by wrapped clients alone."""
