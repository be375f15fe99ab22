"""What a verdict says of coverage, formats and checks that failed, and how it is shown; of the standard library alone."""
