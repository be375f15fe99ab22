"""Films that are made of fragments: bytes go in as they come, fragments come out, each once it is all there."""
