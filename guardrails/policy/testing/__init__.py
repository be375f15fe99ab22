"""The fields of tests, in policies and in files beside them: documents go in, checked tests come out."""
