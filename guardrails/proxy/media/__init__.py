"""Answers that are files: films, pictures and sounds go in as they come, and out once they were judged."""
