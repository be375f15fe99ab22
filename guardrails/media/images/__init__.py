"""Pictures: bytes go in, outlines, pixels under limits and redacted files come out."""
