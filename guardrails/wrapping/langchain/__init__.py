"""LangChain's models and runnables: one goes in, the same guarded comes out, with its own types kept."""
