"""Answers that are files: films, pictures and sounds lie on the disk until they were judged."""
