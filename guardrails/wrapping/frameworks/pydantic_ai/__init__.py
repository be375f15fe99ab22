"""Pydantic AI: its models, guarded; the parts of its messages; its streams."""
