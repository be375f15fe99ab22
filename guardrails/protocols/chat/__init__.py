"""OpenAI's chat API: its field tables, its stream, and the whole answer that a stream makes up."""
