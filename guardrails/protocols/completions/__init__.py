"""OpenAI's older completion API: its field tables and its stream."""
