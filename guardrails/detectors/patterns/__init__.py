"""Regular expressions that are searched in linear time. `pii`, `secrets` and `patterns` are built on them."""
