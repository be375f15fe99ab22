"""Loads YAML files into one `Policy` that knows the place of every field, or reports all that is wrong."""
