"""OpenAI's Responses API: its field tables, its stream, and the whole response that a stream makes up."""
