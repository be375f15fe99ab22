"""The calls of OpenAI's and Anthropic's SDKs: how each is read, and how a block is answered in kind."""
