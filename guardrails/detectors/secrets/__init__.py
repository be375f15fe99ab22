"""Credentials: findings of `secret.*` by a table of published forms with their checksums."""
