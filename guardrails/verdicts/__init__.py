"""What a verdict says of coverage, formats and failed checks, how it is shown and its records are built; no other library."""
