"""YAML files: they go in, one `Policy` with every place comes out, or all that is wrong with them."""
