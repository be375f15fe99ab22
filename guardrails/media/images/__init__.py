"""Pictures: outlines of their files, pixels under limits, and redacted files."""
