"""What a verdict says of coverage and formats, and how it is shown; of the standard library alone."""
