"""Personal data: findings of `pii.*` by the built-in table, by Presidio, or by a model for names."""
