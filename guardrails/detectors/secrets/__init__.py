"""Credentials: texts go in, findings of `secret.*` come out, by a table of published forms with their checksums."""
