"""Personal data: texts go in, findings of `pii.*` come out, by our own table, by presidio, or by a model for names."""
