"""Ollama's own API: its field tables and its stream."""
