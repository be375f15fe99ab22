"""What a verdict says of coverage and formats, and how it is shown: values and texts by themselves, of the standard library alone."""
